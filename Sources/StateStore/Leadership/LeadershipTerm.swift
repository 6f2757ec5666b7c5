import Synchronization

/// A term of leadership. Check it before every action reserved to the leader; each check compares with the clock.
public struct LeadershipTerm: Sendable, Equatable {
  /// The revision of the transaction that made this process the leader; later terms have larger numbers.
  public let revision: Revision
  /// The key of the leader's record, which is unchanged since `revision` for as long as the term lasts.
  public let key: String
  let seat: LeaderSeat

  /// Whether this process still leads in this term.
  public var isCurrent: Bool { seat.term == revision }

  /// Returns whether two terms have the same number.
  public static func == (left: LeadershipTerm, right: LeadershipTerm) -> Bool {
    left.revision == right.revision && left.key == right.key
  }
}

/// The record of the leader in the store, as JSON.
public struct LeaderRecord: Codable, Sendable, Equatable {
  /// The address at which clients reach the leader.
  public var address: String
  /// The id of the process: random, new with every start.
  public var id: String
  /// The start of the term, in milliseconds since 1970.
  public var since: Int64

  /// Creates a record.
  public init(address: String, id: String, since: Int64) {
    self.address = address
    self.id = id
    self.since = since
  }
}

/// The role of a process in an election.
public enum LeaderRole: Sendable, Equatable {
  /// Another process leads; nil if it is unknown or there is no leader.
  case standby(leader: LeaderRecord?)
  /// This process leads.
  case leading(LeadershipTerm)
  /// The store does not hold the expected state: no process can lead with it, and the election is over.
  case failed(StateStoreError)
}

/// The state machine of an election, with its clock and the stream of its changes.
final class LeaderSeat: Sendable {
  private struct Shared {
    var machine: Leadership
    var leader: LeaderRecord?
    var told: LeaderRole?
    var failure: StateStoreError?
  }

  let roles: AsyncStream<LeaderRole>
  private let continuation: AsyncStream<LeaderRole>.Continuation
  private let shared: Mutex<Shared>
  private let key: String

  init(key: String, validity: Duration) {
    self.key = key
    shared = Mutex(Shared(machine: Leadership(validity: validity)))
    // A slow reader needs only the newest role.
    (roles, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// The term in which this process leads now.
  var term: Revision? { shared.withLock { $0.machine.term(at: .now) } }

  var deadline: ContinuousClock.Instant? { shared.withLock { $0.machine.deadline } }

  var role: LeaderRole { shared.withLock { role($0) } }

  /// Handles an event, and reports the role if it changed.
  @discardableResult
  func handle(
    _ event: (inout Leadership, ContinuousClock.Instant) -> Leadership.Action
  ) -> Leadership.Action {
    shared.withLock { shared in
      let action = event(&shared.machine, .now)
      if case .lead = action { shared.leader = nil }
      tell(&shared)
      return action
    }
  }

  /// Records the observed leader, or that there is none.
  func observed(_ leader: LeaderRecord?) {
    shared.withLock { shared in
      shared.leader = leader
      tell(&shared)
    }
  }

  /// Records that the store is not the expected one.
  func failed(_ error: StateStoreError) {
    shared.withLock { shared in
      shared.failure = error
      tell(&shared)
    }
  }

  /// Records that a transaction of this term was rejected because the store has another leader.
  func refused(in term: Revision) {
    handle { machine, now in machine.term(at: now) == term ? machine.refused() : .none }
  }

  func finish() { continuation.finish() }

  private func tell(_ shared: inout Shared) {
    let role = role(shared)
    guard role != shared.told else { return }
    shared.told = role
    continuation.yield(role)
  }

  private func role(_ shared: Shared) -> LeaderRole {
    if let failure = shared.failure { return .failed(failure) }
    guard let term = shared.machine.term(at: .now) else { return .standby(leader: shared.leader) }
    return .leading(LeadershipTerm(revision: term, key: key, seat: self))
  }
}
