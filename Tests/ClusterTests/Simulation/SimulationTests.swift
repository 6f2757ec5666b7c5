import Testing

@testable import Cluster

@Suite("A simulated cluster")
struct SimulationTests {
  @Test("Small clusters keep all invariants, looking at everything after every event", arguments: 0..<40)
  func small(seed: UInt64) {
    _ = simulate(seed: seed, scale: .small)
  }

  @Test("A small cluster with a seed that nobody has seen keeps all invariants")
  func fresh() {
    _ = simulate(seed: .random(in: 1_000...(.max)), scale: .small)
  }

  @Test("Thousands of hosts and sessions keep all invariants")
  func large() {
    let simulation = simulate(seed: 1, scale: .large, fullCheckEvery: 20_000)
    print(
      "handled \(simulation.handled), transactions \(simulation.transactions), lives \(simulation.life), granted \(simulation.observer.granted.count) steps \(simulation.observer.stepsBegun.count)"
    )
  }

  @Test("The same seed is the same history and leads to the same end")
  func determinism() {
    for seed in [UInt64(3), 4] {
      let ends = (0..<2).map { _ in simulate(seed: seed, scale: .small) }
      #expect(ends[0].journal.digest == ends[1].journal.digest)
      #expect(ends[0].handled == ends[1].handled && ends[0].life == ends[1].life)
    }
    #expect(simulate(seed: 3, scale: .small).journal.digest != simulate(seed: 4, scale: .small).journal.digest)
  }

  @Test("The coordinator may die in every transaction, after none, some or all of its effects")
  func everyCrash() {
    var scale = SimulationScale.small
    scale.crashesPerMille = 0
    scale.events = 60
    let history = randomHistory(seed: 7, scale: scale)
    let settings = Simulation.Settings(scale: scale)
    let undisturbed = Simulation.run(history, settings)
    print(undisturbed.simulation.transactions, undisturbed.simulation.handled)
    #expect(undisturbed.failure == nil && undisturbed.simulation.transactions > 100)
    for revision in 1...Revision(undisturbed.simulation.transactions) {
      for effects in [0, 1, .max] {
        var settings = settings
        settings.crashAt = (revision, effects)
        let (simulation, failure) = Simulation.run(history, settings)
        #expect(failure == nil, "crash at revision \(revision) after \(effects) effects")
        #expect(simulation.life == 2)
      }
    }
  }

  @Test("Random histories meet what they are for")
  func coverage() {
    var lives = 0
    var granted = 0
    var steps = 0
    for seed in UInt64(0)..<10 {
      let simulation = simulate(seed: seed, scale: .small, fullCheckEvery: 1_000)
      lives += simulation.life - 1
      granted += simulation.observer.granted.count
      steps += simulation.observer.stepsBegun.count
    }
    print("lives \(lives) granted \(granted) steps \(steps)")
  }
}

@Suite("Shrinking of histories")
struct ShrinkingTests {
  @Test("What remains fails, and no single event of it can be left out")
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
      ControlPlane.Sabotage.allCases.dropFirst(),
      [
        ("resources are held by those that live and nobody else", 3), ("the coordinator has no faults", 3),
        ("who drains does not serve", 3), ("leases never resurrect", 4), ("every process has resources", 3),
      ]))
  func sabotage(sabotage: ControlPlane.Sabotage, expected: (invariant: String, events: Int)) {
    let settings = Simulation.Settings(scale: .small, sabotage: sabotage)
    for seed in UInt64(0)..<20 {
      let history = randomHistory(seed: seed, scale: .small)
      guard let failure = Simulation.run(history, settings).failure else { continue }
      print(sabotage, seed, failure)
      let shrunk = shrunkHistory(history, failure: failure, settings: settings, tries: 500)
      for e in shrunk { print("   ", e) }
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

/// Runs a history; a failure is reported with its seed and the shortest history found that fails alike.
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
