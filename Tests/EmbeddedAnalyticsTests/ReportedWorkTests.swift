import AnalyticsKernels
import ClientOperations
import Engines
import GraphStore
import Synchronization
import Testing
import Turns
import Workers

@testable import EmbeddedAnalytics

/// An algorithm of two rounds that waits in the second one until its progress was reported.
private struct Waiting: Algorithm {
  let names = ["waiting"]
  let parameters: [any AlgorithmParameter] = []
  let isReported: @Sendable () -> Bool

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    for round in 1...2 {
      call.workers.progress.begin(round: round, of: 2)
      repeat { try call.workers.forEach(64, grain: 1) { _, _ in } } while round == 2 && !isReported()
    }
    return .vertexData(.int64(try Buffer<Int64>(count: call.graph.vertexCount, storage: call.workers.storage)))
  }
}

@Suite("The progress of long work", .takesTurns, .timeLimit(.minutes(1)))
struct ReportedWorkTests {
  @Test("An algorithm that takes long reports its round, its part and its rate while it runs")
  func algorithm() async throws {
    let log = EngineFixture.Lines()
    let isReported: @Sendable () -> Bool = { log.all.contains { $0.contains("round 2") } }
    let fixture = try await EngineFixture(
      algorithms: Algorithms([Waiting(isReported: isReported)]), firstReport: .milliseconds(1))
    let graph = try await fixture.load(try fixture.modernGraph())
    let simple = try await fixture.simple(graph, vertices: ["person": []], edges: ["knows": []])
    let bound = try await fixture.bind("waiting", to: simple)
    _ = try await fixture.engine.perform(.runApplication([]), on: [bound], log: log)
    let line = try #require(log.all.first { $0.contains("round 2") })
    #expect(line.hasPrefix("Running waiting: 50%, round 2 of at most 2, "))
    #expect(line.contains(" rounds/s, "))
  }

  @Test("Short work reports nothing")
  func short() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let simple = try await fixture.simple(graph, vertices: ["person": []], edges: ["knows": []])
    _ = try await fixture.run("pagerank", on: simple)
    #expect(!fixture.log.all.contains { $0.hasPrefix("Running") || $0.hasPrefix("Building") })
  }

  @Test("What is not known is left out")
  func lines() {
    let log = EngineFixture.Lines()
    let work = ReportedWork(name: "Running bfs", progress: WorkProgress(), log: log, firstInterval: .seconds(1))
    typealias Moment = WorkProgress.Moment
    work.line(Moment(loops: 0, loopFraction: 0, round: 0, rounds: 0), after: .seconds(1))
    work.line(Moment(loops: 7, loopFraction: 0.4, round: 0, rounds: 0), after: .milliseconds(2500))
    work.line(Moment(loops: 7, loopFraction: 0.4, round: 3, rounds: 0), after: .seconds(2))
    work.line(Moment(loops: 7, loopFraction: 0.4, round: 4, rounds: 4), after: .seconds(2))
    work.line(Moment(loops: 7, loopFraction: 1, round: 9, rounds: 4), after: .zero)
    #expect(
      log.all == [
        "Running bfs: 1.0 s", "Running bfs: pass 7, 40% of it, 2.5 s", "Running bfs: round 3, 1.5 rounds/s, 2.0 s",
        "Running bfs: 75%, round 4 of at most 4, 2.0 rounds/s, 2.0 s",
        "Running bfs: 99%, round 9 of at most 4, 9000.0 rounds/s, 0.0 s",
      ])
  }
}

/// A log that cancels a task at the first line of a kind.
private final class CancellingLog: ProgressLog {
  private let task = Mutex<Task<Void, any Error>?>(nil)
  private let prefix: String

  init(at prefix: String) { self.prefix = prefix }

  func cancels(_ task: Task<Void, any Error>) { self.task.withLock { $0 = task } }

  func info(_ line: String) {
    guard line.hasPrefix(prefix) else { return }
    // The line may come before the task is known.
    while true {
      if let task = task.withLock({ $0 }) { return task.cancel() }
    }
  }
}

@Suite("Cancelled work", .takesTurns, .timeLimit(.minutes(1)))
struct CancelledWorkTests {
  @Test(
    "A load that is cancelled while it reads or builds leaves nothing behind",
    arguments: [
      "Loading vertex labeled person: 0%", "Loading edge labeled knows: 0%", "Loading edge labeled created: 100%",
      "Loading: edge label 'knows'",
    ])
  func load(_ line: String) async throws {
    let fixture = try await EngineFixture()
    let tables = try fixture.modernGraph()
    let log = CancellingLog(at: line)
    let task = Task<Void, any Error> {
      _ = try await fixture.engine.perform(
        .createGraph(GraphOptions(), GraphLayout()), on: [.tables(tables)], log: log)
    }
    log.cancels(task)
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(fixture.files == [])
    _ = try await fixture.load(tables)
  }
}
