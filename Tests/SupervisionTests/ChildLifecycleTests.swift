import TestSupport
import Testing

@testable import Supervision

private enum State: String, CaseIterable {
  case planned, spawning, aborting, starting, adopted, ready, unresponsive
  case terminating, terminatingForGood, killing, killingForGood, waiting, crashLooping, exited
}

private enum Event: CaseIterable {
  case start, spawned, becameReady, probeSucceeded, probeFailed, exitedWell, exitedBadly, stop, tickEarly, tickLate
  case adopt
}

@Suite("The lifecycle of a child process")
struct ChildLifecycleTests {
  let start = ContinuousClock.now

  /// A child that does not become ready or answer TERM in less than a minute.
  private func child(in state: State, policy: ChildLifecycle.Policy = ChildLifecycle.Policy()) -> ChildLifecycle {
    var child = ChildLifecycle(policy: policy)
    func run(_ events: Event...) { for event in events { _ = apply(event, to: &child, at: start) } }
    switch state {
    case .planned: break
    case .spawning: run(.start)
    case .aborting: run(.start, .stop)
    case .starting: run(.start, .spawned)
    case .adopted: run(.adopt)
    case .ready: run(.start, .spawned, .becameReady)
    case .unresponsive: run(.start, .spawned, .becameReady, .probeFailed)
    case .terminating:
      run(.start, .spawned, .becameReady)
      for _ in 0...policy.probeFailuresTolerated { run(.probeFailed) }
    case .terminatingForGood: run(.start, .spawned, .stop)
    case .killing:
      child = self.child(in: .terminating)
      run(.tickLate)
    case .killingForGood: run(.start, .spawned, .stop, .tickLate)
    case .waiting: run(.start, .exitedBadly)
    case .crashLooping:
      run(.start)
      for _ in 1..<policy.crashLoopExits { run(.exitedBadly, .tickLate) }
      run(.exitedBadly)
    case .exited: run(.stop)
    }
    return child
  }

  private func apply(
    _ event: Event, to child: inout ChildLifecycle, at now: ContinuousClock.Instant
  ) -> ChildLifecycle.Action {
    switch event {
    case .start: child.start()
    case .spawned: child.spawned(at: now)
    case .becameReady: child.becameReady()
    case .probeSucceeded: child.probeSucceeded()
    case .probeFailed: child.probeFailed(at: now)
    case .exitedWell: child.exited(.success, at: now)
    case .exitedBadly: child.exited(.failure, at: now)
    case .stop: child.stop(at: now)
    case .tickEarly: child.tick(at: now)
    case .tickLate: child.tick(at: now.advanced(by: .seconds(61)))
    case .adopt: child.adopt(at: now)
    }
  }

  /// The phase, and whether the end is permanent, which determines what an exit leads to.
  private func name(_ child: ChildLifecycle) -> String {
    guard child.phase == .terminating || child.phase == .killing else { return child.phase.rawValue }
    var copy = child
    return child.phase.rawValue + (copy.exited(.success, at: start) == .done ? "ForGood" : "")
  }

  @Test("Every event in every state follows the table")
  func table() {
    let table = TransitionTable(
      """
      | start | spawned | becameReady | probeSucceeded | probeFailed | exitedWell | exitedBadly | stop | tickEarly | tickLate | adopt
      planned | spawn > spawning | – | – | – | – | – | – | done > exited | – | – | waitUntil > adopted
      spawning | – | waitUntil > starting | – | – | – | done > exited | waitUntil > waiting | > aborting | – | – | –
      aborting | – | signalTerm > terminatingForGood | – | – | – | done > exited | done > exited | – | – | – | –
      starting | – | – | reportReady > ready | – | – | done > exited | waitUntil > waiting | signalTerm > terminatingForGood | – | signalTerm > terminating | –
      adopted | – | – | reportReady > ready | reportReady > ready | – | done > exited | waitUntil > waiting | signalTerm > terminatingForGood | – | signalTerm > terminating | –
      ready | – | – | – | – | reportUnresponsive > unresponsive | done > exited | waitUntil > waiting | signalTerm > terminatingForGood | – | – | –
      unresponsive | – | – | reportReady > ready | reportReady > ready | – | done > exited | waitUntil > waiting | signalTerm > terminatingForGood | – | – | –
      terminating | – | – | – | – | – | waitUntil > waiting | waitUntil > waiting | > terminatingForGood | – | signalKill > killing | –
      terminatingForGood | – | – | – | – | – | done > exited | done > exited | – | – | signalKill > killingForGood | –
      killing | – | – | – | – | – | waitUntil > waiting | waitUntil > waiting | > killingForGood | – | – | –
      killingForGood | – | – | – | – | – | done > exited | done > exited | – | – | – | –
      waiting | – | – | – | – | – | – | – | done > exited | – | spawn > spawning | –
      crashLooping | spawn > spawning | – | – | – | – | – | – | done > exited | – | – | –
      exited | – | – | – | – | – | – | – | – | – | – | –
      """)
    table.check(State.self, Event.self) { state, event in
      var child = child(in: state)
      #expect(name(child) == state.rawValue)
      let action = apply(event, to: &child, at: start)
      if case .waitUntil(let time) = action { #expect(time == child.deadline) }
      return (caseName(action), name(child))
    }
  }

  @Test(
    "The policy decides which exits are answered with a new start", arguments: ChildLifecycle.Policy.Restart.allCases)
  func restarts(restart: ChildLifecycle.Policy.Restart) {
    let expected: [ChildLifecycle.Policy.Restart: [ChildLifecycle.Phase]] = [
      .never: [.exited, .exited], .onFailure: [.exited, .waiting], .always: [.waiting, .waiting],
    ]
    let policy = ChildLifecycle.Policy(restart: restart)
    for (cause, phase) in zip(ChildLifecycle.ExitCause.allCases, expected[restart]!) {
      var child = child(in: .ready, policy: policy)
      let action = child.exited(cause, at: start)
      #expect(child.phase == phase)
      if phase == .exited { #expect(action == (cause == .success ? .done : .reportFailed)) }
    }
    var hung = child(in: .terminating, policy: policy)
    _ = hung.exited(.success, at: start)
    #expect(hung.phase == (restart == .never ? .exited : .waiting), "an end by TERM after missed probes is a failure")
  }

  @Test("Pauses grow by the factor up to the maximum, and shrink when exits are forgotten")
  func backOff() {
    let policy = ChildLifecycle.Policy(
      initialBackOff: .seconds(1), backOffFactor: 3, maximumBackOff: .seconds(20), crashLoopExits: 100)
    #expect((1...5).map { policy.backOff(exits: $0) } == [1, 3, 9, 20, 20].map { .seconds($0) })
    #expect(policy.backOff(exits: .max) == .seconds(20))
    #expect(ChildLifecycle.Policy(backOffFactor: 0.1).backOff(exits: 50) == .seconds(1), "pauses never shrink")
    #expect(ChildLifecycle.Policy(backOffFactor: .infinity).backOff(exits: 2) == .seconds(60))
    var child = child(in: .spawning, policy: policy)
    for pause in [1, 3, 9] {
      #expect(child.exited(.failure, at: start) == .waitUntil(start.advanced(by: .seconds(pause))))
      #expect(child.tick(at: start.advanced(by: .seconds(pause))) == .spawn)
    }
    let later = start.advanced(by: policy.crashLoopWindow)
    #expect(child.exited(.failure, at: later) == .waitUntil(later.advanced(by: .seconds(1))))
  }

  @Test("Too many exits within the window are a crash loop; the same number over a longer time is not")
  func crashLoop() {
    let policy = ChildLifecycle.Policy(crashLoopExits: 3, crashLoopWindow: .seconds(100))
    for (spacing, ends) in [(40, ChildLifecycle.Phase.crashLooping), (60, .waiting)] {
      var child = child(in: .spawning, policy: policy)
      for exit in 0..<3 {
        let now = start.advanced(by: .seconds(exit * spacing))
        if child.phase == .waiting { #expect(child.tick(at: now) == .spawn) }
        _ = child.exited(.failure, at: now)
      }
      #expect(child.phase == ends, "one exit every \(spacing) seconds")
    }
    var looping = child(in: .crashLooping, policy: policy)
    #expect(looping.start() == .spawn)
    #expect(looping.exited(.failure, at: start) == .waitUntil(start.advanced(by: .seconds(1))), "a clean record")
  }

  @Test("Only consecutive probe failures count")
  func probes() {
    let policy = ChildLifecycle.Policy(probeFailuresTolerated: 2)
    var child = child(in: .ready, policy: policy)
    #expect(child.probeFailed(at: start) == .reportUnresponsive)
    #expect(child.probeSucceeded() == .reportReady)
    #expect(child.probeFailed(at: start) == .reportUnresponsive)
    #expect(child.probeFailed(at: start) == .none)
    #expect(child.probeFailed(at: start) == .signalTerm)
    var strict = self.child(in: .ready, policy: ChildLifecycle.Policy(probeFailuresTolerated: 0))
    #expect(strict.probeFailed(at: start) == .signalTerm)
  }

  @Test("Deadlines follow the policy")
  func deadlines() {
    let policy = ChildLifecycle.Policy(readinessDeadline: .seconds(7), termGrace: .seconds(3))
    #expect(child(in: .starting, policy: policy).deadline == start.advanced(by: .seconds(7)))
    #expect(child(in: .adopted, policy: policy).deadline == start.advanced(by: .seconds(7)))
    #expect(child(in: .terminatingForGood, policy: policy).deadline == start.advanced(by: .seconds(3)))
    #expect(child(in: .ready, policy: policy).deadline == nil)
  }

  @Test("Random histories spawn only without a process, serve only with one, and end when stopped", arguments: 0..<200)
  func randomWalk(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var policy = ChildLifecycle.Policy(restart: .allCases.randomElement(using: &random)!)
    policy.crashLoopExits = Int.random(in: 1...6, using: &random)
    var child = ChildLifecycle(policy: policy)
    var now = start
    var process = Process.none
    func act(on action: ChildLifecycle.Action) {
      switch action {
      case .spawn:
        #expect(process == .none)
        process = .asked
      case .signalTerm, .signalKill: #expect(process == .alive)
      case .reportReady, .reportUnresponsive: #expect(process == .alive)
      case .reportFailed, .done, .reportCrashLoop: #expect(process == .none)
      case .none, .waitUntil: break
      }
    }
    for step in 0..<200 {
      now = now.advanced(by: .seconds(Int.random(in: 0...30, using: &random)))
      let event = step == 150 ? .stop : Event.allCases.randomElement(using: &random)!
      switch (event, process) {
      case (.spawned, .asked): process = .alive
      case (.adopt, .none) where child.phase == .planned: process = .alive
      case (.exitedWell, .asked), (.exitedBadly, .asked), (.exitedWell, .alive), (.exitedBadly, .alive): process = .none
      case (.spawned, _), (.exitedWell, _), (.exitedBadly, _), (.adopt, _): continue
      default: break
      }
      let wasExited = child.phase == .exited
      act(on: apply(event, to: &child, at: now))
      if wasExited { #expect(child.phase == .exited) }
    }
    // Once stopped, it ends with the process, after at most TERM and KILL.
    act(on: child.stop(at: now))
    if process == .asked {
      process = .alive
      act(on: child.spawned(at: now))
    }
    for _ in 0..<2 {
      now = now.advanced(by: .seconds(100))
      act(on: child.tick(at: now))
    }
    #expect(child.phase == (process == .none ? .exited : .killing))
    if process == .alive {
      process = .none
      act(on: child.exited(.failure, at: now))
    }
    #expect(child.phase == .exited && child.deadline == nil)
  }

  private enum Process { case none, asked, alive }
}
