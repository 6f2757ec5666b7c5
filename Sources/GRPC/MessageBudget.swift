import Synchronization

/// The bytes of half-received messages that a process keeps at once, over all connections.
///
/// **The rule.** A message that fits half of its stream's window (32 KiB) needs no reservation: the window bounds it and
/// it can always complete. A longer one reserves its whole announced length, once, when its reader waits for it and
/// before any byte beyond the window is asked for. Reservations are granted first come, first served. Until then the
/// stream's window stays shut and the peer waits: reading pauses, nothing fails. A reservation ends when the message is
/// handed to its handler, or when its call ends.
///
/// **Why this cannot deadlock.** Whoever holds a reservation needs nothing more to finish: not a second reservation
/// (there is no hold-and-wait), not a window (it is credited as bytes arrive, and the connection's window always is), not
/// a handler (its reader is already waiting). It depends on its peer alone, and a peer that stops sending while others
/// wait is failed with RESOURCE_EXHAUSTED after `ServerLimits.stalledMessageTimeout`. A message larger than the whole
/// budget could never be granted and fails at once.
///
/// Bytes that arrived and that nobody has asked for yet are counted apart; see `ServerLimits.maxUnreadBytes`.
public final class MessageBudget: Sendable {
  /// The answer to a request for room.
  enum Answer: Equatable {
    /// Go on.
    case granted
    /// `onGranted` will be called; the ticket cancels.
    case waiting(ticket: UInt64)
    /// More than there will ever be.
    case impossible
  }

  private struct Waiter {
    let ticket: UInt64
    let bytes: Int
    let onGranted: @Sendable () -> Void
  }

  private struct State {
    var free: Int
    var waiters: [Waiter] = []
    var nextTicket: UInt64 = 0
  }

  /// The whole budget in bytes.
  public let bytes: Int
  private let state: Mutex<State>
  private let unread = Atomic<Int>(0)

  /// A budget of so many bytes.
  public init(bytes: Int) {
    self.bytes = bytes
    state = Mutex(State(free: bytes))
  }

  /// Bytes that are not reserved now.
  public var free: Int { state.withLock { $0.free } }

  /// Whether somebody waits for room.
  var isContended: Bool { state.withLock { !$0.waiters.isEmpty } }

  /// Asks for room. `onGranted` is called on any thread, only after `.waiting`.
  func reserve(_ count: Int, onGranted: @escaping @Sendable () -> Void) -> Answer {
    guard count <= bytes else { return .impossible }
    return state.withLock { state in
      if state.waiters.isEmpty && state.free >= count {
        state.free -= count
        return .granted
      }
      state.nextTicket += 1
      state.waiters.append(Waiter(ticket: state.nextTicket, bytes: count, onGranted: onGranted))
      return .waiting(ticket: state.nextTicket)
    }
  }

  /// Gives room back and lets those in front of the queue go on.
  func release(_ count: Int) {
    wake { $0.free += count }
  }

  /// Leaves the queue. False: the room has been granted meanwhile and must be released.
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
      while let first = state.waiters.first, first.bytes <= state.free {
        state.free -= first.bytes
        granted.append(state.waiters.removeFirst())
      }
      return granted
    }
    for waiter in granted { waiter.onGranted() }
  }

  /// Counts unread bytes; returns how many there are now over all streams.
  func addUnread(_ change: Int) -> Int {
    unread.wrappingAdd(change, ordering: .relaxed).newValue
  }
}
