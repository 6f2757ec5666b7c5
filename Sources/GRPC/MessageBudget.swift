import Synchronization

/// Limits the bytes of partly received messages, over all connections of a process.
///
/// **Rule.** A message that fits into half of its stream's window (32 KiB) needs no reservation: the window limits it and it can
/// always complete. A longer message reserves its whole announced length, once, when its reader waits for it and before any byte
/// beyond the window is requested. Reservations are granted in the order of their requests. Until then the stream's window stays
/// closed and the peer waits: reading pauses, nothing fails. A reservation ends when the message is passed to its handler, or
/// when its call ends. A server handler that takes a stream of messages keeps the reservation of each message until it requests
/// the next one: by then it must have released the bytes, and it must do so without waiting for other messages.
///
/// **Fairness.** Reservations belong to peers (`Peer.origin`). A peer that already holds a reservation may hold at most half of
/// the budget in total; further requests wait without blocking those of other peers. One peer, with any number of connections,
/// therefore leaves half of the budget to all others, or whatever remains beside its single largest message.
///
/// **Freedom from deadlock.** The holder of a reservation needs nothing else in order to finish: no second reservation (there is
/// no hold-and-wait), no window (it is credited as bytes arrive, as is that of the connection), no handler (its reader is already
/// waiting). Until the message is complete it depends only on its peer, and a peer that stops sending while others wait is failed
/// with RESOURCE_EXHAUSTED after `ServerLimits.stalledMessageTimeout`. A message larger than the whole budget could never be
/// admitted and fails at once.
///
/// Received bytes that have not been requested yet are counted separately; see `ServerLimits.maxUnreadBytes`.
public final class MessageBudget: Sendable {
  /// The answer to a request for a reservation.
  enum Answer: Equatable {
    /// The bytes are reserved.
    case granted
    /// `onGranted` will be called later; the ticket cancels the request.
    case waiting(ticket: UInt64)
    /// The request exceeds the whole budget.
    case impossible
  }

  private struct Waiter {
    let ticket: UInt64
    let bytes: Int
    let owner: String
    let onGranted: @Sendable () -> Void
  }

  private struct State {
    var free: Int
    var waiters: [Waiter] = []
    var nextTicket: UInt64 = 0
    /// The bytes reserved by each peer.
    var held: [String: Int] = [:]
    let share: Int

    /// Returns whether the share of a peer allows this many more bytes, regardless of how many are free. Requests without a peer
    /// are always allowed.
    func mayHave(_ owner: String, _ count: Int) -> Bool {
      guard !owner.isEmpty, let held = held[owner] else { return true }
      return held + count <= share
    }

    mutating func take(_ count: Int, _ owner: String) {
      free -= count
      if !owner.isEmpty { held[owner, default: 0] += count }
    }

    mutating func give(_ count: Int, _ owner: String) {
      free += count
      guard let left = held[owner].map({ $0 - count }) else { return }
      held[owner] = left > 0 ? left : nil
    }
  }

  /// The size of the budget, in bytes.
  public let bytes: Int
  private let state: Mutex<State>
  private let unread = Atomic<Int>(0)

  /// Creates a budget of a size in bytes.
  public init(bytes: Int) {
    self.bytes = bytes
    state = Mutex(State(free: bytes, share: bytes / 2))
  }

  /// The number of unreserved bytes.
  public var free: Int { state.withLock { $0.free } }

  /// Whether requests are waiting.
  var isContended: Bool { state.withLock { !$0.waiters.isEmpty } }

  /// Requests a reservation on behalf of a peer. `onGranted` is called on any thread, only after `.waiting`.
  func reserve(_ count: Int, for owner: String = "", onGranted: @escaping @Sendable () -> Void) -> Answer {
    guard count <= bytes else { return .impossible }
    return state.withLock { state in
      let isFirst = !state.waiters.contains { state.mayHave($0.owner, $0.bytes) }
      if isFirst && state.free >= count && state.mayHave(owner, count) {
        state.take(count, owner)
        return .granted
      }
      state.nextTicket += 1
      state.waiters.append(Waiter(ticket: state.nextTicket, bytes: count, owner: owner, onGranted: onGranted))
      return .waiting(ticket: state.nextTicket)
    }
  }

  /// Releases reserved bytes and grants waiting requests that now fit.
  func release(_ count: Int, for owner: String = "") {
    wake { $0.give(count, owner) }
  }

  /// Cancels a waiting request. Returns false if the bytes have been reserved in the meantime and must be released.
  func cancel(ticket: UInt64) -> Bool {
    var wasWaiting = false
    wake { state in
      if let index = state.waiters.firstIndex(where: { $0.ticket == ticket }) {
        state.waiters.remove(at: index)
        wasWaiting = true
      }
    }
    return wasWaiting
  }

  private func wake(_ change: (inout State) -> Void) {
    let granted = state.withLock { state in
      change(&state)
      var granted: [Waiter] = []
      var index = 0
      while index < state.waiters.count {
        let waiter = state.waiters[index]
        guard state.mayHave(waiter.owner, waiter.bytes) else {
          index += 1
          continue
        }
        guard waiter.bytes <= state.free else { break }
        state.take(waiter.bytes, waiter.owner)
        granted.append(state.waiters.remove(at: index))
      }
      return granted
    }
    for waiter in granted { waiter.onGranted() }
  }

  /// Changes the number of unread bytes and returns the total over all streams.
  func addUnread(_ change: Int) -> Int {
    unread.wrappingAdd(change, ordering: .relaxed).newValue
  }
}
