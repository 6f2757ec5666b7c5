import StateStore
import TestSupport
import Testing
import Turns

@testable import ControlPlane

@Suite("A simulated cluster", .computes)
struct SimulationTests {
  @Test("Small clusters keep all invariants, with all checks after every event", arguments: 0..<40)
  func small(seed: UInt64) {
    _ = simulate(seed: seed, scale: .small)
  }

  @Test("Clusters of a data centre's rack keep all invariants, with known seeds and a new one")
  func medium() {
    for seed in [1, 2, UInt64.random(in: 1_000...(.max))] {
      _ = simulate(seed: seed, scale: .medium, fullCheckEvery: 100)
    }
  }

  @Test("Thousands of hosts and sessions keep all invariants")
  func large() {
    let simulation = simulate(seed: 1, scale: .large, fullCheckEvery: 20_000)
    #expect(simulation.life > 10 && simulation.handled > 200_000 && simulation.transactions > 50_000)
    #expect(simulation.observer.granted.count > 2_000 && simulation.observer.stepsBegun.count > 500)
  }

  @Test("The same seed gives the same history and the same end")
  func determinism() {
    for seed in [UInt64(3), 4] {
      let ends = (0..<2).map { _ in simulate(seed: seed, scale: .small) }
      #expect(ends[0].journal.digest == ends[1].journal.digest)
      #expect(ends[0].handled == ends[1].handled && ends[0].life == ends[1].life)
    }
    #expect(simulate(seed: 3, scale: .small).journal.digest != simulate(seed: 4, scale: .small).journal.digest)
  }

  @Test(
    "The coordinator may die in every transaction, after none or some of its effects", arguments: [7, 11] as [UInt64])
  func everyCrash(seed: UInt64) {
    var scale = SimulationScale.small
    scale.crashesPerMille = 0
    scale.events = 60
    let history = randomHistory(seed: seed, scale: scale)
    let settings = Simulation.Settings(scale: scale, fullCheckEvery: 50)
    let undisturbed = Simulation.run(history, settings)
    #expect(undisturbed.failure == nil && undisturbed.simulation.transactions > 100)
    for revision in 1...Revision(undisturbed.simulation.transactions) {
      for effects in [0, 1 + Int(revision) % 3] {
        var settings = settings
        settings.crashAt = (revision, effects)
        let (simulation, failure) = Simulation.run(history, settings)
        #expect(failure == nil, "crash at revision \(revision) after \(effects) effects")
        #expect(simulation.life == 2)
      }
    }
  }
}

@Suite("Shrinking of histories", .computes)
struct ShrinkingTests {
  @Test("A shrunk history fails, and none of its events can be omitted")
  func minimal() {
    let needed: Set<Int> = [3, 50, 51, 97]
    var tries = 0
    let shrunk = shrink(Array(0..<100), tries: 1_000) { part in
      tries += 1
      return needed.isSubset(of: part)
    }
    #expect(Set(shrunk) == needed && tries < 200)
    #expect(shrink(Array(0..<100), tries: 1_000) { $0.count >= 7 }.count == 7)
    #expect(shrink(Array(0..<100), tries: 1_000) { _ in true }.isEmpty)
    #expect(shrink(Array(0..<100), tries: 0) { _ in true }.count == 100)
  }

  @Test(
    "A mistake in the coordinator is found and shrunk to a few events",
    arguments: zip(
      SimulatedCoordinator.Sabotage.allCases.dropFirst(),
      [
        ("resources are held by those that live and nobody else", 3), ("the coordinator has no faults", 3),
        ("who drains does not serve", 3), ("leases never resurrect", 4), ("every process has resources", 4),
        ("queries go to the server that serves", 4), ("a job runs once", 3),
      ]))
  func sabotage(sabotage: SimulatedCoordinator.Sabotage, expected: (invariant: String, events: Int)) {
    let settings = Simulation.Settings(scale: .small, sabotage: sabotage)
    for seed in UInt64(0)..<20 {
      let history = randomHistory(seed: seed, scale: .small)
      guard let failure = Simulation.run(history, settings).failure else { continue }
      let shrunk = shrunkHistory(history, failure: failure, settings: settings, tries: 500)
      #expect(failure.invariant == expected.invariant)
      #expect(shrunk.count <= expected.events)
      for index in shrunk.indices {
        var less = shrunk
        less.remove(at: index)
        #expect(Simulation.run(less, settings).failure?.invariant != failure.invariant)
      }
      return
    }
    Issue.record("\(sabotage) was not found")
  }
}

/// Runs a history; reports a failure with its seed and the shortest history found that fails in the same way.
private func simulate(
  seed: UInt64, scale: SimulationScale, fullCheckEvery: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
) -> Simulation {
  let history = randomHistory(seed: seed, scale: scale)
  let settings = Simulation.Settings(scale: scale, fullCheckEvery: fullCheckEvery)
  let (simulation, failure) = Simulation.run(history, settings)
  if let failure {
    let shrunk = shrunkHistory(history, failure: failure, settings: settings, tries: 500)
    let lines = shrunk.map { "  \($0)" }.joined(separator: "\n")
    Issue.record(
      "seed \(seed): \(failure)\nshrunk to \(shrunk.count) events:\n\(lines)", sourceLocation: sourceLocation)
  }
  return simulation
}

private func shrunkHistory(
  _ history: [TimedEvent], failure: Simulation.Failure, settings: Simulation.Settings, tries: Int
) -> [TimedEvent] {
  let until = Array(history.prefix(failure.event + 1))
  let fails = { (part: [TimedEvent]) in Simulation.run(part, settings).failure?.invariant == failure.invariant }
  return shrink(fails(until) ? until : history, tries: tries, fails: fails)
}
