import ClientOperations
import EmbeddedAnalytics
import Engines
import GraphStore
import Testing
import Turns
import Wire

@Suite("Graphs are found by number", .takesTurns)
struct CatalogueTests {
  @Test("loaded and projected graphs are found with their visible parts until they are unloaded")
  func entered() async throws {
    let graphs = GraphCatalogue()
    let fixture = try await EngineFixture(graphs: graphs)
    let graph = try await fixture.load(try fixture.modernGraph())
    let part = try await fixture.graph(.project(vertices: ["person": []], edges: ["knows": []]), graph.handle)
    let (whole, shown) = (try graphs.entry(graph.objectID), try graphs.entry(part.objectID))
    #expect(whole.description.key == graph.key && whole.description.schema == graph.schema)
    #expect(shown.description.schema.validVertexLabels.count == 1)
    let stored = try await whole.graph()
    #expect(stored.vertexCount(label: 0) == 4 && stored.directory == whole.directory)
    #expect(try await shown.graph() === stored, "one mapping")
    _ = try await fixture.perform(.unload, graph.handle)
    let error = #expect(throws: EngineError.self) { try graphs.entry(graph.objectID) }
    #expect(error?.code == .illegalState)
    #expect(try await graphs.entry(part.objectID).graph() === stored)
    await fixture.engine.close()
    #expect(throws: EngineError.self) { try graphs.entry(part.objectID) }
  }

  @Test("a later process finds them, opens them on first use, and maps them once")
  func recovered() async throws {
    let before = try await EngineFixture()
    let graph = try await before.load(try before.modernGraph())
    let part = try await before.graph(.project(vertices: ["person": nil], edges: ["knows": nil]), graph.handle)
    let simple = try await before.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), part.handle)
    await before.engine.suspend()
    let graphs = GraphCatalogue()
    let after = try await EngineFixture(after: before, graphs: graphs)
    #expect(try await after.engine.recover([graph.handle, part.handle, simple.handle]).isEmpty)
    let stored = try await graphs.entry(part.objectID).graph()
    #expect(stored.vertexCount(label: 0) == 4)
    #expect(try await graphs.entry(graph.objectID).graph() === stored)
    #expect(throws: EngineError.self, "no graph of labels and properties") { try graphs.entry(simple.objectID) }
    #expect(try await after.array("v:person.id", part.handle) == .int64([2, 6, 4, 1]))
    _ = try await after.perform(.unload, part.handle)
    #expect(throws: EngineError.self) { try graphs.entry(part.objectID) }
  }
}
