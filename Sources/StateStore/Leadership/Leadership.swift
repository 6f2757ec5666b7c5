/// Determines whether this process leads, by its own clock.
///
/// A leader holds a lease in the store and relies on it for a shorter time than the store does: until `validity` after the
/// *request* of the last successful renewal. It therefore stops before another process can start to lead, without a message, and
/// even if it was suspended in between: every query compares with the clock first.
///
/// | event            | follower    | candidate                   | leader                              | deposed    |
/// |------------------|-------------|-----------------------------|-------------------------------------|------------|
/// | `campaign`       | → candidate | –                           | –                                   | –          |
/// | `won`            | –           | → leader; too late → follower | –                                 | –          |
/// | `lost`           | –           | → follower                  | –                                   | –          |
/// | `renewed`        | –           | –                           | stays; too late → deposed, stop     | –          |
/// | `refused`        | –           | –                           | → deposed, stop                     | –          |
/// | `tick`           | –           | –                           | too late → deposed, stop            | –          |
/// | `resign`         | –           | → follower                  | → deposed, stop                     | –          |
/// | `steppedDown`    | –           | –                           | –                                   | → follower |
///
/// *Too late* means at or after the deadline. A term never comes back: a renewal whose response arrives too late does not count.
public struct Leadership: Sendable {
  /// The phase of this process.
  public enum Phase: String, Sendable, CaseIterable {
    /// Another process leads, or none does.
    case follower
    /// This process has requested the lead.
    case candidate
    /// This process leads.
    case leader
    /// This process led and must stop everything reserved to the leader.
    case deposed
  }

  private enum State {
    case follower
    case candidate
    case leader(term: Revision, deadline: ContinuousClock.Instant)
    case deposed
  }

  /// The consequence of an event.
  public enum Action: Sendable, Equatable {
    /// Do nothing.
    case none
    /// Request the lead from the store.
    case campaign
    /// Start to lead.
    case lead(term: Revision)
    /// Stop leading at once.
    case stop
  }

  private var state = State.follower
  /// How long a renewal counts, from the time at which it was requested.
  public let validity: Duration

  /// Creates a follower. `validity` is the time to live of the lease minus a margin for clock drift.
  public init(validity: Duration) { self.validity = validity }

  /// The phase according to the events so far.
  public var phase: Phase {
    switch state {
    case .follower: .follower
    case .candidate: .candidate
    case .leader: .leader
    case .deposed: .deposed
    }
  }

  /// Returns the term in which this process leads at a time; nil if it does not lead.
  public func term(at now: ContinuousClock.Instant) -> Revision? {
    guard case .leader(let term, let deadline) = state, now < deadline else { return nil }
    return term
  }

  /// When leading ends unless the lease is renewed; nil if this process does not lead.
  public var deadline: ContinuousClock.Instant? {
    if case .leader(_, let deadline) = state { deadline } else { nil }
  }

  /// Records that there appears to be no leader.
  public mutating func campaign() -> Action {
    guard case .follower = state else { return .none }
    state = .candidate
    return .campaign
  }

  /// Records that the store granted the lead, under a lease requested at `askedAt`.
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

  /// Records that another process was faster, or that the store could not be reached.
  public mutating func lost() {
    if case .candidate = state { state = .follower }
  }

  /// Records that the store renewed the lease, as requested at `askedAt`.
  public mutating func renewed(askedAt: ContinuousClock.Instant, now: ContinuousClock.Instant) -> Action {
    guard case .leader(let term, let deadline) = state else { return .none }
    guard now < deadline else { return depose() }
    state = .leader(term: term, deadline: max(deadline, askedAt + validity))
    return .none
  }

  /// Records that, according to the store, the lease has expired or another process leads.
  public mutating func refused() -> Action {
    guard case .leader = state else { return .none }
    return depose()
  }

  /// Checks whether the deadline has passed.
  public mutating func tick(at now: ContinuousClock.Instant) -> Action {
    guard case .leader(_, let deadline) = state, deadline <= now else { return .none }
    return depose()
  }

  /// Gives up the lead.
  public mutating func resign() -> Action {
    switch state {
    case .leader: return depose()
    case .candidate:
      state = .follower
      return .none
    case .follower, .deposed: return .none
    }
  }

  /// Records that everything reserved to the leader was stopped.
  public mutating func steppedDown() {
    if case .deposed = state { state = .follower }
  }

  private mutating func depose() -> Action {
    state = .deposed
    return .stop
  }
}
