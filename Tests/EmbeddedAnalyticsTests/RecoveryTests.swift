import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Wire

@Suite("An engine of a later process", .takesTurns)
struct RecoveryTests {
  /// All objects of a small session, and what they answer.
  private struct Scene {
    let before: EngineFixture
    let graph: GraphDescription
    let person: GraphDescription
    let simple: GraphDescription
    let flattened: GraphDescription
    let application: ObjectHandle
    let result: ObjectHandle

    init() async throws {
      before = try await EngineFixture()
      graph = try await before.load(try before.modernGraph())
      person = try await before.graph(
        .project(vertices: ["person": ["age"]], edges: ["knows": ["weight"]]), graph.handle)
      simple = try await before.graph(
        .projectToSimple(vertexProperty: "age", edgeProperty: "weight"), person.handle)
      flattened = try await before.graph(.projectToSimple(vertexProperty: nil, edgeProperty: "weight"), graph.handle)
      let bound = try await before.perform(
        .bindApplication, simple.handle, .application(algorithm: "sssp", archive: []))
      guard case .boundApplication(let key) = bound else { throw EngineFixture.Surprise() }
      application = .boundApplication(key)
      guard case .context(let context) = try await before.perform(.runApplication([.integer(1)]), application) else {
        throw EngineFixture.Surprise()
      }
      result = .context(context.key)
    }

    var handles: [ObjectHandle] {
      [graph.handle, person.handle, simple.handle, flattened.handle, application, result]
    }
  }

  @Test(
    "finds graphs, projections, bound algorithms and results again, with the same answers", arguments: [true, false])
  func everything(isOrderly: Bool) async throws {
    let scene = try await Scene()
    let expected = try await scene.before.frame(["id": "v.id", "r": "r"], scene.result)
    let ages = try await scene.before.array("v:person.age", scene.graph.handle)
    // A process that is killed does less than this, but leaves the same files.
    if isOrderly { await scene.before.engine.suspend() }
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    let found = try await after.frame(["id": "v.id", "r": "r"], scene.result)
    #expect(found.map(\.values) == expected.map(\.values))
    #expect(try await after.array("v:person.age", scene.graph.handle) == ages)
    let again = try await after.perform(.runApplication([.integer(1)]), scene.application)
    guard case .context(let context) = again else { throw EngineFixture.Surprise() }
    #expect(try await after.array("r", .context(context.key)) == expected[1].values)
    let wcc = try await after.run("wcc", on: scene.flattened)
    #expect(try await after.array("r", wcc) == .int64([1, 1, 1, 1, 1, 1]))
    let more = try await after.graph(.project(vertices: ["person": nil], edges: ["knows": nil]), scene.person.handle)
    #expect(more.schema.vertexLabels[0].properties.validIndices.count == 1)
    await after.engine.suspend()
    await scene.before.engine.suspend()
  }

  @Test("removes what nobody knows: half-built graphs, tables, objects of operations that never were answered")
  func leftovers() async throws {
    let scene = try await Scene()
    await scene.before.engine.suspend()
    let directory = scene.before.root + "/session/analytics"
    for name in ["graph_x.building-1", "graph_x.tables"] {
      try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: false)
    }
    try "{".write(toFile: "\(directory)/graph_torn.object", atomically: false, encoding: .utf8)
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover([scene.graph.handle]).isEmpty)
    #expect(Set(after.files) == [scene.graph.key, "\(scene.graph.key).object", "\(scene.graph.key).json"])
    #expect(FileManager.default.fileExists(atPath: scene.graph.schemaPath))
    await #expect(throws: EngineError.self) { _ = try await after.array("r", scene.result) }
    _ = try await after.perform(.unload, scene.graph.handle)
    #expect(after.files.isEmpty)
  }

  @Test("keeps a graph's files as long as any object needs them, and not longer")
  func shared() async throws {
    let scene = try await Scene()
    let expected = try await scene.before.array("r", scene.result)
    await scene.before.engine.suspend()
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    for handle in [scene.graph, scene.person, scene.flattened, scene.simple].map(\.handle) {
      _ = try await after.perform(.unload, handle)
    }
    #expect(after.files.contains(scene.graph.key))
    #expect(try await after.array("r", scene.result) == expected)
    _ = try await after.perform(.unload, scene.application)
    _ = try await after.perform(.unload, scene.result)
    #expect(after.files.isEmpty)
  }

  @Test("tells which objects are lost and why, and goes on with the others")
  func lost() async throws {
    let scene = try await Scene()
    let ages = try await scene.before.array("v:person.age", scene.graph.handle)
    await scene.before.engine.suspend()
    let directory = scene.before.root + "/session/analytics"
    guard case .context(let key) = scene.result else { throw EngineFixture.Surprise() }
    try "nonsense".write(toFile: "\(directory)/\(key).object", atomically: false, encoding: .utf8)
    let after = try await EngineFixture(after: scene.before)
    let lost = try await after.engine.recover(scene.handles + [.graph("graph_never"), .graph("../../etc/passwd")])
    #expect(lost.count == 3)
    #expect(lost.allSatisfy { $0.reason.contains("cannot be found again") })
    #expect(try await after.array("v:person.age", scene.graph.handle) == ages)
    await after.engine.suspend()
  }

  @Test("refuses graphs and results whose files were damaged, when they are needed")
  func damaged() async throws {
    let scene = try await Scene()
    await scene.before.engine.suspend()
    let directory = scene.before.root + "/session/analytics"
    guard case .context(let key) = scene.result else { throw EngineFixture.Surprise() }
    truncate("\(directory)/\(key).values", 8)
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    let error = await #expect(throws: EngineError.self) { _ = try await after.array("r", scene.result) }
    #expect(error?.description.contains("damaged") == true)
    let columns = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(scene.graph.key)")
    let column = try #require(columns.filter { $0 != "manifest" }.sorted().last)
    truncate("\(directory)/\(scene.graph.key)/\(column)", 1)
    let worse = try await EngineFixture(after: scene.before)
    #expect(try await worse.engine.recover([scene.graph.handle]).isEmpty)
    let graphError = await #expect(throws: EngineError.self) {
      _ = try await worse.array("v:person.age", scene.graph.handle)
    }
    #expect(graphError?.description.contains("damaged") == true)
    await worse.engine.close()
  }

  @Test("finds objects again after its files were moved to another place")
  func moved() async throws {
    let scene = try await Scene()
    let expected = try await scene.before.array("r", scene.result)
    await scene.before.engine.suspend()
    let elsewhere = try await EngineFixture()
    try FileManager.default.removeItem(atPath: elsewhere.root + "/session")
    try FileManager.default.copyItem(atPath: scene.before.root + "/session", toPath: elsewhere.root + "/session")
    let after = try await EngineFixture(after: elsewhere)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    let projected = try await after.graph(
      .project(vertices: ["person": nil], edges: ["knows": nil]), scene.graph.handle)
    #expect(projected.schemaPath.hasPrefix(elsewhere.root))
    #expect(try await after.array("r", scene.result) == expected)
    await after.engine.close()
    #expect(FileManager.default.fileExists(atPath: scene.graph.schemaPath))
  }
}
