import GraphStore
import Testing
import Turns

@Suite("Tables that fit a graph, and errors for those that do not", .takesTurns)
struct TableFitTests {
  let workspace = Workspace()

  @Test func columnsWithoutValuesFitEveryType() async throws {
    let first = try await workspace.build { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [1]), files.column("x", [5]), files.column("s", ["a"])),
        id: .index(0))
    }
    let second = try await workspace.build(extending: first) { builder, files in
      let (x, s) = (try files.column("x", ["", "NA"]), try files.column("s", ["", ""]))
      func vacant(_ column: Column) -> Column {
        Column(
          name: column.name, type: .string, count: 2, data: column.data, characters: column.characters,
          firstMissing: "line 2", isVacant: true)
      }
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [2, 3]), vacant(x), vacant(s)), id: .index(0))
      // A table without rows says nothing about types, not even those of ids.
      try builder.addVertices(
        label: "v",
        table: files.table(
          files.column("id", doubles: []), files.column("x", [] as [String]), files.column("s", [] as [Int64])),
        id: .index(0))
    }
    #expect(second.integerIDs(0) == [1, 2, 3])
    #expect(second.vertexColumn(label: 0, property: 0).integers == [5, 0, 0])
    #expect(second.vertexColumn(label: 0, property: 1).texts == ["a", "", ""])
    // The stored graph remembers where the first value is missing.
    #expect(second.vertexColumn(label: 0, property: 0).firstMissing == "line 2")
    let reopened = try PropertyGraph.open(directory: second.directory)
    #expect(reopened.vertexColumn(label: 0, property: 0).firstMissing == "line 2")
    #expect(reopened.vertexColumn(label: 0, property: 2).firstMissing == nil)
  }

  @Test func idsWithoutValuesAreNotMadeUp() async throws {
    await workspace.expectFailure(.invalidData, containing: "the ids of vertex label 'v'", "int64") { builder, files in
      let text = try files.column("id", ["NA"])
      let id = Column(
        name: "id", type: .string, count: 1, data: text.data, characters: text.characters, isVacant: true)
      try builder.addVertices(label: "v", table: files.table(id), id: .index(0))
    }
  }

  @Test func remediesSpeakOfIDsOnlyWhereIDsAreConcerned() async throws {
    await workspace.expectFailure(.invalidData, containing: "oid_type=\"string\"") { builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", ["ann"])), id: .index(0))
    }
    await workspace.expectFailure(.invalidData, containing: ".astype(") { builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", doubles: [1])), id: .index(0))
    }
    let base = try await workspace.build { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [1]), files.column("x", [1])), id: .index(0))
    }
    let error = await #expect(throws: GraphStoreError.self) {
      _ = try await workspace.build(extending: base) { builder, files in
        try builder.addVertices(
          label: "v", table: files.table(files.column("id", [2]), files.column("x", ["much"])), id: .index(0))
      }
    }
    #expect(error?.description.contains("oid_type") == false)
  }

  @Test func namesThatDifferInTheirCodePointsOnlyAreRefused() async throws {
    let (composed, decomposed) = ("\u{E9}", "e\u{301}")
    await workspace.expectFailure(.invalidArgument, containing: "normalization", "U+00E9 and U+0065 U+0301") {
      builder, files in
      try builder.addVertices(
        label: "v",
        table: files.table(files.column("id", [1]), files.column(composed, [1]), files.column(decomposed, [1])),
        id: .index(0))
    }
    await workspace.expectFailure(.invalidArgument, containing: "two vertex labels", "normalization") {
      builder, files in
      for label in [composed, decomposed] {
        try builder.addVertices(label: label, table: files.table(files.column("id", [1])), id: .index(0))
      }
    }
    await workspace.expectFailure(.invalidArgument, containing: "two edge labels", "normalization") { builder, files in
      for label in [composed, decomposed] {
        try builder.addEdges(
          label: label, sourceLabel: "v", destinationLabel: "v",
          table: files.table(files.column("s", [1]), files.column("d", [1])), source: .index(0), destination: .index(1))
      }
    }
    let graph = try await workspace.build(GraphOptions(idType: .string)) { builder, files in
      try builder.addVertices(
        label: "v", table: files.table(files.column("id", [composed, decomposed])), id: .index(0))
    }
    #expect(graph.vertexNumber(label: 0, id: .string(decomposed)) == 1)
    #expect(graph.vertexNumber(label: 0, id: .string(composed)) == 0)
  }

  @Test func idsMayShareTheirNames() async throws {
    let graph = try await workspace.build(GraphOptions(generatesEdgeIDs: false)) { builder, files in
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "v",
        table: files.table(files.column("id", [1]), files.column("id", [2]), files.column("w", [3])), source: .index(0),
        destination: .index(1))
    }
    #expect(graph.schema.edgeLabels[0].properties.map(\.name) == ["w"])
    #expect(graph.integerIDs(0) == [1, 2])
    // An id that is also requested as a property is shown once.
    let vertices = try await workspace.build { builder, files in
      let id = try files.column("id", [7])
      try builder.addVertices(label: "v", table: files.table(id, id, files.column("x", [1])), id: .index(0))
    }
    #expect(vertices.schema.vertexLabels[0].properties.map(\.name) == ["x", "id"])
  }
}
