import GraphStore
import Testing
import Turns

@Suite(.takesTurns) struct PropertyGraphTests {
  let workspace = Workspace()

  /// The graph of the documentation of Apache TinkerPop: people who know each other and create software.
  func modern(_ options: GraphOptions = GraphOptions()) async throws -> PropertyGraph {
    try await workspace.build(options) { builder, files in
      try builder.addVertices(
        label: "software",
        table: files.table(
          files.column("id", [3, 5]), files.column("name", ["lop", "ripple"]), files.column("lang", ["java", "java"])),
        id: .name("id"))
      try builder.addVertices(
        label: "person",
        table: files.table(
          files.column("id", [2, 6, 4, 1]), files.column("name", ["vadas", "peter", "josh", "marko"]),
          files.column("age", int32: [27, 35, 32, 29])),
        id: .index(0))
      try builder.addEdges(
        label: "knows", sourceLabel: "person", destinationLabel: "person",
        table: files.table(
          files.column("src", [1, 1]), files.column("dst", [2, 4]), files.column("weight", doubles: [0.5, 1.0])),
        source: .name("src"), destination: .name("dst"))
      try builder.addEdges(
        label: "created", sourceLabel: "person", destinationLabel: "software",
        table: files.table(
          files.column("src", [1, 4, 4, 6]), files.column("dst", [3, 5, 3, 3]),
          files.column("weight", doubles: [0.4, 1.0, 0.4, 0.2])),
        source: .name("src"), destination: .name("dst"))
    }
  }

  @Test func aGraphIsBuiltAndReadBack() async throws {
    let built = try await modern()
    for graph in [built, try PropertyGraph.open(directory: built.directory)] {
      #expect(graph.identifier == built.identifier && graph.identifier > 0)
      #expect(graph.schema.vertexLabels.map(\.name) == ["person", "software"])
      #expect(graph.schema.vertexLabels[0].properties.map(\.name) == ["name", "age", "id"])
      #expect(graph.schema.vertexLabels[0].properties.map(\.type) == [.string, .int32, .int64])
      #expect(graph.schema.vertexLabels[0].idProperty == 2)
      #expect(graph.schema.edgeLabels.map(\.name) == ["knows", "created"])
      #expect(graph.schema.edgeLabels[1].properties.map(\.name) == ["eid", "weight"])
      #expect(graph.schema.edgeLabels[1].relations == [.init(source: 0, destination: 1)])
      #expect(graph.integerIDs(0) == [2, 6, 4, 1])
      #expect(graph.vertexColumn(label: 0, property: 0).texts == ["vadas", "peter", "josh", "marko"])
      #expect(graph.vertexColumn(label: 0, property: 2).integers == [2, 6, 4, 1])
      #expect(graph.vertexNumber(label: 0, id: .int64(4)) == 2)
      #expect(graph.vertexNumber(label: 0, id: .int64(3)) == nil)
      #expect(graph.vertexNumber(label: 0, id: .string("4")) == nil)
      #expect(graph.edgeCount(label: 1, relation: 0) == 4)
      #expect(graph.edgeColumn(label: 1, relation: 0, property: 0).integers == (0..<4).map { 1 << 56 + $0 })
      #expect(graph.edgeColumn(label: 1, relation: 0, property: 1).doubles == [0.4, 1.0, 0.4, 0.2])
      #expect(graph.outgoing(label: 1, relation: 0).rows == [[], [[0, 3]], [[0, 2], [1, 1]], [[0, 0]]])
      #expect(graph.incoming(label: 1, relation: 0).rows == [[[1, 3], [2, 2], [3, 0]], [[2, 1]]])
      #expect(Array(graph.endpoints(label: 0, relation: 0).source) == [3, 3])
      #expect(!graph.hasParallelEdges)
    }
    #expect(Workspace.list(workspace.path).allSatisfy { !$0.contains("building") })
  }

  @Test func undirectedRowsHoldBothEndsAndLoopsTwice() async throws {
    let graph = try await workspace.build(GraphOptions(isDirected: false)) { builder, files in
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "v",
        table: files.table(files.column("s", [10, 20, 30]), files.column("d", [20, 20, 10])),
        source: .name("s"), destination: .name("d"))
    }
    #expect(graph.integerIDs(0) == [10, 20, 30])
    let rows = [[[1, 0], [2, 2]], [[0, 0], [1, 1], [1, 1]], [[0, 2]]] as [[[UInt32]]]
    #expect(graph.outgoing(label: 0, relation: 0).rows == rows)
    #expect(graph.incoming(label: 0, relation: 0).rows == rows)
    #expect(graph.hasParallelEdges, "a loop is two entries")
  }
}
