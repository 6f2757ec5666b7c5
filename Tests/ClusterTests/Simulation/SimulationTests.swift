import Testing

@testable import Cluster

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

@Suite("A simulated cluster")
struct SimulationTests {
  @Test(
    "Small clusters keep all invariants, whatever happens, looking at everything after every event", arguments: 0..<60)
  func small(seed: UInt64) {
    _ = simulate(seed: seed, scale: .small)
  }
}
