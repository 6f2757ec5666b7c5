import ClientOperations
import EmbeddedAnalytics
import Engines
import GraphStore
import Testing
import Turns
import Wire

private let far = Double.greatestFiniteMagnitude
/// All properties of a label, in a projection.
private let everything: [String]? = nil

@Suite("A session loads graphs, projects them, runs algorithms and reads results", .takesTurns)
struct EngineTests {
  @Test("the modern graph has the expected schema, as text and in the file for query engines")
  func schema() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    // The text of recording 05, with the age inferred as LONG.
    let person =
      #"{"id":0,"indexes":[{"propertyNames":["id"]}],"label":"person","propertyDefList":[{"data_type":"STRING","id":0,"name":"name"},{"data_type":"LONG","id":1,"name":"age"},{"data_type":"LONG","id":2,"name":"id"}],"rawRelationShips":[],"type":"VERTEX","valid_properties":[1,1,1]}"#
    let software =
      #"{"id":1,"indexes":[{"propertyNames":["id"]}],"label":"software","propertyDefList":[{"data_type":"STRING","id":0,"name":"name"},{"data_type":"STRING","id":1,"name":"lang"},{"data_type":"LONG","id":2,"name":"id"}],"rawRelationShips":[],"type":"VERTEX","valid_properties":[1,1,1]}"#
    let knows =
      #"{"id":0,"indexes":[],"label":"knows","propertyDefList":[{"data_type":"LONG","id":0,"name":"eid"},{"data_type":"DOUBLE","id":1,"name":"weight"}],"rawRelationShips":[{"dstVertexLabel":"person","srcVertexLabel":"person"}],"type":"EDGE","valid_properties":[1,1]}"#
    let created =
      #"{"id":1,"indexes":[],"label":"created","propertyDefList":[{"data_type":"LONG","id":0,"name":"eid"},{"data_type":"DOUBLE","id":1,"name":"weight"}],"rawRelationShips":[{"dstVertexLabel":"software","srcVertexLabel":"person"}],"type":"EDGE","valid_properties":[1,1]}"#
    #expect(
      PropertySchemaJSON.text(graph.schema, partitions: 1)
        == #"{"partitionNum":1,"types":[\#(person),\#(software),\#(knows),\#(created)],"valid_edges":[1,1],"valid_vertices":[1,1]}"#
    )
    let file = try #require(readText(graph.schemaPath))
    #expect(
      file.contains(
        #""propertyDefList":[{"data_type":"STRING","id":5,"name":"name"},{"data_type":"LONG","id":1,"name":"age"},{"data_type":"LONG","id":3,"name":"id"}]"#
      ))
    #expect(
      file.contains(#"{"id":2,"indexes":[],"label":"knows""#)
        && file.contains(#"{"id":3,"indexes":[],"label":"created""#))
    #expect(graph.key.wholeMatch(of: /graph_[A-Za-z0-9]{8}/) != nil)
    #expect(graph.objectID > 0 && graph.fragmentIDs.count == 1 && !graph.isMultigraph)
    #expect(fixture.log.all.contains("Loading vertex labeled person: 0%"))
    #expect(fixture.log.all.contains("Loading edge labeled created: 100%, 4 rows"))
  }

  @Test("names are escaped in the schema's JSON")
  func escapes() {
    let label = GraphSchema.VertexLabel(
      name: "a\"b\\c\n\u{1}é", properties: [.init(name: "t", type: .timestampMilliseconds)], idProperty: nil)
    let text = PropertySchemaJSON.text(GraphSchema(vertexLabels: [label]), partitions: 2)
    #expect(text.contains(#""label":"a\"b\\c\u000a\u0001é""#) && text.contains(#""data_type":"TIMESTAMP[MS][UTC]""#))
  }

  @Test("shortest paths over a projection, read as a data frame")
  func shortestPaths() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let simple = try await fixture.simple(graph, vertices: ["person": []], edges: ["knows": ["weight"]])
    #expect(simple.kind == .simple(vertexData: nil, edgeData: .double))
    let result = try await fixture.run("sssp", on: simple, [.integer(1)])
    let frame = try await fixture.frame(["id": "v.id", "d": "r"], result)
    #expect(frame.map(\.name) == ["id", "d"])
    #expect(frame[0].values == .int64([2, 6, 4, 1]) && frame[1].values == .double([0.5, far, 1, 0]))
  }

  @Test("objects may be unloaded in any order, parents first, and twice")
  func unloading() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let projected = try await fixture.graph(
      .project(vertices: ["person": everything], edges: ["knows": everything]), graph.handle)
    _ = try await fixture.perform(.unload, graph.handle)
    _ = try await fixture.perform(.unload, graph.handle)
    let simple = try await fixture.graph(
      .projectToSimple(vertexProperty: "age", edgeProperty: "weight"), projected.handle)
    await fixture.engine.release(projected.handle)
    let bound = try await fixture.perform(
      .bindApplication, simple.handle, .application(algorithm: "wcc", archive: []))
    guard case .boundApplication(let key) = bound else { throw EngineFixture.Surprise() }
    _ = try await fixture.perform(.unload, simple.handle)
    guard case .context(let context) = try await fixture.perform(.runApplication([]), .boundApplication(key)) else {
      throw EngineFixture.Surprise()
    }
    _ = try await fixture.perform(.unload, .boundApplication(key))
    _ = try await fixture.perform(.unload, .application(algorithm: "wcc", archive: []))
    #expect(try await fixture.array("r", .context(context.key)) == .int64([1, 6, 1, 1]))
    #expect(try await fixture.array("v.data", .context(context.key)) == .int64([27, 35, 32, 29]))
    #expect(!fixture.files.isEmpty)
    _ = try await fixture.perform(.unload, .context(context.key))
    #expect(fixture.files == [])
    let error = await #expect(throws: EngineError.self) { try await fixture.array("r", .context(context.key)) }
    #expect(error?.code == .illegalState)
  }

  @Test("labels may be added one by one; smaller graphs are not changed")
  func addingLabels() async throws {
    let fixture = try await EngineFixture()
    var graph = try await fixture.graph(.createGraph(GraphOptions(), GraphLayout()))
    #expect(
      PropertySchemaJSON.text(graph.schema, partitions: 1)
        == #"{"partitionNum":1,"types":[],"valid_edges":[],"valid_vertices":[]}"#)
    for source in try fixture.modernGraph() {
      let larger = try await fixture.graph(.addLabels(.newLabels), graph.handle, .tables([source]))
      await fixture.engine.release(graph.handle)
      graph = larger
    }
    #expect(graph.schema.vertexLabels.map(\.name) == ["person", "software"])
    #expect(graph.schema.edgeLabels.map(\.name) == ["knows", "created"])
    #expect(try await fixture.array("v:software.lang", graph.handle) == .strings(["java", "java"]))
    // One graph, its schema and its record remain.
    #expect(fixture.files.count == 3)
  }

  @Test("several labels appear as one flattened graph")
  func flattened() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let flat = try await fixture.graph(.projectToSimple(vertexProperty: "name", edgeProperty: "weight"), graph.handle)
    #expect(flat.kind == .flattened(vertexData: .string, edgeData: .double))
    #expect(!flat.options.isDirected)
    let result = try await fixture.run("sssp", on: flat, [.integer(1)])
    let frame = try await fixture.frame(["id": "v.id", "n": "v.data", "l": "v.label_id", "d": "r"], result)
    #expect(frame[0].values == .int64([2, 6, 4, 1, 3, 5]))
    #expect(frame[1].values == .strings(["vadas", "peter", "josh", "marko", "lop", "ripple"]))
    #expect(frame[2].values == .int32([0, 0, 0, 0, 1, 1]))
    #expect(frame[3].values == .double([0.5, far, 1, 0, 0.4, 2]))
    let components = try await fixture.run("wcc", on: flat)
    #expect(try await fixture.array("r", components) == .int64([1, 1, 1, 1, 1, 1]))
  }

  @Test("an undirected flattened graph has every edge in the rows of both ends")
  func flattenedUndirected() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph(), GraphOptions(isDirected: false))
    let flat = try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), graph.handle)
    let result = try await fixture.run("bfs", on: flat, [.integer(5)])
    #expect(try await fixture.array("r", result) == .int64([3, 3, 1, 2, 2, 0]))
    let coefficients = try await fixture.run("lcc", on: flat)
    // 1, 3 and 4 form a triangle.
    #expect(try await fixture.array("r", coefficients) == .double([0, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0]))
  }

  @Test("an empty label and an empty range give empty columns")
  func empty() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let nothing = VertexRange(begin: .integer(9), end: nil)
    #expect(try await fixture.array("v:person.name", graph.handle, nothing) == .strings([]))
    #expect(try await fixture.array("v:person.age", graph.handle, nothing) == .int64([]))
    #expect(try await fixture.frame([:], graph.handle).isEmpty)
  }

  @Test("ranges of vertices keep the order of rows and compare by value")
  func ranges() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    func ids(_ begin: RangeBound?, _ end: RangeBound?) async throws -> ArchiveValues {
      try await fixture.array("v:person.id", graph.handle, VertexRange(begin: begin, end: end))
    }
    #expect(try await ids(.integer(2), nil) == .int64([2, 6, 4]))
    #expect(try await ids(nil, .integer(4)) == .int64([2, 1]))
    #expect(try await ids(.string("2"), .integer(6)) == .int64([2, 4]))
    #expect(try await ids(.integer(6), .integer(2)) == .int64([]))
    #expect(try await ids(nil, nil) == .int64([2, 6, 4, 1]))
    let error = await #expect(throws: EngineError.self) { try await ids(.string("x"), nil) }
    #expect(error?.code == .engineFailure && error?.evidence == "x")
    let frame = try await fixture.frame(
      ["n": "v:person.name", "id": "v:person.id"], graph.handle, VertexRange(begin: .integer(1), end: .integer(3)))
    #expect(frame[0].values == .strings(["vadas", "marko"]) && frame[1].values == .int64([2, 1]))
  }

  @Test("text ids are compared by their bytes")
  func textRanges() async throws {
    let fixture = try await EngineFixture()
    let sources = [
      TableSource(
        role: .edges(
          label: "e", sourceLabel: "_", destinationLabel: "_", source: .index(0), destination: .index(1)),
        location: try fixture.csv("e.csv", "s|d\ni1|i2\ni1|i10\nzz|i4\n"))
    ]
    let graph = try await fixture.load(sources, GraphOptions(isDirected: false, idType: .string))
    let range = VertexRange(begin: .string("i1"), end: .string("i4"))
    #expect(try await fixture.array("v:_.id", graph.handle, range) == .strings(["i1", "i2", "i10"]))
    let simple = try await fixture.simple(graph, vertices: ["_": []], edges: ["e": []])
    let labels = try await fixture.run("cdlp", on: simple, [.integer(2)])
    #expect(try await fixture.array("v.id", labels) == .strings(["i1", "zz", "i2", "i10", "i4"]))
    #expect(try await fixture.array("r", labels) == .strings(["i1", "zz", "i10", "i10", "i4"]))
  }

  @Test("closing removes all objects and the workspace")
  func closing() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    await fixture.engine.close()
    #expect(fixture.files == [])
    await #expect(throws: EngineError.self) { try await fixture.array("v:person.id", graph.handle) }
    await #expect(throws: EngineError.self) { try await fixture.load([]) }
    await fixture.engine.close()
  }
}
