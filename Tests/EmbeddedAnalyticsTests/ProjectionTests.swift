import ClientOperations
import EmbeddedAnalytics
import Engines
import GraphStore
import Testing
import Turns
import Wire

@Suite("Hidden labels and properties of projections", .takesTurns)
struct ProjectionTests {
  private func table(_ fixture: EngineFixture, _ role: TableSource.Role, _ text: String) throws -> TableSource {
    TableSource(role: role, location: try fixture.csv("\(UInt32.random(in: 0 ... .max)).csv", text))
  }

  private func edges(_ label: String, _ source: String, _ destination: String) -> TableSource.Role {
    .edges(
      label: label, sourceLabel: source, destinationLabel: destination, source: .index(0), destination: .index(1))
  }

  @Test("rows that would be invisible are rejected with the reason")
  func rows() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let projected = try await fixture.graph(
      .project(vertices: ["person": []], edges: ["knows": ["weight"]]), graph.handle)
    let narrow = try await fixture.graph(
      .project(vertices: ["person": nil], edges: ["knows": ["eid"]]), graph.handle)
    let software = TableSource.Role.vertices(label: "software", id: .name("id"))
    let person = TableSource.Role.vertices(label: "person", id: .name("id"))
    let cases: [(GraphDescription, GraphExtension, TableSource.Role, String, String)] = [
      (projected, .newLabels, edges("created", "person", "person"), "s|t|weight\n1|2|1.5\n", "edge label 'created'"),
      (
        projected, .extendEdgeLabel, edges("created", "person", "person"), "s|t|weight\n1|2|1.5\n",
        "edge label 'created'"
      ),
      (
        projected, .extendEdgeLabel, edges("knows", "person", "software"), "s|t|weight\n1|3|1.5\n",
        "vertex label 'software'"
      ),
      (projected, .newLabels, edges("new", "software", "person"), "s|t\n3|1\n", "vertex label 'software'"),
      (projected, .newLabels, software, "id|name|lang\n9|x|y\n", "vertex label 'software'"),
      (projected, .extendVertexLabel, software, "id|name|lang\n9|x|y\n", "vertex label 'software'"),
      (projected, .extendVertexLabel, person, "id|name|age\n9|x|1\n", "property 'name'"),
      (projected, .extendVertexLabel, person, "id\n9\n", "property 'name'"),
      (narrow, .extendEdgeLabel, edges("knows", "person", "person"), "s|t|weight\n1|2|1.5\n", "property 'weight'"),
    ]
    for (view, kind, role, text, hider) in cases {
      let error = await #expect(throws: EngineError.self, "\(role)") {
        try await fixture.graph(.addLabels(kind), view.handle, .tables([try table(fixture, role, text)]))
      }
      #expect(error?.code == .invalidArgument)
      #expect(
        error?.message.hasSuffix(
          "the projection that made it hides " + (hider.hasPrefix("property") ? "its " : "") + hider) == true)
    }
  }

  @Test("rows are added to visible labels, even if generated ids are hidden")
  func shown() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let projected = try await fixture.graph(
      .project(vertices: ["person": []], edges: ["knows": ["weight"]]), graph.handle)
    let more = try table(fixture, edges("knows", "person", "person"), "s|t|weight\n2|6|7.0\n")
    let extended = try await fixture.graph(.addLabels(.extendEdgeLabel), projected.handle, .tables([more]))
    let simple = try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: "weight"), extended.handle)
    let result = try await fixture.run("sssp", on: simple, [.integer(1)])
    #expect(try await fixture.array("r", result) == .double([0.5, 7.5, 1, 0]))
  }

  @Test("the schema of a visible label omits relations with a hidden end")
  func relations() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load([
      try table(fixture, edges("l", "a", "b"), "s|t\n1|11\n"), try table(fixture, edges("l", "a", "a"), "s|t\n1|2\n"),
      try table(fixture, edges("k", "a", "a"), "s|t\n1|2\n"),
    ])
    func text(_ schema: GraphSchema) -> String { PropertySchemaJSON.text(schema, partitions: 1) }
    let hidden = #"{"dstVertexLabel":"b","srcVertexLabel":"a"}"#
    #expect(text(graph.schema).contains(hidden))
    let projected = try await fixture.graph(.project(vertices: ["a": []], edges: ["l": []]), graph.handle)
    #expect(!text(projected.schema).contains(hidden))
    #expect(!PropertySchemaJSON.fileText(projected.schema, partitions: 1).contains(hidden))
    // As in GraphScope's engine, a hidden label keeps all its properties.
    let other = try await fixture.graph(.project(vertices: ["a": []], edges: ["k": []]), graph.handle)
    #expect(text(other.schema).contains(hidden))
    let simple = try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), projected.handle)
    let result = try await fixture.run("bfs", on: simple, [.integer(1)])
    #expect(try await fixture.array("r", result) == .int64([0, 1]))
  }

  @Test("a user's own column 'eid' takes precedence over the generated one")
  func ownEdgeIDs() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load([try table(fixture, edges("e", "v", "v"), "s|t|eid\n1|2|77\n2|3|78\n")])
    #expect(graph.schema.edgeLabels[0].properties.map(\.name) == ["eid", "eid"])
    let simple = try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: "eid"), graph.handle)
    let result = try await fixture.run("sssp", on: simple, [.integer(1)])
    #expect(try await fixture.array("r", result) == .double([0, 77, 155]))
    let projected = try await fixture.graph(.project(vertices: ["v": []], edges: ["e": ["eid"]]), graph.handle)
    #expect(projected.schema.edgeLabels[0].properties.map(\.isValid) == [false, true])
  }
}
