import TestSupport
import Testing
import Turns

@testable import Scheduling

@Suite("Properties of the scheduler on random histories", .computes)
struct SchedulerPropertyTests {
  @Test("All events preserve all invariants", arguments: 0..<60)
  func everything(seed: UInt64) { run(seed: seed) }

  @Test("The same holds with a new seed")
  func unknownSeed() { run(seed: .random(in: 1_000...(.max))) }

  @Test("The same holds without quotas, priorities and external events", arguments: 100..<130)
  func plain(seed: UInt64) {
    run(
      seed: seed,
      SchedulerScale(hosts: 3, events: 250, hasQuotas: false, hasPriorities: false, isEventful: false))
  }

  @Test("A planted fault is found", arguments: SchedulerWorld.Fault.allCases.dropFirst())
  func faults(fault: SchedulerWorld.Fault) {
    let expected: [SchedulerWorld.Fault: String] = [
      .overcommit: "sums are right and no host is overcommitted",
      .halfGang: "sums are right and no host is overcommitted", .forgetQuotas: "quotas are not exceeded",
      .turnOrderAround: "the tenant with the lowest share is next",
      .decideNothing: "nobody waits for what is there", .trustShortRuns: "nobody delays the first that waits",
    ]
    for seed in UInt64(0)..<40 {
      let history = SchedulerHistory.random(seed: seed)
      guard let failure = SchedulerWorld.run(history, fault: fault).failure,
        failure.invariant == expected[fault]
      else { continue }
      let shrunk = shrink(history, tries: 300) {
        SchedulerWorld.run($0, fault: fault).failure?.invariant == failure.invariant
      }
      #expect(shrunk.count < 20)
      return
    }
    Issue.record("\(fault) was not found")
  }

  @Test("Equal histories lead to equal decisions")
  func determinism() {
    for seed in UInt64(0)..<10 {
      let history = SchedulerHistory.random(seed: seed)
      let (a, b) = (SchedulerWorld.run(history), SchedulerWorld.run(history))
      #expect(a.decisions == b.decisions && a.scheduler == b.scheduler && a.decisions.count > 10)
    }
  }

  private func run(
    seed: UInt64, _ scale: SchedulerScale = SchedulerScale(), sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let history = SchedulerHistory.random(seed: seed, scale)
    guard let failure = SchedulerWorld.run(history).failure else { return }
    let shrunk = shrink(Array(history.prefix(failure.event)), tries: 500) {
      SchedulerWorld.run($0).failure?.invariant == failure.invariant
    }
    let last = SchedulerWorld.run(shrunk).failure ?? failure
    let lines = shrunk.map { "  \($0)" }.joined(separator: "\n")
    Issue.record("seed \(seed): \(last)\nshrunk to:\n\(lines)", sourceLocation: sourceLocation)
  }
}
