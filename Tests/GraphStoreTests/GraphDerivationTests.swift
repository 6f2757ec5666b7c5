import GraphStore
import Testing
import Workers

@Suite("Graphs derived from stored ones")
struct GraphDerivationTests {
  private let workspace = Workspace()

  /// An edge as its ends and its property `w`.
  private struct Edge: Hashable, Comparable {
    var source: Int
    var destination: Int
    var weight: Int64

    static func < (a: Edge, b: Edge) -> Bool {
      (a.source, a.destination, a.weight) < (b.source, b.destination, b.weight)
    }
  }

  private func graph(_ options: GraphOptions) async throws -> PropertyGraph {
    try await workspace.build(options) { builder, workspace in
      try builder.addVertices(
        label: "a", table: workspace.table(try workspace.column("id", Array(0..<6))), id: .name("id"))
      try builder.addVertices(
        label: "b", table: workspace.table(try workspace.column("id", Array(10..<13))), id: .name("id"))
      let tables: [(String, String, String, [Int64], [Int64])] = [
        ("e", "a", "a", [0, 1, 1, 2, 3, 0, 5], [1, 0, 2, 1, 3, 1, 5]), ("f", "a", "b", [0, 0, 4], [10, 10, 12]),
        ("f", "b", "a", [10, 11], [0, 3]), ("g", "a", "b", [5, 1], [11, 12]),
      ]
      for (label, source, destination, sources, destinations) in tables {
        let rows = sources.indices.map { Int64(100 + $0) }
        try builder.addEdges(
          label: label, sourceLabel: source, destinationLabel: destination,
          table: workspace.table(
            try workspace.column("s", sources), try workspace.column("d", destinations),
            try workspace.column("w", rows),
            try workspace.column("t", rows.map { "t\($0)" })),
          source: .name("s"), destination: .name("d"))
      }
    }
  }

  private func derive(
    _ base: PropertyGraph, _ make: @escaping @Sendable (GraphDerivation) throws -> PropertyGraph
  ) async throws -> PropertyGraph {
    let directory = workspace.new("derived")
    return try await WorkerPool(threads: 2).run { workers in
      try make(try GraphDerivation(of: base, directory: directory, workers: workers))
    }
  }

  /// Returns the entries of rows as edges, checking that the texts of the edges belong to their numbers.
  private func edges(_ graph: PropertyGraph, _ label: String, _ source: String, _ destination: String) throws
    -> (out: [Edge], in: [Edge])
  {
    let label = try #require(graph.schema.edgeLabel(named: label))
    let ends = GraphSchema.Relation(
      source: try #require(graph.schema.vertexLabel(named: source)),
      destination: try #require(graph.schema.vertexLabel(named: destination)))
    let relation = try #require(graph.schema.edgeLabels[label].relations.firstIndex(of: ends))
    let first = graph.options.generatesEdgeIDs ? 1 : 0
    let weights = graph.edgeColumn(label: label, relation: relation, property: first).values(as: Int64.self)
    let texts = graph.edgeColumn(label: label, relation: relation, property: first + 1).strings
    func entries(_ rows: Adjacency) -> [Edge] {
      (0..<rows.vertexCount).flatMap { row in
        (Int(rows.offsets[row])..<Int(rows.offsets[row + 1])).map { entry in
          let edge = Int(rows.edges[entry])
          #expect(String(decoding: texts[edge], as: UTF8.self) == "t\(weights[edge])")
          return Edge(source: row, destination: Int(rows.neighbours[entry]), weight: weights[edge])
        }
      }.sorted()
    }
    return (
      entries(graph.outgoing(label: label, relation: relation)),
      entries(graph.incoming(label: label, relation: relation))
    )
  }

  private func turned(_ edges: [Edge]) -> [Edge] {
    edges.map { Edge(source: $0.destination, destination: $0.source, weight: $0.weight) }.sorted()
  }

  @Test("a reversed graph exchanges the ends of all edges and shares all data")
  func reversed() async throws {
    let base = try await graph(GraphOptions())
    let derived = try await derive(base) { try $0.reversed() }
    for (label, source, destination) in [("e", "a", "a"), ("f", "a", "b"), ("f", "b", "a"), ("g", "a", "b")] {
      let (before, after) = (
        try edges(base, label, source, destination), try edges(derived, label, destination, source)
      )
      #expect(after.out == before.in && after.in == before.out)
    }
    #expect(derived.identifier != base.identifier)
    let again = try PropertyGraph.open(directory: derived.directory)
    #expect(again.schema == derived.schema && again.contents.byteCount == base.contents.byteCount)
  }

  @Test("an undirected graph has every edge in the rows of both ends", arguments: [true, false])
  func undirected(generatesEdgeIDs: Bool) async throws {
    let options = GraphOptions(generatesEdgeIDs: generatesEdgeIDs)
    let base = try await graph(options)
    let derived = try await derive(base) { try $0.undirected() }
    #expect(!derived.options.isDirected && derived.hasParallelEdges)
    let (before, after) = (try edges(base, "e", "a", "a").out, try edges(derived, "e", "a", "a").out)
    #expect(after == (before + turned(before)).sorted())
    let (old, new) = (try edges(base, "f", "a", "b"), try edges(derived, "f", "a", "b"))
    #expect(old.out == new.out)
    #expect(old.in == new.in)
    _ = try PropertyGraph.open(directory: derived.directory)
    // The same as if it had been loaded so.
    let loaded = try await graph(GraphOptions(isDirected: false, generatesEdgeIDs: generatesEdgeIDs))
    #expect(try edges(loaded, "e", "a", "a").out == after)
    #expect(loaded.hasParallelEdges == derived.hasParallelEdges)
  }

  @Test("a directed graph has two edges for each undirected one, and one for a loop", arguments: [true, false])
  func directed(generatesEdgeIDs: Bool) async throws {
    let base = try await graph(GraphOptions(isDirected: false, generatesEdgeIDs: generatesEdgeIDs))
    let derived = try await derive(base) { try $0.directed() }
    #expect(derived.options.isDirected)
    var expected = try edges(base, "e", "a", "a").out
    for loop in [3, 5] { expected.remove(at: expected.firstIndex { $0.source == loop && $0.destination == loop }!) }
    let found = try edges(derived, "e", "a", "a")
    #expect(found.out == expected && found.in == expected)
    let (forwards, backwards) = (try edges(base, "f", "a", "b"), try edges(base, "f", "b", "a"))
    let both = try edges(derived, "f", "a", "b")
    #expect(both.out == (forwards.out + backwards.in).sorted() && both.in == (forwards.in + backwards.out).sorted())
    let other = try edges(derived, "f", "b", "a")
    #expect(other.out == both.in && other.in == both.out)
    // A label with one relation gets the opposite one, which shares its files.
    let (one, opposite) = (try edges(derived, "g", "a", "b"), try edges(derived, "g", "b", "a"))
    let known = try edges(base, "g", "a", "b")
    #expect(one.out == known.out)
    #expect(one.in == known.in)
    #expect(opposite.out == one.in)
    #expect(opposite.in == one.out)
    let again = try PropertyGraph.open(directory: derived.directory)
    // Derived graphs can be derived from and extended again.
    let back = try await derive(again) { try $0.undirected() }
    let count = back.contents.edgeCounts.joined().reduce(0, +)
    #expect(count == 26, "14 edges both ways, but for two loops")
    let more = try await workspace.build(extending: again, again.options) { builder, workspace in
      try builder.addEdges(
        label: "e", sourceLabel: "a", destinationLabel: "a",
        table: workspace.table(
          try workspace.column("s", [2]), try workspace.column("d", [4]), try workspace.column("w", [9]),
          try workspace.column("t", ["t9"])), source: .name("s"), destination: .name("d"))
    }
    #expect(try edges(more, "e", "a", "a").out == (expected + [Edge(source: 2, destination: 4, weight: 9)]).sorted())
  }

  @Test("added columns follow the existing ones; a column of another length is rejected")
  func adding() async throws {
    let base = try await graph(GraphOptions())
    let values = (0..<6).map { Double($0) / 4 }
    let derived = try await derive(base) { derivation in
      try values.withUnsafeBytes {
        try derivation.adding([.init(label: 0, name: "x", values: .fixed(.double, $0))])
      }
    }
    #expect(derived.schema.vertexLabels[0].properties.map(\.name) == ["id", "x"])
    #expect(Array(derived.vertexColumn(label: 0, property: 1).values(as: Double.self)) == values)
    let error = await #expect(throws: GraphStoreError.self) {
      try await derive(base) { derivation in
        try values.withUnsafeBytes {
          try derivation.adding([.init(label: 1, name: "x", values: .fixed(.double, $0))])
        }
      }
    }
    #expect(error?.code == .invalidArgument)
    #expect(Workspace.list(workspace.path).filter { $0.contains("building") }.isEmpty)
  }

  @Test("consolidated columns are lists of the values of each row")
  func consolidating() async throws {
    let base = try await graph(GraphOptions())
    let derived = try await derive(base) { try $0.consolidating(.edge(1), [0, 1], as: "both") }
    do {
      let graph = try PropertyGraph.open(directory: derived.directory)
      let (eids, weights) = (
        graph.edgeColumn(label: 1, relation: 1, property: 0).values(as: Int64.self),
        graph.edgeColumn(label: 1, relation: 1, property: 1).values(as: Int64.self)
      )
      let column = graph.edgeColumn(label: 1, relation: 1, property: 3)
      #expect(column.type == .int64List && column.count == 2)
      for edge in 0..<2 {
        let expected = [eids[edge], weights[edge]].withUnsafeBytes { Array($0) }
        #expect(Array(column.strings[edge]) == expected)
      }
    }
    await #expect(throws: GraphStoreError.self) {
      try await derive(base) { try $0.consolidating(.edge(1), [0, 2], as: "x") }
    }
  }
}
