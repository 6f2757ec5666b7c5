/// Whether this process leads, by its own clock.
///
/// A leader holds a lease in the store and believes in it for less long than the store does: until `validity` after it
/// *asked* for the last renewal that succeeded. So it stops before anybody else can begin, without being told, and
/// also when it was stopped itself in between: every question compares with the clock first.
///
/// | event            | follower    | candidate                   | leader                              | deposed    |
/// |------------------|-------------|-----------------------------|-------------------------------------|------------|
/// | `campaign`       | → candidate | –                           | –                                   | –          |
/// | `won`            | –           | → leader; too late → follower | –                                 | –          |
/// | `lost`           | –           | → follower                  | –                                   | –          |
/// | `renewed`        | –           | –                           | goes on; too late → deposed, stop   | –          |
/// | `refused`        | –           | –                           | → deposed, stop                     | –          |
/// | `tick`           | –           | –                           | too late → deposed, stop            | –          |
/// | `resign`         | –           | → follower                  | → deposed, stop                     | –          |
/// | `steppedDown`    | –           | –                           | –                                   | → follower |
///
/// *Too late* is from the deadline on. A term never comes back: a renewal whose answer arrives too late does not count.
public struct Leadership: Sendable {
  /// Where this process stands.
  public enum Phase: String, Sendable, CaseIterable {
    /// Somebody else leads, or nobody.
    case follower
    /// We have asked for the lead.
    case candidate
    /// We lead.
    case leader
    /// We led, and have to stop what we did as leader.
    case deposed
  }

  private enum State {
    case follower
    case candidate
    case leader(term: Revision, deadline: ContinuousClock.Instant)
    case deposed
  }

  /// What an event means.
  public enum Action: Sendable, Equatable {
    /// Nothing changes.
    case none
    /// Ask the store for the lead.
    case campaign
    /// Begin to lead.
    case lead(term: Revision)
    /// Stop leading at once.
    case stop
  }

  private var state = State.follower
  /// How long a renewal counts from the moment at which it was asked for.
  public let validity: Duration

  /// A follower. `validity` is the lease's time to live less a margin for clocks that do not run alike.
  public init(validity: Duration) { self.validity = validity }

  /// Where this process stands, as far as events have told.
  public var phase: Phase {
    switch state {
    case .follower: .follower
    case .candidate: .candidate
    case .leader: .leader
    case .deposed: .deposed
    }
  }

  /// The term in which this process leads at a time, nil when it does not.
  public func term(at now: ContinuousClock.Instant) -> Revision? {
    guard case .leader(let term, let deadline) = state, now < deadline else { return nil }
    return term
  }

  /// When leading ends unless the lease is renewed; nil when this process does not lead.
  public var deadline: ContinuousClock.Instant? {
    if case .leader(_, let deadline) = state { deadline } else { nil }
  }

  /// Nobody leads, as far as we know.
  public mutating func campaign() -> Action {
    guard case .follower = state else { return .none }
    state = .candidate
    return .campaign
  }

  /// The store gave us the lead, under a lease that we asked for at `askedAt`.
  public mutating func won(
    term: Revision, askedAt: ContinuousClock.Instant, now: ContinuousClock.Instant
  ) -> Action {
    guard case .candidate = state else { return .none }
    let deadline = askedAt + validity
    guard now < deadline else {
      state = .follower
      return .none
    }
    state = .leader(term: term, deadline: deadline)
    return .lead(term: term)
  }

  /// Somebody else was faster, or the store could not be asked.
  public mutating func lost() {
    if case .candidate = state { state = .follower }
  }

  /// The store renewed the lease, as we asked at `askedAt`.
  public mutating func renewed(askedAt: ContinuousClock.Instant, now: ContinuousClock.Instant) -> Action {
    guard case .leader(let term, let deadline) = state else { return .none }
    guard now < deadline else { return depose() }
    state = .leader(term: term, deadline: max(deadline, askedAt + validity))
    return .none
  }

  /// The store says that the lease is over or that somebody else leads.
  public mutating func refused() -> Action {
    guard case .leader = state else { return .none }
    return depose()
  }

  /// Time has passed.
  public mutating func tick(at now: ContinuousClock.Instant) -> Action {
    guard case .leader(_, let deadline) = state, deadline <= now else { return .none }
    return depose()
  }

  /// We want to lead no more.
  public mutating func resign() -> Action {
    switch state {
    case .leader: return depose()
    case .candidate:
      state = .follower
      return .none
    case .follower, .deposed: return .none
    }
  }

  /// What we did as leader is stopped.
  public mutating func steppedDown() {
    if case .deposed = state { state = .follower }
  }

  private mutating func depose() -> Action {
    state = .deposed
    return .stop
  }
}
