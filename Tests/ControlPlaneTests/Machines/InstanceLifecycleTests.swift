import TestSupport
import Testing

@testable import ControlPlane

private enum State: String, CaseIterable {
  case requested, queued, allocating, starting, recovering, ready, degraded, draining, stopping, stoppingFailed
  case stopped, failed
}

private enum Event: CaseIterable {
  case admit, granted, allocated, becameReady, impaired, broke, drained, ended, restarts, gaveWay, stop, tickEarly,
    tickLate
}

@Suite("The lifecycle of an instance")
struct InstanceLifecycleTests {
  let start = ContinuousClock.now

  private func instance(in state: State, kind: InstanceKind = .interactive) -> InstanceLifecycle {
    var instance = InstanceLifecycle(kind: kind)
    func run(_ events: Event...) { for event in events { _ = apply(event, to: &instance, at: start) } }
    switch state {
    case .requested: break
    case .queued: run(.admit)
    case .allocating: run(.admit, .granted)
    case .starting: run(.admit, .granted, .allocated)
    case .recovering:
      instance = InstanceLifecycle.recovered(kind: kind, from: self.instance(in: .ready).record, at: start).instance
    case .ready: run(.admit, .granted, .allocated, .becameReady)
    case .degraded: run(.admit, .granted, .allocated, .becameReady, .impaired)
    case .draining: run(.admit, .granted, .allocated, .becameReady, .stop)
    case .stopping: run(.admit, .granted, .stop)
    case .stoppingFailed: run(.admit, .granted, .broke)
    case .stopped: run(.stop)
    case .failed: run(.broke)
    }
    return instance
  }

  private func apply(
    _ event: Event, to instance: inout InstanceLifecycle, at now: ContinuousClock.Instant
  ) -> InstanceLifecycle.Action {
    switch event {
    case .admit: instance.admit()
    case .granted: instance.granted(at: now)
    case .allocated: instance.allocated(at: now)
    case .becameReady: instance.becameReady()
    case .impaired: instance.impaired()
    case .broke: instance.broke(at: now)
    case .drained: instance.drained(at: now)
    case .ended: instance.ended()
    case .restarts: instance.restarts(at: now)
    case .gaveWay: instance.gaveWay()
    case .stop: instance.stop(at: now)
    case .tickEarly: instance.tick(at: now)
    case .tickLate: instance.tick(at: now.advanced(by: .seconds(1_000)))
    }
  }

  private func name(_ instance: InstanceLifecycle) -> String {
    instance.phase.rawValue + (instance.phase == .stopping && instance.record.isFailure ? "Failed" : "")
  }

  @Test("Every event in every state follows the table, for all kinds", arguments: InstanceKind.allCases)
  func table(kind: InstanceKind) {
    let table = TransitionTable(
      """
      | admit | granted | allocated | becameReady | impaired | broke | drained | ended | restarts | gaveWay | stop | tickEarly | tickLate
      requested | askForResources > queued | – | – | – | – | report > failed | – | – | – | – | report > stopped | – | –
      queued | – | allocate > allocating | – | – | – | withdraw > failed | – | – | – | – | withdraw > stopped | – | –
      allocating | – | – | start > starting | – | – | stop > stoppingFailed | – | release > failed | – | – | stop > stopping | – | stop > stoppingFailed
      starting | – | – | – | report > ready | – | stop > stoppingFailed | – | release > failed | start | – | stop > stopping | – | stop > stoppingFailed
      recovering | – | – | – | report > ready | – | stop > stoppingFailed | – | release > failed | – | – | stop > stopping | – | stop > stoppingFailed
      ready | – | – | – | – | report > degraded | stop > stoppingFailed | – | release > failed | start > starting | requeue > queued | drain > draining | – | –
      degraded | – | – | – | report > ready | – | stop > stoppingFailed | – | release > failed | start > starting | requeue > queued | drain > draining | – | –
      draining | – | – | – | – | – | stop > stoppingFailed | stop > stopping | release > stopped | – | – | – | – | stop > stopping
      stopping | – | – | – | – | – | – | – | release > stopped | – | – | – | – | kill
      stoppingFailed | – | – | – | – | – | – | – | release > failed | – | – | – | – | kill
      stopped | – | – | – | – | – | – | – | – | – | – | – | – | –
      failed | – | – | – | – | – | – | – | – | – | – | – | – | –
      """)
    table.check(State.self, Event.self) { state, event in
      var instance = instance(in: state, kind: kind)
      #expect(name(instance) == state.rawValue)
      let action = apply(event, to: &instance, at: start)
      return (caseName(action), name(instance))
    }
  }

  @Test("After a coordinator's restart, every state continues where it is safe")
  func recovery() {
    let expected: [State: (State, InstanceLifecycle.Action)] = [
      .requested: (.requested, .none), .queued: (.queued, .askForResources), .allocating: (.recovering, .find),
      .starting: (.recovering, .find), .recovering: (.recovering, .find), .ready: (.recovering, .find),
      .degraded: (.recovering, .find), .draining: (.stopping, .stop), .stopping: (.stopping, .stop),
      .stoppingFailed: (.stoppingFailed, .stop), .stopped: (.stopped, .none), .failed: (.failed, .none),
    ]
    for state in State.allCases {
      let before = instance(in: state)
      let (after, action) = InstanceLifecycle.recovered(kind: .interactive, from: before.record, at: start)
      #expect(name(after) == expected[state]?.0.rawValue && action == expected[state]?.1, "\(state)")
      #expect(before.phase.holdsResources == after.phase.holdsResources, "\(state)")
    }
  }

  @Test("Deadlines follow the timeouts, and kills repeat")
  func deadlines() {
    let timeouts = InstanceLifecycle.Timeouts(
      allocation: .seconds(1), start: .seconds(2), drain: .seconds(3), stop: .seconds(4), recovery: .seconds(5))
    var instance = InstanceLifecycle(kind: .learning, timeouts: timeouts)
    _ = instance.admit()
    #expect(instance.deadline == nil)
    _ = instance.granted(at: start)
    #expect(instance.deadline == start.advanced(by: .seconds(1)))
    _ = instance.allocated(at: start)
    #expect(instance.deadline == start.advanced(by: .seconds(2)))
    let lost = InstanceLifecycle.recovered(kind: .learning, from: instance.record, timeouts: timeouts, at: start)
    #expect(lost.instance.deadline == start.advanced(by: .seconds(5)))
    _ = instance.becameReady()
    #expect(instance.deadline == nil)
    _ = instance.stop(at: start)
    #expect(instance.deadline == start.advanced(by: .seconds(3)))
    #expect(instance.tick(at: start.advanced(by: .seconds(3))) == .stop)
    for kill in 1...3 {
      let due = start.advanced(by: .seconds(3 + 4 * kill))
      #expect(instance.deadline == due)
      #expect(instance.tick(at: due) == .kill)
    }
  }

  @Test(
    "Random histories release what was granted exactly once, serve or drain, and end when stopped", arguments: 0..<200)
  func randomWalk(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var instance = InstanceLifecycle(kind: .allCases.randomElement(using: &random)!)
    var now = start
    var grants = 0
    var releases = 0
    var requeues = 0
    var accepts = false
    func follow(_ action: InstanceLifecycle.Action) {
      switch action {
      case .allocate: grants += 1
      case .release: releases += 1
      case .requeue:
        releases += 1
        requeues += 1
      default: break
      }
      if [.drain, .stop, .release, .requeue, .start].contains(action) { accepts = false }
      if action == .report { accepts = instance.phase.serves }
      #expect(accepts == instance.phase.serves, "who drains, stops or is over gets no work")
      #expect(grants - releases == (instance.phase.holdsResources ? 1 : 0))
      #expect(grants <= 1 + requeues)
    }
    for _ in 0..<100 {
      now = now.advanced(by: .seconds(Int.random(in: 0...60, using: &random)))
      if Int.random(in: 0..<20, using: &random) == 0 {
        let before = instance.phase
        instance = InstanceLifecycle.recovered(kind: instance.kind, from: instance.record, at: now).instance
        accepts = false
        if before.isEnding { #expect(instance.phase.isEnding) }
      }
      let wasFinal = instance.phase.isFinal
      let event = Event.allCases.randomElement(using: &random)!
      follow(apply(event, to: &instance, at: now))
      if wasFinal { #expect(instance.phase.isFinal) }
    }
    // At most: stop, the drain's deadline, and the report that nothing is left.
    follow(instance.stop(at: now))
    follow(instance.tick(at: now.advanced(by: .seconds(1_000))))
    follow(instance.ended())
    #expect(instance.phase.isFinal && grants == releases && instance.deadline == nil)
  }
}
