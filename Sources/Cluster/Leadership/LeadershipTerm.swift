import Synchronization

/// One time of leading. Ask it before whatever only a leader may do; it looks at the clock every time.
public struct LeadershipTerm: Sendable, Equatable {
  /// The revision of the transaction that made us leader: later terms have larger numbers.
  public let revision: Revision
  /// The key that holds the leader's record; it has been unchanged since `revision` for as long as we lead.
  public let key: String
  let seat: LeaderSeat

  /// Whether we still lead in this term.
  public var isCurrent: Bool { seat.term == revision }

  /// Two terms are the same when they have the same number.
  public static func == (left: LeadershipTerm, right: LeadershipTerm) -> Bool {
    left.revision == right.revision && left.key == right.key
  }
}

/// Who leads, as others read it in the store: JSON.
public struct LeaderRecord: Codable, Sendable, Equatable {
  /// Where clients reach the leader.
  public var address: String
  /// Which process it is: random, new with every start.
  public var id: String
  /// Since when it leads, in milliseconds since 1970.
  public var since: Int64

  /// A record.
  public init(address: String, id: String, since: Int64) {
    self.address = address
    self.id = id
    self.since = since
  }
}

/// What a process is, and when it changes.
public enum LeaderRole: Sendable, Equatable {
  /// Somebody else leads; nil when it is not known who, or nobody does.
  case standby(leader: LeaderRecord?)
  /// We lead.
  case leading(LeadershipTerm)
}

/// The machine of an election together with the clock, and the way in which changes are told.
final class LeaderSeat: Sendable {
  private struct Shared {
    var machine: Leadership
    var leader: LeaderRecord?
    var told: LeaderRole?
  }

  let roles: AsyncStream<LeaderRole>
  private let continuation: AsyncStream<LeaderRole>.Continuation
  private let shared: Mutex<Shared>
  private let key: String

  init(key: String, validity: Duration) {
    self.key = key
    shared = Mutex(Shared(machine: Leadership(validity: validity)))
    // A reader that is late needs the newest alone.
    (roles, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// The term in which we lead now.
  var term: Revision? { shared.withLock { $0.machine.term(at: .now) } }

  var deadline: ContinuousClock.Instant? { shared.withLock { $0.machine.deadline } }

  var role: LeaderRole { shared.withLock { role($0) } }

  /// Lets an event happen, and tells if the role is another one then.
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

  /// Somebody leads, or nobody.
  func observed(_ leader: LeaderRecord?) {
    shared.withLock { shared in
      shared.leader = leader
      tell(&shared)
    }
  }

  /// A transaction of this term was refused: the store has another leader.
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
    guard let term = shared.machine.term(at: .now) else { return .standby(leader: shared.leader) }
    return .leading(LeadershipTerm(revision: term, key: key, seat: self))
  }
}
