import Glibc
import GraphStore
import Testing
import Turns
import Workers

@Suite(.takesTurns) struct GraphBuilderTests {
  let workspace = Workspace()

  // MARK: - Labels

  @Test func labelsOfOneGraphAreSortedAndDeducedOnesAmongThem() async throws {
    let graph = try await workspace.build { builder, files in
      try builder.addVertices(
        label: "z", table: files.table(files.column("id", [1, 2]), files.column("p", [10, 20])), id: .name("id"))
      try builder.addVertices(
        label: "a", table: files.table(files.column("id", [3, 4]), files.column("q", [30, 40])), id: .name("id"))
      func edges(_ label: String, _ s: String, _ d: String, _ rows: [[Int64]]) throws {
        try builder.addEdges(
          label: label, sourceLabel: s, destinationLabel: d,
          table: files.table(files.column("s", rows[0]), files.column("d", rows[1]), files.column("w", rows[2])),
          source: .name("s"), destination: .name("d"))
      }
      try edges("y", "z", "a", [[1, 2], [3, 4], [1, 2]])
      try edges("b", "a", "z", [[3], [1], [5]])
      try edges("b", "z", "m", [[1], [9], [7]])
    }
    #expect(graph.schema.vertexLabels.map(\.name) == ["a", "m", "z"])
    #expect(graph.schema.vertexLabels.map { $0.properties.map(\.name) } == [["q", "id"], ["id"], ["p", "id"]])
    #expect(graph.schema.edgeLabels.map(\.name) == ["y", "b"])
    #expect(
      graph.schema.edgeLabels[1].relations == [.init(source: 0, destination: 2), .init(source: 2, destination: 1)])
    #expect(graph.integerIDs(1) == [9])
    #expect(graph.edgeColumn(label: 1, relation: 1, property: 0).integers == [1 << 56 + 1])
    #expect(graph.edgeColumn(label: 1, relation: 1, property: 1).integers == [7])
  }

  @Test func labelsAddedLaterComeLast() async throws {
    var graph = try await workspace.build { _, _ in }
    #expect(graph.schema == GraphSchema())
    for (label, id) in [("z", 1), ("a", 3)] as [(String, Int64)] {
      graph = try await workspace.build(extending: graph) { builder, files in
        try builder.addVertices(label: label, table: files.table(files.column("id", [id])), id: .index(0))
      }
    }
    graph = try await workspace.build(extending: graph) { builder, files in
      try builder.addEdges(
        label: "y", sourceLabel: "x", destinationLabel: "m",
        table: files.table(files.column("s", [1, 1]), files.column("d", [9, 8])), source: .index(0),
        destination: .index(1))
      try builder.addVertices(label: "y", table: files.table(files.column("id", [7])), id: .index(0))
    }
    #expect(graph.schema.vertexLabels.map(\.name) == ["z", "a", "y", "m", "x"])
    #expect(graph.integerIDs(3) == [9, 8])
  }

  @Test func verticesOfEdgesComeInOrderOfFirstAppearance() async throws {
    let graph = try await workspace.build { builder, files in
      for (s, d) in [([5, 3, 5], [3, 9, 1]), ([2, 9], [5, 4])] as [([Int64], [Int64])] {
        try builder.addEdges(
          label: "e", sourceLabel: "_", destinationLabel: "_",
          table: files.table(files.column("s", s), files.column("d", d)), source: .name("s"), destination: .name("d"))
      }
    }
    #expect(graph.integerIDs(0) == [5, 3, 9, 1, 2, 4])
  }

  // MARK: - Extending

  @Test func anExtendedGraphSharesItsFilesAndOutlivesItsBase() async throws {
    let base = try await workspace.build { builder, files in
      for label in ["a", "b"] {
        try builder.addVertices(
          label: label, table: files.table(files.column("id", [1, 2]), files.column("name", ["x", "y"])), id: .index(0))
      }
      try builder.addEdges(
        label: "e", sourceLabel: "a", destinationLabel: "b",
        table: files.table(files.column("s", [2]), files.column("d", [1])), source: .index(0), destination: .index(1))
    }
    let graph = try await workspace.build(extending: base) { builder, files in
      // The same properties in another order.
      try builder.addVertices(
        label: "a", table: files.table(files.column("name", ["z"]), files.column("vid", int32: [70])), id: .name("vid"))
    }
    #expect(graph.identifier != base.identifier)
    #expect(inode(graph, "vertex-1.ids") == inode(base, "vertex-1.ids"))
    #expect(inode(graph, "edge-0.relation-0.out.edges") == inode(base, "edge-0.relation-0.out.edges"))
    #expect(inode(graph, "vertex-0.ids") != inode(base, "vertex-0.ids"))
    try PropertyGraph.remove(directory: base.directory)
    #expect(Workspace.list(base.directory).isEmpty)
    for graph in [graph, try PropertyGraph.open(directory: graph.directory)] {
      #expect(graph.integerIDs(0) == [1, 2, 70])
      #expect(graph.vertexColumn(label: 0, property: 0).texts == ["x", "y", "z"])
      #expect(graph.vertexNumber(label: 0, id: .int64(70)) == 2)
      #expect(graph.outgoing(label: 0, relation: 0).rows == [[], [[0, 0]], []])
      #expect(graph.incoming(label: 0, relation: 0).rows == [[[1, 0]], []])
    }
    #expect(base.integerIDs(0) == [1, 2], "the base is still mapped")
    // A base whose directory was removed can be extended, too.
    let another = try await workspace.build(extending: base) { _, _ in }
    #expect(another.schema == base.schema && another.textOfFirstNames == ["x", "y"])
  }

  private func inode(_ graph: PropertyGraph, _ name: String) -> ino_t {
    var info = stat()
    #expect(stat(graph.directory + "/" + name, &info) == 0)
    return info.st_ino
  }

  @Test func edgesAddedToALabelGoOnCounting() async throws {
    var graph = try await workspace.build { builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", [1, 2])), id: .index(0))
    }
    for rows in [[[1, 2], [2, 1]], [[1], [2]]] as [[[Int64]]] {
      graph = try await workspace.build(extending: graph) { builder, files in
        try builder.addEdges(
          label: "e", sourceLabel: "v", destinationLabel: "v",
          table: files.table(files.column("s", rows[0]), files.column("d", rows[1])), source: .index(0),
          destination: .index(1))
      }
    }
    #expect(graph.edgeColumn(label: 0, relation: 0, property: 0).integers == [0, 1, 2])
    #expect(graph.outgoing(label: 0, relation: 0).rows == [[[1, 0], [1, 2]], [[0, 1]]])
    #expect(graph.hasParallelEdges)
  }

  @Test func otherOptionsThanTheBaseAreRefused() async throws {
    let base = try await workspace.build { builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", [1])), id: .index(0))
    }
    await workspace.expectFailure(
      .invalidArgument, extending: base, GraphOptions(isDirected: false), containing: "isDirected"
    ) {
      _, _ in
    }
  }

  // MARK: - Ends that are missing

  @Test func anEdgeToAMissingVertexIsRefusedByRow() async throws {
    await workspace.expectFailure(
      .invalidData,
      containing: "Mapping vertex '77' failed. All src/dst in edges must present in corresponding vertices first",
      "row 3 of edge label 'e'", "column 'd'", "vertex label 'z'"
    ) { builder, files in
      try builder.addVertices(label: "z", table: files.table(files.column("id", [1, 2])), id: .index(0))
      try builder.addEdges(
        label: "e", sourceLabel: "z", destinationLabel: "z",
        table: files.table(files.column("s", [1, 1, 1, 1]), files.column("d", [1, 2, 77, 78])), source: .name("s"),
        destination: .name("d"))
    }
  }

  @Test func aLabelThatWasDeducedBeforeIsGivenNow() async throws {
    let base = try await workspace.build(GraphOptions(idType: .string)) { builder, files in
      try builder.addEdges(
        label: "e", sourceLabel: "_", destinationLabel: "_",
        table: files.table(files.column("s", ["a"]), files.column("d", ["b"])), source: .index(0),
        destination: .index(1))
    }
    await workspace.expectFailure(.invalidData, extending: base, base.options, containing: "Mapping vertex 'c' failed")
    {
      builder, files in
      try builder.addEdges(
        label: "f", sourceLabel: "_", destinationLabel: "_",
        table: files.table(files.column("s", ["a"]), files.column("d", ["c"])), source: .index(0),
        destination: .index(1))
    }
  }

  // MARK: - Types of ids

  @Test func integersBecomeTextIDs() async throws {
    let graph = try await workspace.build(GraphOptions(idType: .string)) { builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", [-12, 0, 7])), id: .index(0))
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "v",
        table: files.table(files.fixed("s", .uint32, [7, 0] as [UInt32]), files.column("d", ["-12", "7"])),
        source: .index(0), destination: .index(1))
    }
    #expect(graph.textIDs(0) == ["-12", "0", "7"])
    #expect(graph.schema.vertexLabels[0].properties == [.init(name: "id", type: .string)])
    #expect(graph.outgoing(label: 0, relation: 0).rows == [[], [[2, 1]], [[0, 0]]])
  }

  @Test func integersOfAllWidthsBecomeIDs() async throws {
    let graph = try await workspace.build { builder, files in
      try builder.addVertices(
        label: "a", table: files.table(files.fixed("id", .uint64, [1, 1 << 62] as [UInt64])), id: .index(0))
      try builder.addVertices(label: "b", table: files.table(files.column("id", int32: [-1])), id: .index(0))
      try builder.addVertices(
        label: "c", table: files.table(files.fixed("id", .uint32, [.max] as [UInt32])), id: .index(0))
    }
    #expect([0, 1, 2].map { graph.integerIDs($0) } == [[1, 1 << 62], [-1], [1 << 32 - 1]])
  }

  @Test func idsThatDoNotFitAreRefusedByValue() async throws {
    await workspace.expectFailure(.invalidData, containing: "vertex label 'v'", "int64", "'x3'", "row 2") {
      builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", ["1", "x3"])), id: .index(0))
    }
    await workspace.expectFailure(.invalidData, containing: "\(UInt64.max)", "row 2") { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.fixed("id", .uint64, [1, UInt64.max])), id: .index(0))
    }
    await workspace.expectFailure(.invalidData, GraphOptions(idType: .int32), containing: "int32", "2147483648") {
      builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", [1, 1 << 31])), id: .index(0))
    }
    await workspace.expectFailure(.invalidData, containing: "edge label 'e'", "double", "'0.5'") { builder, files in
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "v",
        table: files.table(files.column("s", doubles: [0.5]), files.column("d", [1])), source: .index(0),
        destination: .index(1))
    }
  }

  @Test func duplicateIDsStayAndTheFirstIsFound() async throws {
    for ids in [[1, 1, 2], [1 << 40, 1 << 40, 5]] as [[Int64]] {
      let graph = try await workspace.build { builder, files in
        try builder.addVertices(
          label: "z", table: files.table(files.column("id", ids), files.column("p", [10, 11, 20])), id: .index(0))
        try builder.addEdges(
          label: "e", sourceLabel: "z", destinationLabel: "z",
          table: files.table(files.column("s", [ids[0]]), files.column("d", [ids[2]])), source: .index(0),
          destination: .index(1))
      }
      #expect(graph.vertexCount(label: 0) == 3 && graph.vertexNumber(label: 0, id: .int64(ids[0])) == 0)
      #expect(graph.vertexColumn(label: 0, property: 0).integers == [10, 11, 20])
      #expect(graph.outgoing(label: 0, relation: 0).rows == [[[2, 0]], [], []])
    }
  }

  // MARK: - Tables that do not fit

  @Test func unknownColumnsAreNamedWithThoseThatExist() async throws {
    await workspace.expectFailure(.notFound, containing: "vertex label 'v'", "no column 'key'", "[id, name]") {
      builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [1]), files.column("name", ["a"])), id: .name("key"))
    }
    await workspace.expectFailure(.notFound, containing: "edge label 'e'", "no column '2'") { builder, files in
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "v",
        table: files.table(files.column("s", [1]), files.column("d", [1])), source: .index(0), destination: .index(2))
    }
  }

  @Test func tablesOfALabelMustHaveTheSameColumns() async throws {
    for second in ["q", "p"] {
      await workspace.expectFailure(.invalidArgument, containing: "edge label 'e'", "[w, p]") { builder, files in
        for names in [["w", "p"], second == "q" ? ["w", "q"] : ["p"]] {
          let columns = try ["s", "d"].map { try files.column($0, [1]) } + names.map { try files.column($0, [1]) }
          try builder.addEdges(
            label: "e", sourceLabel: "v", destinationLabel: "v", table: Table(columns: columns, rowCount: 1),
            source: .index(0), destination: .index(1))
        }
      }
    }
  }

  @Test func columnsOfOneLabelGetTheWidestType() async throws {
    let first = try await workspace.build { builder, files in
      for (id, column) in [(1, try files.column("x", [3])), (2, try files.column("x", doubles: [0.5]))]
        as [(Int64, Column)]
      {
        try builder.addVertices(label: "v", table: files.table(files.column("id", [id]), column), id: .index(0))
      }
    }
    #expect(first.vertexColumn(label: 0, property: 0).doubles == [3, 0.5])
    // The types of an existing label are kept.
    let second = try await workspace.build(extending: first) { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [3]), files.column("x", int32: [-4])), id: .index(0))
    }
    #expect(second.vertexColumn(label: 0, property: 0).doubles == [3, 0.5, -4])
    await workspace.expectFailure(.invalidData, extending: second, containing: "vertex label 'v'", "double", "'much'") {
      builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [4]), files.column("x", ["much"])), id: .index(0))
    }
  }

  @Test func malformedTablesAreRefused() async throws {
    await workspace.expectFailure(.invalidArgument, containing: "two columns", "'a'") { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("a", [1]), files.column("a", [1])), id: .index(0))
    }
    await workspace.expectFailure(.invalidArgument, containing: "'b' has 1 of 2 values") { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("a", [1, 2]), files.column("b", [1])), id: .index(0))
    }
    await workspace.expectFailure(.invalidArgument, containing: "'a'") { builder, files in
      let column = try files.column("a", [1])
      try builder.addVertices(
        label: "v", table: Table(columns: [Column(name: "a", type: .int64, count: 2, data: column.data)], rowCount: 2),
        id: .index(0))
    }
    await workspace.expectFailure(.limitExceeded, containing: "vertex label 'v'", "4294967295") { builder, files in
      try builder.addVertices(label: "v", table: Table(columns: [], rowCount: 1 << 32 - 1), id: .index(0))
    }
  }

  @Test func aDirectoryThatExistsIsRefused() async throws {
    let graph = try await workspace.build { _, _ in }
    let error = await #expect(throws: GraphStoreError.self) {
      _ = try await workspace.build(directory: graph.directory) { _, _ in }
    }
    #expect(error?.description.contains(graph.directory) == true)
    _ = try PropertyGraph.open(directory: graph.directory)
    await #expect(throws: GraphStoreError.self) {
      _ = try await workspace.build(directory: workspace.path + "/no/such/place") { _, _ in }
    }
  }

  // MARK: - Files

  @Test func columnsAreMovedNotCopied() async throws {
    let column = try workspace.column("id", [5, 1, 3])
    let path = column.data.path
    var before = stat()
    #expect(stat(path, &before) == 0)
    let graph = try await workspace.build { builder, _ in
      try builder.addVertices(label: "v", table: Table(columns: [column], rowCount: 3), id: .index(0))
    }
    #expect(access(path, F_OK) != 0)
    #expect(inode(graph, "vertex-0.ids") == before.st_ino)
    // The ids and the property that shows them share one file.
    #expect(Workspace.list(graph.directory) == ["manifest", "vertex-0.ids", "vertex-0.index"])
  }

  @Test func aGraphSurvivesADurableSealAndATrailingSlash() async throws {
    let directory = workspace.new()
    let column = try workspace.column("id", [5, 1, 3])
    _ = try await WorkerPool(threads: 2).run { workers in
      var builder = try GraphBuilder(
        directory: directory + "/", extending: nil, options: GraphOptions(), workers: workers, progress: { _ in })
      try builder.addVertices(label: "v", table: Table(columns: [column], rowCount: 3), id: .index(0))
      return try builder.seal()
    }
    let graph = try await WorkerPool(threads: 2).run { try PropertyGraph.open(directory: directory, workers: $0) }
    #expect(graph.integerIDs(0) == [5, 1, 3])
  }

  @Test func cancellingABuildLeavesNothingBehind() async throws {
    let directory = workspace.new("refused")
    let rows = (0..<200_000).map { Int64($0) }
    let source = try workspace.column("s", rows)
    let destination = try workspace.column("d", rows)
    await #expect(throws: CancellationError.self) {
      try await WorkerPool(threads: 2).run { workers in
        // The first line of progress is reported when the vertices are done.
        var builder = try GraphBuilder(
          directory: directory, extending: nil, options: GraphOptions(), workers: workers,
          progress: { _ in workers.cancellation.cancel() })
        try builder.addEdges(
          label: "e", sourceLabel: "v", destinationLabel: "v",
          table: Table(columns: [source, destination], rowCount: rows.count), source: .index(0), destination: .index(1))
        return try builder.seal()
      }
    }
    #expect(Workspace.list(workspace.path).allSatisfy { !$0.contains("refused") })
  }

  @Test func anAbandonedBuildLeavesNothingBehind() async throws {
    let directory = workspace.new("refused")
    try await WorkerPool(threads: 1).run { [workspace] workers in
      var builder = try GraphBuilder(
        directory: directory, extending: nil, options: GraphOptions(), workers: workers, progress: { _ in })
      try builder.addVertices(
        label: "v", table: workspace.table(workspace.column("id", [1])), id: .index(0))
      #expect(Workspace.list(workspace.path).contains { $0.contains(".building-") })
    }
    #expect(Workspace.list(workspace.path).allSatisfy { !$0.contains("refused") })
  }
}

extension PropertyGraph {
  fileprivate var textOfFirstNames: [String] { vertexColumn(label: 0, property: 0).texts }
}
