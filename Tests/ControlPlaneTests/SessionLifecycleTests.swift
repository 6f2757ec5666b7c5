import TestSupport
import Testing

@testable import ControlPlane

/// The events of a session, for tests that enumerate them.
private enum Event: CaseIterable {
  case signOfLife, connectionLost, reconnect, hold, endHold, tickEarly, tickLate, close, released
}

@Suite("The lifecycle of a session")
struct SessionLifecycleTests {
  let start = ContinuousClock.now

  private func session(in phase: SessionLifecycle.Phase, lease: Duration? = .seconds(10)) -> SessionLifecycle {
    var session = SessionLifecycle(lease: lease, at: start)
    switch phase {
    case .connected: break
    case .detached: session.connectionLost()
    case .closing: _ = session.close()
    case .closed:
      _ = session.close()
      session.released()
    }
    return session
  }

  /// Applies an event after one second; late ticks come after the lease. Returns the outcome as text.
  private func apply(_ event: Event, to session: inout SessionLifecycle, at second: Int = 1) -> String {
    let now = start.advanced(by: .seconds(second))
    switch event {
    case .signOfLife: return "\(session.signOfLife(at: now))"
    case .connectionLost:
      session.connectionLost()
      return "none"
    case .reconnect: return "\(session.reconnect(at: now))"
    case .hold:
      session.hold(at: now)
      return "none"
    case .endHold:
      session.endHold(at: now, wasClient: second.isMultiple(of: 2))
      return "none"
    case .tickEarly: return "\(session.tick(at: now))"
    case .tickLate: return "\(session.tick(at: now.advanced(by: .seconds(60))))"
    case .close: return "\(session.close())"
    case .released:
      session.released()
      return "none"
    }
  }

  @Test("Every event in every phase follows the table")
  func table() {
    let expected: [SessionLifecycle.Phase: [Event: (String, SessionLifecycle.Phase)]] = [
      .connected: [
        .signOfLife: ("renewed", .connected), .connectionLost: ("none", .detached),
        .reconnect: ("renewed", .connected), .hold: ("none", .connected), .endHold: ("none", .connected),
        .tickEarly: ("none", .connected), .tickLate: ("release", .closing),
        .close: ("release", .closing), .released: ("none", .connected),
      ],
      .detached: [
        .signOfLife: ("renewed", .connected), .connectionLost: ("none", .detached),
        .reconnect: ("renewed", .connected), .hold: ("none", .detached), .endHold: ("none", .detached),
        .tickEarly: ("none", .detached), .tickLate: ("release", .closing),
        .close: ("release", .closing), .released: ("none", .detached),
      ],
      .closing: [
        .signOfLife: ("refused", .closing), .connectionLost: ("none", .closing), .reconnect: ("refused", .closing),
        .hold: ("none", .closing), .endHold: ("none", .closing),
        .tickEarly: ("none", .closing), .tickLate: ("none", .closing), .close: ("already", .closing),
        .released: ("none", .closed),
      ],
      .closed: [
        .signOfLife: ("refused", .closed), .connectionLost: ("none", .closed), .reconnect: ("refused", .closed),
        .hold: ("none", .closed), .endHold: ("none", .closed),
        .tickEarly: ("none", .closed), .tickLate: ("none", .closed), .close: ("already", .closed),
        .released: ("none", .closed),
      ],
    ]
    for phase in SessionLifecycle.Phase.allCases {
      for event in Event.allCases {
        var session = session(in: phase)
        let action = apply(event, to: &session)
        #expect(action == expected[phase]?[event]?.0, "\(event) while \(phase)")
        #expect(session.phase == expected[phase]?[event]?.1, "\(event) while \(phase)")
      }
    }
  }

  @Test("A sign of life moves the deadline; losing the connection does not")
  func deadlines() {
    var session = session(in: .connected)
    #expect(session.deadline == start.advanced(by: .seconds(10)))
    _ = session.signOfLife(at: start.advanced(by: .seconds(4)))
    #expect(session.deadline == start.advanced(by: .seconds(14)))
    session.connectionLost()
    #expect(session.deadline == start.advanced(by: .seconds(14)))
    #expect(session.tick(at: start.advanced(by: .seconds(14))) == .release)
    #expect(session.deadline == nil)
  }

  @Test("A hold postpones the end of the lease; when it ends, the lease is as it would have been")
  func holds() {
    let second = { (number: Int) in start.advanced(by: .seconds(number)) }
    var session = session(in: .detached)
    session.hold(at: second(4))
    #expect(session.phase == .detached && session.deadline == second(14))
    session.hold(at: second(9))
    #expect(session.deadline == second(19))
    var stranger = session
    stranger.endHold(at: second(9), wasClient: false)
    #expect(stranger.deadline == second(10))
    var client = session
    client.endHold(at: second(9), wasClient: true)
    #expect(client.deadline == second(19))
    stranger.endHold(at: second(9), wasClient: true)
    #expect(stranger.deadline == second(10), "nobody held it")
    // Held beyond its lease: its client could rely on the hold.
    session.hold(at: second(18))
    session.endHold(at: second(20), wasClient: false)
    #expect(session.deadline == second(30))
  }

  @Test("A hold is not a sign of life: it does not affect a connected session, and a sign of life ends it")
  func holdsAndSigns() {
    var session = session(in: .connected)
    session.hold(at: start.advanced(by: .seconds(5)))
    session.connectionLost()
    #expect(session.deadline == start.advanced(by: .seconds(10)))
    session.hold(at: start.advanced(by: .seconds(5)))
    _ = session.signOfLife(at: start.advanced(by: .seconds(6)))
    session.connectionLost()
    session.endHold(at: start.advanced(by: .seconds(7)), wasClient: true)
    #expect(session.deadline == start.advanced(by: .seconds(16)))
  }

  @Test("A session without a lease never expires")
  func noLease() {
    var session = session(in: .connected, lease: nil)
    #expect(session.tick(at: start.advanced(by: .seconds(1_000_000))) == .none)
    #expect(session.deadline == nil)
  }

  @Test("After a coordinator's restart, a session waits for its client with a new lease")
  func recovered() {
    let later = start.advanced(by: .seconds(1_000))
    var session = SessionLifecycle.recovered(lease: .seconds(10), at: later)
    #expect(session.phase == .detached && session.deadline == later.advanced(by: .seconds(10)))
    #expect(session.reconnect(at: later) == .renewed && session.phase == .connected)
    var abandoned = SessionLifecycle.recovered(lease: .seconds(10), at: later)
    #expect(abandoned.tick(at: later.advanced(by: .seconds(10))) == .release)
    var closing = SessionLifecycle.recovered(lease: nil, at: later)
    #expect(closing.close() == .release && closing.reconnect(at: later) == .refused)
  }

  @Test("Random histories release exactly once and never come back", arguments: 0..<200)
  func randomWalk(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var session = session(in: .connected)
    var releases = 0
    var second = 0
    for _ in 0..<100 {
      second += Int.random(in: 0...4, using: &random)
      let before = session.phase
      let action = apply(Event.allCases.randomElement(using: &random)!, to: &session, at: second)
      if action == "release" { releases += 1 }
      if before == .closing || before == .closed {
        #expect(session.phase == .closing || session.phase == .closed)
        #expect(action != "renewed" && action != "release")
      }
      if session.phase == .connected || session.phase == .detached { #expect(releases == 0) }
    }
    #expect(releases <= 1)
  }
}
