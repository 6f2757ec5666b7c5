/// The lifecycle of a client's session: whether it may be used, how long it is kept without a sign of life, and when it is
/// released.
///
/// A session holds a *lease*: an interval within which a sign of life (a heartbeat, a step) must arrive. A connected session
/// whose connection is lost becomes detached: it keeps its objects until the lease expires or its client returns.
///
/// A detached session can be *held*, while a program is connected that may or may not be its client. A hold postpones the end of
/// the lease but is not a sign of life; when it ends, the lease is as it would have been without it.
///
/// | state     | `signOfLife` | `connectionLost` | `reconnect` | `hold`, `endHold` | `tick`, lease over | `close`  | `released` |
/// |-----------|--------------|------------------|-------------|-------------------|--------------------|----------|------------|
/// | connected | renew        | → detached       | renew       | –                 | → closing, release | → closing, release | –   |
/// | detached  | → connected, renew | –          | → connected, renew | held, or not | → closing, release | → closing, release | – |
/// | closing   | refused      | –                | refused     | –                 | –                  | already  | → closed, forget |
/// | closed    | refused      | –                | refused     | –                 | –                  | already  | –          |
///
/// A lease never revives: no event leads back from closing.
public struct SessionLifecycle: Sendable, Equatable {
  /// The state of the session.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case connected, detached, closing, closed
  }

  private enum State: Equatable {
    case connected(deadline: ContinuousClock.Instant?)
    /// `held`: until when a program that may be its client holds it.
    case detached(deadline: ContinuousClock.Instant?, held: ContinuousClock.Instant?)
    case closing
    case closed
  }

  /// The outcome of a sign of life.
  public enum LifeAction: Sendable, Equatable {
    /// The session continues.
    case renewed
    /// The session is being released or is gone.
    case refused
  }

  /// The outcome of a request to close, or of the passing of time.
  public enum CloseAction: Sendable, Equatable {
    /// Do nothing.
    case none
    /// Release everything the session holds, then report `released`.
    case release
    /// The session is already being released, or was.
    case already
  }

  private var state: State
  private let lease: Duration?

  /// Creates a session that has just connected. A lease of nil never expires.
  public init(lease: Duration?, at now: ContinuousClock.Instant) {
    self.lease = lease
    state = .connected(deadline: lease.map { now.advanced(by: $0) })
  }

  /// Recovers a session of an earlier coordinator. No client could reach it meanwhile, so its lease starts anew while it waits
  /// for its client. A session that was closing must be closed again.
  public static func recovered(lease: Duration?, at now: ContinuousClock.Instant) -> SessionLifecycle {
    var session = SessionLifecycle(lease: lease, at: now)
    session.connectionLost()
    return session
  }

  /// The current phase.
  public var phase: Phase {
    switch state {
    case .connected: .connected
    case .detached: .detached
    case .closing: .closing
    case .closed: .closed
    }
  }

  /// When the lease expires without a sign of life; nil if never.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .connected(let deadline): deadline
    case .detached(let deadline, let held): deadline.map { max($0, held ?? $0) }
    case .closing, .closed: nil
    }
  }

  /// Records a sign of life: a heartbeat or any call of the session.
  public mutating func signOfLife(at now: ContinuousClock.Instant) -> LifeAction {
    switch state {
    case .connected, .detached:
      state = .connected(deadline: lease.map { now.advanced(by: $0) })
      return .renewed
    case .closing, .closed:
      return .refused
    }
  }

  /// Records that the transport connection of the client ended while the session is open. The lease keeps its deadline.
  public mutating func connectionLost() {
    if case .connected(let deadline) = state { state = .detached(deadline: deadline, held: nil) }
  }

  /// Holds the session, because a program that may be its client gave a sign of life: the lease does not expire within its length
  /// from now, unless the hold ends earlier.
  public mutating func hold(at now: ContinuousClock.Instant) {
    guard case .detached(let deadline, _) = state, let lease else { return }
    state = .detached(deadline: deadline, held: now.advanced(by: lease))
  }

  /// Ends a hold, because the holder is gone or turned out not to be the client.
  /// - Parameter wasClient: Whether the holder is still considered the client: then the lease stays extended as it was. Otherwise
  ///   it ends when it would have ended without the hold; if that time has passed, the session is kept for another lease, since
  ///   its client could rely on the hold.
  public mutating func endHold(at now: ContinuousClock.Instant, wasClient: Bool) {
    guard case .detached(let deadline?, let held?) = state, let lease else { return }
    let end = wasClient ? max(deadline, held) : deadline > now ? deadline : now.advanced(by: lease)
    state = .detached(deadline: end, held: nil)
  }

  /// Reconnects a client to the session.
  public mutating func reconnect(at now: ContinuousClock.Instant) -> LifeAction { signOfLife(at: now) }

  /// Performs the transition that is due at `now`, if any.
  public mutating func tick(at now: ContinuousClock.Instant) -> CloseAction {
    guard let deadline, deadline <= now else { return .none }
    state = .closing
    return .release
  }

  /// Closes the session on behalf of its client or an operator.
  public mutating func close() -> CloseAction {
    switch state {
    case .connected, .detached:
      state = .closing
      return .release
    case .closing, .closed:
      return .already
    }
  }

  /// Records that everything the session held was released.
  public mutating func released() {
    if case .closing = state { state = .closed }
  }
}
