import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Wire

@Suite("An engine of a later process", .takesTurns)
struct RecoveryTests {
  /// All objects of a small session, with the expected answers.
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
    "recovers graphs, projections, bound algorithms and results, with the same values", arguments: [true, false])
  func everything(isOrderly: Bool) async throws {
    let scene = try await Scene()
    let expected = try await scene.before.frame(["id": "v.id", "r": "r"], scene.result)
    let ages = try await scene.before.array("v:person.age", scene.graph.handle)
    // A killed process does less, but leaves the same files.
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

  @Test("removes incomplete objects: half-built graphs, tables, graphs and values without a record")
  func leftovers() async throws {
    let scene = try await Scene()
    await scene.before.engine.suspend()
    let directory = scene.before.root + "/session/analytics"
    for name in ["graph_x.building-1", "graph_x.tables", "graph_y"] {
      try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: false)
    }
    for name in ["graph_torn.object.draft", "ctx_x.values", "graph_y/manifest"] {
      try "{".write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
    }
    let before = Set(scene.before.files)
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    #expect(
      before.subtracting(after.files) == [
        "graph_x.building-1", "graph_x.tables", "graph_y", "graph_torn.object.draft", "ctx_x.values",
      ])
    for handle in scene.handles { _ = try await after.perform(.unload, handle) }
    #expect(after.files.isEmpty)
  }

  @Test("keeps unclaimed objects until they are discarded or set aside")
  func unclaimed() async throws {
    let scene = try await Scene()
    let expected = try await scene.before.array("r", scene.result)
    await scene.before.engine.suspend()
    let directory = scene.before.root + "/session/analytics"
    try "{".write(toFile: "\(directory)/graph_damaged.object", atomically: false, encoding: .utf8)
    let before = Set(scene.before.files)
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover([scene.graph.handle]).isEmpty)
    #expect(Set(after.files) == before)
    let engine = try #require(after.engine as? any KeepsUnclaimedObjects)
    let keys = await engine.unclaimedObjects()
    #expect(keys.count == 6 && keys.contains("graph_damaged"))
    let aside = temporaryPath()
    try FileManager.default.createDirectory(atPath: aside, withIntermediateDirectories: false)
    for key in keys { try await engine.setAside(unclaimed: key, to: aside) }
    #expect(await engine.unclaimedObjects().isEmpty)
    #expect(Set(after.files) == [scene.graph.key, "\(scene.graph.key).object", "\(scene.graph.key).json"])
    await #expect(throws: EngineError.self) { _ = try await after.array("r", scene.result) }
    _ = try await after.perform(.unload, scene.graph.handle)
    #expect(after.files.isEmpty)
    // The shared graph was removed with the last object here, but is complete in the other directory.
    try FileManager.default.removeItem(atPath: directory)
    try FileManager.default.moveItem(atPath: aside + "/analytics", toPath: directory)
    let back = try await EngineFixture(after: scene.before)
    #expect(try await back.engine.recover(scene.handles).count == 1)
    #expect(try await back.array("r", scene.result) == expected)
    await back.engine.close()
    try FileManager.default.removeItem(atPath: aside)
  }

  @Test("keeps all files when it is deinitialized, and removes them only on unload")
  func noDestructor() async throws {
    let scene = try await Scene()
    let files = Set(scene.before.files)
    await scene.before.engine.suspend()
    do {
      let after = try await EngineFixture(after: scene.before)
      #expect(try await after.engine.recover(scene.handles).isEmpty)
      _ = try await after.array("r", scene.result)
    }
    #expect(Set(scene.before.files) == files)
  }

  @Test("does not report an object as lost that temporarily cannot be opened")
  func passing() async throws {
    let scene = try await Scene()
    await scene.before.engine.suspend()
    let record = "\(scene.before.root)/session/analytics/\(scene.graph.key).object"
    // A symbolic link to itself cannot be opened, even by root.
    try FileManager.default.moveItem(atPath: record, toPath: record + ".away")
    try FileManager.default.createSymbolicLink(atPath: record, withDestinationPath: record)
    let files = Set(scene.before.files)
    let after = try await EngineFixture(after: scene.before)
    await #expect(throws: EngineError.self) { _ = try await after.engine.recover(scene.handles) }
    #expect(Set(scene.before.files) == files)
    try FileManager.default.removeItem(atPath: record)
    try FileManager.default.moveItem(atPath: record + ".away", toPath: record)
    let later = try await EngineFixture(after: scene.before)
    #expect(try await later.engine.recover(scene.handles).isEmpty)
    await later.engine.suspend()
  }

  @Test("keeps a graph's files exactly as long as any object needs them")
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

  @Test("reports lost objects with the reason, and continues with the others")
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
    #expect(lost.allSatisfy { $0.reason.contains("cannot be recovered") })
    #expect(try await after.array("v:person.age", scene.graph.handle) == ages)
    await after.engine.suspend()
  }

  @Test("rejects graphs and results with damaged files on first use")
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

  @Test(
    "serves no result with a modified byte", arguments: [0, 13, 31], [0x00, 0x41] as [UInt8])
  func flipped(_ place: Int, _ value: UInt8) async throws {
    let scene = try await Scene()
    await scene.before.engine.suspend()
    guard case .context(let key) = scene.result else { throw EngineFixture.Surprise() }
    let path = "\(scene.before.root)/session/analytics/\(key).values"
    var bytes = try Data(contentsOf: URL(filePath: path))
    let old = bytes[place]
    // A crash of the machine leaves zeros; if the byte was zero already, this is another kind of damage.
    if value == 0, old != 0 { bytes = Data(count: bytes.count) } else { bytes[place] = old ^ max(1, value) }
    try bytes.write(to: URL(filePath: path))
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    let error = await #expect(throws: EngineError.self) { _ = try await after.array("r", scene.result) }
    #expect(error?.message == "the stored result '\(path)' is damaged")
    #expect(error?.hint == "Run the algorithm again")
    let again = try await after.perform(.runApplication([.integer(1)]), scene.application)
    guard case .context = again else { throw EngineFixture.Surprise() }
    await after.engine.suspend()
  }

  @Test("reports a record with a flipped bit, and accepts records of earlier releases, which have no checksum")
  func records() async throws {
    let scene = try await Scene()
    let expected = try await scene.before.array("r", scene.result)
    await scene.before.engine.suspend()
    guard case .context(let key) = scene.result else { throw EngineFixture.Surprise() }
    let path = "\(scene.before.root)/session/analytics/\(key).object"
    let record = try String(contentsOfFile: path, encoding: .utf8)
    #expect(record.hasPrefix("gscoordinator-object 1 "))
    let json = String(record[record.index(after: record.firstIndex(of: "\n")!)...])
    func recovered(_ text: String) async throws -> ([LostObject], EngineFixture) {
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      let after = try await EngineFixture(after: scene.before)
      return (try await after.engine.recover([scene.result, scene.graph.handle]), after)
    }
    let old = json.replacing(/,?"checksum":[0-9]+/, with: "").replacing("{,", with: "{")
    let (none, after) = try await recovered(old)
    #expect(none.isEmpty && !old.contains("checksum"))
    #expect(try await after.array("r", scene.result) == expected)
    await after.engine.suspend()
    for damaged in [record.replacing("\"count\"", with: "\"cound\""), record.replacing(" 1 ", with: " 7 "), "", "x\n"] {
      let (lost, fixture) = try await recovered(damaged)
      #expect(lost.count == 1 && lost[0].reason.contains(path), "\(lost.map(\.reason))")
      await fixture.engine.suspend()
      try FileManager.default.createDirectory(
        atPath: scene.before.root + "/session/analytics", withIntermediateDirectories: true)
    }
  }

  @Test("writes the file of a schema again, whatever its state")
  func schemaFile() async throws {
    let scene = try await Scene()
    let path = scene.graph.schemaPath
    let expected = try String(contentsOfFile: path, encoding: .utf8)
    await scene.before.engine.suspend()
    try String(repeating: "\0", count: 100).write(toFile: path, atomically: false, encoding: .utf8)
    let after = try await EngineFixture(after: scene.before)
    #expect(try await after.engine.recover(scene.handles).isEmpty)
    _ = try await after.array("v:person.age", scene.graph.handle)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == expected)
    await after.engine.suspend()
  }

  @Test("finds objects after their files were moved to another directory")
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
