import ClientOperations
import EmbeddedLearning
import EmbeddedQuery
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Workers

@testable import gscoordinator

/// Ignores everything.
private struct NoLog: ProgressLog {
  func info(_ line: String) {}
}

@Suite("Embedded engines of a session", .takesTurns)
struct EmbeddedFactoryTests {
  @Test("Query and learning engines see the results of the analytical engine, and nothing of other sessions")
  func shared() async throws {
    let root = FileManager.default.temporaryDirectory.path + "/factory-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: root) }
    let factory = EmbeddedFactory(pool: WorkerPool(threads: 1))
    var sessions: [SessionEngines] = []
    for name in ["a", "b"] {
      let workspace = "\(root)/\(name)"
      try FileManager.default.createDirectory(atPath: workspace, withIntermediateDirectories: true)
      sessions.append(try await factory.makeEngines(EngineRequest(session: name, workspace: workspace)))
    }
    let made = try await sessions[0].analytical.perform(
      .createGraph(GraphOptions(), GraphLayout()), on: [], log: NoLog())
    let graph = try #require(made.graph)
    let number = try #require(graph.objectID)
    let queries = try #require(sessions[0].queries as? EmbeddedQueryEngine)
    let learning = try #require(sessions[0].learning as? EmbeddedLearningEngine)
    #expect(try queries.graphs.entry(number).description.key == graph.key)
    #expect(try await queries.graphs.entry(number).graph() === learning.graphs.entry(number).graph())
    let others = try #require(sessions[1].queries as? EmbeddedQueryEngine)
    #expect(throws: EngineError.self) { try others.graphs.entry(number) }
    for session in sessions { await session.analytical.close() }
  }
}
