import TestSupport
import Testing

@testable import ControlPlane

private enum State: String, CaseIterable {
  case waiting, running, cancelling, cancellingLate, succeeded, failed, cancelled
}

private enum Event: CaseIterable { case start, succeeded, failed, cancel, tickEarly, tickLate }

@Suite("The lifecycle of a job")
struct JobLifecycleTests {
  let start = ContinuousClock.now

  private func job(in state: State) -> JobLifecycle {
    var job = JobLifecycle(timeLimit: .seconds(100), cancelGrace: .seconds(10))
    func run(_ events: Event...) { for event in events { _ = apply(event, to: &job, at: start) } }
    switch state {
    case .waiting: break
    case .running: run(.start)
    case .cancelling: run(.start, .cancel)
    case .cancellingLate:
      run(.start)
      _ = job.tick(at: start.advanced(by: .seconds(100)))
    case .succeeded: run(.start, .succeeded)
    case .failed: run(.start, .failed)
    case .cancelled: run(.cancel)
    }
    return job
  }

  private func apply(_ event: Event, to job: inout JobLifecycle, at now: ContinuousClock.Instant) -> JobLifecycle.Action
  {
    switch event {
    case .start: job.start(at: now)
    case .succeeded: job.succeeded()
    case .failed: job.failed()
    case .cancel: job.cancel(at: now)
    case .tickEarly: job.tick(at: now)
    case .tickLate: job.tick(at: now.advanced(by: .seconds(1_000)))
    }
  }

  private func name(_ job: JobLifecycle) -> String { job.phase.rawValue + (job.record.timedOut ? "Late" : "") }

  @Test("Every event in every state follows the table")
  func table() {
    let table = TransitionTable(
      """
      | start | succeeded | failed | cancel | tickEarly | tickLate
      waiting | run > running | – | report > failed | report > cancelled | – | –
      running | – | report > succeeded | report > failed | cancel > cancelling | – | cancel > cancellingLate
      cancelling | – | report > succeeded | report > cancelled | – | – | kill
      cancellingLate | – | report > succeeded | report > failed | – | – | kill
      succeeded | – | – | – | – | – | –
      failed | – | – | – | – | – | –
      cancelled | – | – | – | – | – | –
      """)
    table.check(State.self, Event.self) { state, event in
      var job = job(in: state)
      #expect(name(job) == state.rawValue)
      let action = apply(event, to: &job, at: start)
      return (caseName(action), name(job))
    }
  }

  @Test("After a restart, a job is in its earlier phase, and is cancelled again if it was being cancelled")
  func recovery() {
    for state in State.allCases {
      let (job, action) = JobLifecycle.recovered(from: job(in: state).record, timeLimit: .seconds(100), at: start)
      #expect(name(job) == state.rawValue)
      #expect(action == (job.phase == .cancelling ? .cancel : .none))
    }
  }

  @Test("A job without a time limit runs until it ends")
  func noLimit() {
    var job = JobLifecycle(timeLimit: nil)
    _ = job.start(at: start)
    #expect(job.deadline == nil)
    #expect(job.tick(at: start.advanced(by: .seconds(1_000_000))) == .none)
  }

  @Test("Random histories run once, report once, and end when cancelled", arguments: 0..<200)
  func randomWalk(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var job = JobLifecycle(timeLimit: .seconds(50))
    var now = start
    var runs = 0
    var reports = 0
    func follow(_ action: JobLifecycle.Action) {
      if action == .run { runs += 1 }
      if action == .report { reports += 1 }
      #expect(runs <= 1 && reports == (job.phase.isFinal ? 1 : 0))
    }
    for _ in 0..<Int.random(in: 0..<30, using: &random) {
      now = now.advanced(by: .seconds(Int.random(in: 0...20, using: &random)))
      let before = job.phase
      follow(apply(Event.allCases.randomElement(using: &random)!, to: &job, at: now))
      if before.isFinal { #expect(job.phase == before) }
      if before == .cancelling { #expect(job.phase != .running && job.phase != .waiting) }
    }
    follow(job.cancel(at: now))
    follow(job.failed())
    #expect(job.phase.isFinal && job.deadline == nil)
  }
}
