import Workers

/// A table of edges to add.
struct EdgeInput {
  var label: String
  var sourceLabel: String
  var destinationLabel: String
  /// The ids of the edges' ends, in the graph's type of ids.
  var source: Column
  var destination: Column
  var properties: [Column]
  /// The source of the rows, for messages; empty if it has no name.
  var origin: String
}

/// The edges of a label, as they will be in the graph.
struct BuiltEdges {
  var schema: GraphSchema.EdgeLabel
  var stored: [Manifest.Relation]
}

/// Builds the edges of labels.
struct EdgeTables {
  let store: ColumnStore
  let options: GraphOptions
  let vertices: [BuiltVertices]
  let progress: (String) -> Void

  /// A table of edges, with its relation and the number of its first edge within the label.
  private struct Part {
    var input: EdgeInput
    var relation: Int
    var firstEdge: Int
    var properties: [Column]
  }

  /// Builds the edge label with number `label`: first the relations and edges of the graph that is being extended, if it has the
  /// label, then those of the tables. Tables of the same relation are concatenated.
  func build(_ label: Int, name: String, _ inputs: [EdgeInput], extending base: PropertyGraph?) throws -> BuiltEdges {
    let known = base?.schema.edgeLabels[label]
    let generated = options.generatesEdgeIDs ? 1 : 0
    let subject = "edge label '\(name)'"
    guard generated == 0 || label < 128 else {
      throw GraphStoreError(
        .limitExceeded, "\(subject) exceeds the number of edge labels that edge ids support",
        evidence: "number \(label)",
        hint: "Load the graph with generate_eid=False")
    }
    let aligned = try store.aligned(
      inputs.map(\.properties), to: known.map { Array($0.properties.dropFirst(generated)) }, subject: subject)
    var properties = aligned.map { GraphSchema.Property(name: $0.name, type: $0.type) }
    if inputs.isEmpty {
      properties = known!.properties
    } else if generated == 1 {
      properties.insert(.init(name: "eid", type: .int64), at: 0)
    }

    var relations = known?.relations ?? []
    var edges = relations.indices.reduce(0) { $0 + base!.edgeCount(label: label, relation: $1) }
    var parts: [Part] = []
    for (position, input) in inputs.enumerated() {
      let ends = GraphSchema.Relation(
        source: vertexLabel(input.sourceLabel), destination: vertexLabel(input.destinationLabel))
      if !relations.contains(ends) { relations.append(ends) }
      parts.append(
        Part(
          input: input, relation: relations.firstIndex(of: ends)!, firstEdge: edges,
          properties: aligned.map { $0.parts[position] }))
      edges += input.source.count
    }
    let stored = try relations.indices.map { relation in
      let old = relation < known?.relations.count ?? 0 ? base : nil
      let own = parts.filter { $0.relation == relation }
      if own.isEmpty { return try shared(label, relation, relations[relation], of: old!) }
      return try build(label, name, relation, relations[relation], own, extending: old)
    }
    return BuiltEdges(schema: .init(name: name, properties: properties, relations: relations), stored: stored)
  }

  private func vertexLabel(_ name: String) -> Int { vertices.firstIndex { $0.schema.name == name }! }

  private func isSymmetric(_ ends: GraphSchema.Relation) -> Bool {
    !options.isDirected && ends.source == ends.destination
  }

  // MARK: - Unchanged relations

  /// Returns a relation without new edges. It shares all files, except the offsets of rows whose vertex label has grown.
  private func shared(
    _ label: Int, _ relation: Int, _ ends: GraphSchema.Relation, of base: PropertyGraph
  ) throws -> Manifest.Relation {
    let stored = base.manifest.edgeLabels[label][relation]
    for name in [stored.source, stored.destination] { try store.staging.share(name, of: base) }
    for column in stored.properties { _ = try store.share(column, of: base) }
    try share(stored.outgoing, base.outgoing(label: label, relation: relation), vertices[ends.source], of: base)
    if stored.incoming != stored.outgoing {
      try share(stored.incoming, base.incoming(label: label, relation: relation), vertices[ends.destination], of: base)
    }
    return stored
  }

  private func share(
    _ stored: Manifest.Adjacency, _ adjacency: Adjacency, _ rows: BuiltVertices, of base: PropertyGraph
  ) throws {
    try store.staging.share(stored.neighbours, of: base)
    try store.staging.share(stored.edges, of: base)
    guard rows.hasGrown else { return try store.staging.share(stored.offsets, of: base) }
    let file = try store.staging.create(stored.offsets, byteCount: (rows.stored.count + 1) * 8)
    let offsets = file.mutableValues(as: UInt64.self)
    let old = adjacency.offsets
    _ = offsets.update(fromContentsOf: old)
    offsets[old.count...].update(repeating: old[old.count - 1])
  }

  // MARK: - New edges

  private func build(
    _ label: Int, _ name: String, _ relation: Int, _ ends: GraphSchema.Relation, _ parts: [Part],
    extending base: PropertyGraph?
  ) throws -> Manifest.Relation {
    let staging = store.staging
    let prefix = "edge-\(label).relation-\(relation)"
    let oldCount = base?.edgeCount(label: label, relation: relation) ?? 0
    let count = parts.reduce(oldCount) { $0 + $1.input.source.count }
    guard count <= GraphVerification.maximumCount else {
      throw GraphStoreError.tooMany("edges", "edge label '\(name)'", count)
    }

    let source = try staging.create(prefix + ".source", byteCount: count * 4).mutableValues(as: VertexNumber.self)
    let destination = try staging.create(prefix + ".destination", byteCount: count * 4)
      .mutableValues(as: VertexNumber.self)
    if let base {
      let old = base.endpoints(label: label, relation: relation)
      _ = source.update(fromContentsOf: old.source)
      _ = destination.update(fromContentsOf: old.destination)
    }
    var row = oldCount
    for part in parts {
      let rows = row..<row + part.input.source.count
      try resolve(
        part.input.source, vertices[ends.source], part.input.origin, name, into: .init(rebasing: source[rows]))
      try resolve(
        part.input.destination, vertices[ends.destination], part.input.origin, name,
        into: .init(rebasing: destination[rows]))
      row = rows.upperBound
    }
    let adjacency = try buildAdjacency(ends, UnsafeBufferPointer(source), UnsafeBufferPointer(destination), prefix)
    let old = base.map { base in { base.edgeColumn(label: label, relation: relation, property: $0) } }
    let properties = try storeProperties(label, prefix, parts, old)
    progress(
      "edge label '\(name)' from '\(vertices[ends.source].schema.name)' to "
        + "'\(vertices[ends.destination].schema.name)': \(count) edges")
    return Manifest.Relation(
      count: count, hasParallelEdges: adjacency.hasParallelEdges, source: prefix + ".source",
      destination: prefix + ".destination", outgoing: adjacency.outgoing, incoming: adjacency.incoming,
      properties: properties)
  }

  /// Looks up the ids of one end of edges. Throws `invalidData` that names the first id without a vertex.
  private func resolve(
    _ ids: Column, _ vertices: BuiltVertices, _ origin: String, _ label: String,
    into numbers: UnsafeMutableBufferPointer<VertexNumber>
  ) throws {
    guard let row = try vertices.index.resolve(ids, in: vertices.ids, into: numbers, store.workers) else { return }
    let id = ids.text(row: row)
    throw GraphStoreError(
      .invalidData,
      "Mapping vertex '\(id)' failed. "
        + "All src/dst in edges must present in corresponding vertices first",
      evidence: "row \(row + 1) of edge label '\(label)'\(origin.isEmpty ? "" : " in '\(origin)'") has it in column "
        + "'\(ids.name)', but vertex label "
        + "'\(vertices.schema.name)' has no such id among its \(vertices.stored.count) vertices",
      hint: Self.remedy(for: id, missingIn: vertices.schema))
  }

  /// Returns the remedy for an id that no vertex of a label has. If the label's id column is named like this id, the first row of
  /// a file without a header was read as one.
  private static func remedy(for id: String, missingIn label: GraphSchema.VertexLabel) -> String {
    guard let property = label.idProperty, label.properties[property].name == id else {
      return "Add the vertex to the table of '\(label.name)', or omit that table to take all vertices from the edges"
    }
    return "The first row of the table of '\(label.name)' was read as its header: if the file has no header, load it "
      + "with Loader(path, header_row=False)"
  }

  /// Builds the rows of a relation in new files whose names begin with `prefix`.
  func buildAdjacency(
    _ ends: GraphSchema.Relation, _ source: UnsafeBufferPointer<VertexNumber>,
    _ destination: UnsafeBufferPointer<VertexNumber>, _ prefix: String
  ) throws -> (outgoing: Manifest.Adjacency, incoming: Manifest.Adjacency, hasParallelEdges: Bool) {
    let workers = store.workers
    guard !isSymmetric(ends) else {
      let (stored, rows) = try createRows(prefix + ".both", vertices[ends.source].stored.count, 2 * source.count)
      try CSRBuilder.symmetric(source: source, destination: destination, rows: rows, workers: workers)
      return (stored, stored, try CSRBuilder.hasRepeatedNeighbour(rows, workers))
    }
    let (outgoing, outgoingRows) = try createRows(prefix + ".out", vertices[ends.source].stored.count, source.count)
    let (incoming, incomingRows) = try createRows(prefix + ".in", vertices[ends.destination].stored.count, source.count)
    try CSRBuilder.directed(
      source: source, destination: destination, outgoing: outgoingRows, incoming: incomingRows, workers: workers)
    return (outgoing, incoming, try CSRBuilder.hasRepeatedNeighbour(outgoingRows, workers))
  }

  private func createRows(_ name: String, _ rows: Int, _ entries: Int) throws -> (Manifest.Adjacency, CSRBuilder.Rows) {
    let stored = Manifest.Adjacency(
      offsets: name + ".offsets", neighbours: name + ".neighbours", edges: name + ".edges")
    return (
      stored,
      CSRBuilder.Rows(
        offsets: try store.staging.create(stored.offsets, byteCount: (rows + 1) * 8),
        neighbours: try store.staging.create(stored.neighbours, byteCount: entries * 4),
        edges: try store.staging.create(stored.edges, byteCount: entries * 4))
    )
  }

  /// Stores the edges' properties; `old` holds those of the graph that is being extended, by property.
  private func storeProperties(
    _ label: Int, _ prefix: String, _ parts: [Part], _ old: ((Int) -> Column)?
  ) throws -> [Manifest.Column] {
    var stored: [Manifest.Column] = []
    if options.generatesEdgeIDs {
      let numbers = try parts.map { try edgeIDs(from: $0.firstEdge, count: $0.input.source.count, label: label) }
      let columns = (old.map { [$0(0)] } ?? []) + numbers
      stored.append(try store.store(columns, type: .int64, name: prefix + ".property-0").0)
    }
    for position in parts[0].properties.indices {
      let property = stored.count
      let columns = (old.map { [$0(property)] } ?? []) + parts.map { $0.properties[position] }
      stored.append(try store.store(columns, type: columns[0].type, name: prefix + ".property-\(property)").0)
    }
    return stored
  }

  /// Generates edge ids: the label's number in the upper byte, followed by the edge's number within the label.
  private func edgeIDs(from first: Int, count: Int, label: Int) throws -> Column {
    let file = try store.staging.createTemporary(byteCount: count * 8)
    let ids = file.mutableValues(as: Int64.self)
    let start = Int64(label) << 56 + Int64(first)
    try store.workers.forEach(count, grain: 1 << 16) { range, _ in
      for row in range { ids[row] = start + Int64(row) }
    }
    return Column(name: "eid", type: .int64, count: count, data: file)
  }
}
