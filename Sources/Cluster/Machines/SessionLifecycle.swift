/// The life of a client's session: who may use it, how long it is kept without a sign of life, when it is released.
///
/// A session holds a *lease*: an interval within which a sign of life (a heartbeat, a step) must arrive. A connected
/// session whose connection is lost is detached: it keeps its objects until the lease runs out or its client returns.
///
/// | state     | `signOfLife` | `connectionLost` | `reconnect` | `tick`, lease over | `close`  | `released` |
/// |-----------|--------------|------------------|-------------|--------------------|----------|------------|
/// | connected | renew        | → detached       | renew       | → closing, release | → closing, release | –   |
/// | detached  | → connected, renew | –          | → connected, renew | → closing, release | → closing, release | – |
/// | closing   | refused      | –                | refused     | –                  | already  | → closed, forget |
/// | closed    | refused      | –                | refused     | –                  | already  | –          |
///
/// A lease never resurrects: once closing, no event leads back.
public struct SessionLifecycle: Sendable, Equatable {
  /// Where the session stands.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case connected, detached, closing, closed
  }

  private enum State: Equatable {
    case connected(deadline: ContinuousClock.Instant?)
    case detached(deadline: ContinuousClock.Instant?)
    case closing
    case closed
  }

  /// What a sign of life means.
  public enum LifeAction: Sendable, Equatable {
    /// The session goes on.
    case renewed
    /// The session is being released or is gone.
    case refused
  }

  /// What a request to end, or the passing of time, means.
  public enum CloseAction: Sendable, Equatable {
    /// Nothing changes.
    case none
    /// Release everything the session holds, then report `released`.
    case release
    /// Somebody else is releasing it or has done so.
    case already
  }

  private var state: State
  private let lease: Duration?

  /// A session that just connected. A lease of nil never runs out.
  public init(lease: Duration?, at now: ContinuousClock.Instant) {
    self.lease = lease
    state = .connected(deadline: lease.map { now.advanced(by: $0) })
  }

  /// A session of an earlier coordinator: nobody could reach it meanwhile, so its lease begins anew while it waits for
  /// its client. One that was closing must be closed again.
  public static func recovered(lease: Duration?, at now: ContinuousClock.Instant) -> SessionLifecycle {
    var session = SessionLifecycle(lease: lease, at: now)
    session.connectionLost()
    return session
  }

  /// Where the session stands.
  public var phase: Phase {
    switch state {
    case .connected: .connected
    case .detached: .detached
    case .closing: .closing
    case .closed: .closed
    }
  }

  /// When the lease runs out if no sign of life arrives; nil when it never does.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .connected(let deadline), .detached(let deadline): deadline
    case .closing, .closed: nil
    }
  }

  /// The client was heard: a heartbeat or any call of the session.
  public mutating func signOfLife(at now: ContinuousClock.Instant) -> LifeAction {
    switch state {
    case .connected, .detached:
      state = .connected(deadline: lease.map { now.advanced(by: $0) })
      return .renewed
    case .closing, .closed:
      return .refused
    }
  }

  /// The transport connection of the client ended without the session being closed. The lease keeps its deadline.
  public mutating func connectionLost() {
    if case .connected(let deadline) = state { state = .detached(deadline: deadline) }
  }

  /// A client asks to go on with this session.
  public mutating func reconnect(at now: ContinuousClock.Instant) -> LifeAction { signOfLife(at: now) }

  /// Time has passed.
  public mutating func tick(at now: ContinuousClock.Instant) -> CloseAction {
    guard let deadline, deadline <= now else { return .none }
    state = .closing
    return .release
  }

  /// The client or an operator ends the session.
  public mutating func close() -> CloseAction {
    switch state {
    case .connected, .detached:
      state = .closing
      return .release
    case .closing, .closed:
      return .already
    }
  }

  /// Everything the session held is released.
  public mutating func released() {
    if case .closing = state { state = .closed }
  }
}
