import Workers

/// Derives a graph from a stored one, in a directory of its own. The new graph has the labels and vertices of its base and shares,
/// by hard links, all files that do not change. Each derivation makes one graph; if it throws, nothing is left behind.
public struct GraphDerivation {
  private let base: PropertyGraph
  private let staging: StagingDirectory
  private let store: ColumnStore
  /// The threads that make the graph.
  public let workers: Workers

  /// Begins a graph to be stored in `directory`, which must not exist, while its parent must.
  /// - Throws: `GraphStoreError` if the directory exists or cannot be created.
  public init(of base: PropertyGraph, directory: String, workers: Workers) throws(GraphStoreError) {
    self.base = base
    self.workers = workers
    staging = try StagingDirectory(target: directory, storage: workers.storage)
    store = ColumnStore(staging: staging, base: base, workers: workers)
  }

  // MARK: - Direction

  /// Returns the graph with source and destination of every edge exchanged. Copies no data.
  public func reversed() throws -> PropertyGraph {
    var draft = try draft()
    for label in draft.stored.indices {
      for relation in draft.stored[label].indices {
        try share(label, relation)
        let ends = draft.schema.edgeLabels[label].relations[relation]
        draft.schema.edgeLabels[label].relations[relation] = .init(source: ends.destination, destination: ends.source)
        draft.stored[label][relation] = draft.stored[label][relation].reversed
      }
    }
    return try seal(draft)
  }

  /// Returns the graph with undirected edges. Edges that differ only in their direction are then parallel; none is dropped.
  public func undirected() throws -> PropertyGraph {
    guard base.options.isDirected else { return try unchanged() }
    var draft = try draft()
    draft.options.isDirected = false
    let tables = edgeTables(draft)
    for (label, relations) in draft.schema.edgeLabels.map(\.relations).enumerated() {
      for (relation, ends) in relations.enumerated() {
        guard ends.source == ends.destination else {
          try share(label, relation)
          continue
        }
        let stored = draft.stored[label][relation]
        for name in [stored.source, stored.destination] { try staging.share(name, of: base) }
        for column in stored.properties { _ = try store.share(column, of: base) }
        let (sources, destinations) = base.endpoints(label: label, relation: relation)
        let rows = try tables.buildAdjacency(ends, sources, destinations, "edge-\(label).relation-\(relation)")
        draft.stored[label][relation].set(rows)
      }
    }
    return try seal(draft)
  }

  /// Returns the graph with two directed edges for every undirected one, in opposite directions and with the same properties;
  /// a loop becomes one edge. An edge label that joins different vertex labels gets relations in both directions.
  public func directed() throws -> PropertyGraph {
    guard !base.options.isDirected else { return try unchanged() }
    var draft = try draft()
    draft.options.isDirected = true
    let tables = edgeTables(draft)
    for label in draft.stored.indices {
      let known = base.schema.edgeLabels[label].relations
      var relations = known
      for ends in known {
        let opposite = GraphSchema.Relation(source: ends.destination, destination: ends.source)
        if !relations.contains(opposite) { relations.append(opposite) }
      }
      draft.schema.edgeLabels[label].relations = relations
      draft.stored[label] = try relations.enumerated().map { relation, ends in
        let opposite = GraphSchema.Relation(source: ends.destination, destination: ends.source)
        switch (known.firstIndex(of: ends), known.firstIndex(of: opposite)) {
        case (let forward?, let backward?):
          return try doubled(label, forward, backward, ends, "edge-\(label).relation-\(relation)", tables)
        case (let forward?, nil):
          try share(label, forward)
          return base.manifest.edgeLabels[label][forward]
        case (nil, let backward):
          // Its files are those of the opposite relation, which are shared there.
          return base.manifest.edgeLabels[label][backward!].reversed
        }
      }
    }
    return try seal(draft)
  }

  /// Stores the edges of a relation, followed by those of the opposite one in the other direction. Loops are stored once.
  private func doubled(
    _ label: Int, _ forward: Int, _ backward: Int, _ ends: GraphSchema.Relation, _ prefix: String, _ tables: EdgeTables
  ) throws -> Manifest.Relation {
    let (first, second) = (
      base.endpoints(label: label, relation: forward), base.endpoints(label: label, relation: backward)
    )
    let kept = forward == backward ? second.source.indices.filter { second.source[$0] != second.destination[$0] } : nil
    let count = first.source.count + (kept?.count ?? second.source.count)
    guard count <= GraphVerification.maximumCount else {
      throw GraphStoreError.tooMany("edges", "edge label '\(base.schema.edgeLabels[label].name)'", count)
    }
    let source = try staging.create(prefix + ".source", byteCount: count * 4).mutableValues(as: VertexNumber.self)
    let destination = try staging.create(prefix + ".destination", byteCount: count * 4)
      .mutableValues(as: VertexNumber.self)
    _ = source.update(fromContentsOf: first.source)
    _ = destination.update(fromContentsOf: first.destination)
    for place in 0..<count - first.source.count {
      let edge = kept?[place] ?? place
      source[first.source.count + place] = second.destination[edge]
      destination[first.source.count + place] = second.source[edge]
      if place % Self.interval == 0 { try workers.cancellation.check() }
    }
    var stored = Manifest.Relation(
      count: count, hasParallelEdges: false, source: prefix + ".source", destination: prefix + ".destination",
      outgoing: .init(offsets: "", neighbours: "", edges: ""), incoming: .init(offsets: "", neighbours: "", edges: ""),
      properties: [])
    for (property, definition) in base.schema.edgeLabels[label].properties.enumerated() {
      let own = base.edgeColumn(label: label, relation: forward, property: property)
      let other = base.edgeColumn(label: label, relation: backward, property: property)
      let added = try kept.map { $0.count == other.count ? other : try choosing($0, of: other) } ?? other
      stored.properties.append(
        try store.store([own, added], type: definition.type, name: prefix + ".property-\(property)").0)
    }
    stored.set(try tables.buildAdjacency(ends, .init(source), .init(destination), prefix))
    return stored
  }

  /// Returns a temporary column of some rows of another.
  private func choosing(_ rows: [Int], of column: Column) throws -> Column {
    try Column.gathering(rows.count, of: column, in: staging, workers) { rows[$0] }
  }

  private static let interval = 1 << 16

  // MARK: - Columns

  /// New values of a label, with one value per vertex or edge.
  public struct NewColumn {
    /// The id of the vertex label.
    public var label: Int
    /// The name of the property.
    public var name: String
    /// The values, in the order of vertices. They must be valid until the graph is made.
    public var values: Values

    /// The values of a column in memory.
    public enum Values {
      /// Values of a fixed width.
      case fixed(ColumnType, UnsafeRawBufferPointer)
      /// Texts.
      case strings(StringValues)
    }

    /// Creates a column.
    public init(label: Int, name: String, values: Values) {
      (self.label, self.name, self.values) = (label, name, values)
    }
  }

  /// Returns the graph with further properties of vertices, which follow the existing ones.
  /// - Throws: `GraphStoreError` of code `invalidArgument` if a column has not one value per vertex.
  public func adding(_ columns: [NewColumn]) throws -> PropertyGraph {
    var draft = try unchangedDraft()
    for column in columns {
      let place = draft.schema.vertexLabels[column.label].properties.count
      let (type, stored) = try write(column, "vertex-\(column.label).property-\(place)")
      draft.schema.vertexLabels[column.label].properties.append(.init(name: column.name, type: type))
      draft.vertices[column.label].properties.append(stored)
    }
    return try seal(draft)
  }

  private func write(_ column: NewColumn, _ name: String) throws -> (ColumnType, Manifest.Column) {
    let count = base.vertexCount(label: column.label)
    switch column.values {
    case .fixed(let type, let bytes):
      guard bytes.count == count * type.stride else { throw Self.unequal(column, bytes.count / type.stride, count) }
      let file = try staging.create(name, byteCount: bytes.count)
      if !bytes.isEmpty { try workers.copy(bytes, to: file.bytes.baseAddress!) }
      return (type, Manifest.Column(data: name, characters: nil))
    case .strings(let texts):
      guard texts.count == count else { throw Self.unequal(column, texts.count, count) }
      let size = count == 0 ? 0 : Int(texts.offsets[count] - texts.offsets[0])
      let offsets = try staging.create(name, byteCount: (count + 1) * 8).mutableValues(as: UInt64.self)
      let characters = try staging.create(name + ".characters", byteCount: size)
      for row in 0..<count { offsets[row + 1] = texts.offsets[row + 1] - texts.offsets[0] }
      if size > 0 {
        let first = Int(texts.offsets[0])
        try workers.copy(
          UnsafeRawBufferPointer(rebasing: texts.bytes[first..<first + size]), to: characters.bytes.baseAddress!)
      }
      return (.string, Manifest.Column(data: name, characters: name + ".characters"))
    }
  }

  private static func unequal(_ column: NewColumn, _ found: Int, _ wanted: Int) -> GraphStoreError {
    GraphStoreError(
      .invalidArgument, "the column '\(column.name)' does not have one value per vertex",
      evidence: "\(found) values for \(wanted) vertices")
  }

  /// Returns the graph with a further property of a vertex or edge label, whose values are lists of the values of others.
  /// - Parameter properties: the ids of properties of one type, for which there is a type of lists.
  public func consolidating(_ label: LabelID, _ properties: [Int], as name: String) throws -> PropertyGraph {
    var draft = try unchangedDraft()
    switch label {
    case .vertex(let label):
      let place = draft.schema.vertexLabels[label].properties.count
      let columns = properties.map { base.vertexColumn(label: label, property: $0) }
      let (type, stored) = try lists(
        of: columns, base.vertexCount(label: label), "vertex-\(label).property-\(place)")
      draft.schema.vertexLabels[label].properties.append(.init(name: name, type: type))
      draft.vertices[label].properties.append(stored)
    case .edge(let label):
      let place = draft.schema.edgeLabels[label].properties.count
      let type = base.schema.edgeLabels[label].properties[properties[0]].type.list
      draft.schema.edgeLabels[label].properties.append(.init(name: name, type: type ?? .doubleList))
      for relation in draft.stored[label].indices {
        let columns = properties.map { base.edgeColumn(label: label, relation: relation, property: $0) }
        let count = base.edgeCount(label: label, relation: relation)
        let stored = try lists(of: columns, count, "edge-\(label).relation-\(relation).property-\(place)").1
        draft.stored[label][relation].properties.append(stored)
      }
    }
    return try seal(draft)
  }

  /// A label of either kind, by its id.
  public enum LabelID: Sendable {
    case vertex(Int), edge(Int)
  }

  private func lists(of columns: [Column], _ count: Int, _ name: String) throws -> (ColumnType, Manifest.Column) {
    guard let type = columns.first?.type, let list = type.list, columns.allSatisfy({ $0.type == type }) else {
      throw GraphStoreError(
        .invalidArgument, "only columns of one type of numbers make lists",
        evidence: columns.map { "'\($0.name)' is \($0.type.rawValue)" }.joined(separator: ", "))
    }
    let (stride, width) = (type.stride, columns.count)
    let offsets = try staging.create(name, byteCount: (count + 1) * 8).mutableValues(as: UInt64.self)
    let elements = try staging.create(name + ".characters", byteCount: count * width * stride)
    try workers.forEach(count + 1, grain: Self.interval) { range, _ in
      for row in range { offsets[row] = UInt64(row * width * stride) }
    }
    if let target = elements.bytes.baseAddress {
      let sources = columns.map { $0.data.bytes.baseAddress! }
      try workers.forEach(count, grain: Self.interval) { range, _ in
        for row in range {
          for (place, source) in sources.enumerated() {
            (target + (row * width + place) * stride).copyMemory(from: source + row * stride, byteCount: stride)
          }
        }
      }
    }
    return (list, Manifest.Column(data: name, characters: name + ".characters"))
  }

  // MARK: - Assembly

  /// The manifest of the new graph, as far as it is known.
  private struct Draft {
    var schema: GraphSchema
    var options: GraphOptions
    var vertices: [Manifest.VertexLabel]
    var stored: [[Manifest.Relation]]
  }

  /// Returns the manifest of the base, with the files of all vertices shared.
  private func draft() throws -> Draft {
    let tables = VertexTables(
      store: store, options: base.options, hash: WordHash(seed: base.manifest.seed), progress: { _ in })
    let vertices = try base.schema.vertexLabels.indices.map { try tables.shared($0, of: base).stored }
    return Draft(schema: base.schema, options: base.options, vertices: vertices, stored: base.manifest.edgeLabels)
  }

  /// Returns the manifest of the base, with all files shared.
  private func unchangedDraft() throws -> Draft {
    let draft = try draft()
    for (label, relations) in draft.stored.enumerated() {
      for relation in relations.indices { try share(label, relation) }
    }
    return draft
  }

  private func unchanged() throws -> PropertyGraph { try seal(try unchangedDraft()) }

  private func share(_ label: Int, _ relation: Int) throws {
    for name in base.manifest.edgeLabels[label][relation].fileNames { try staging.share(name, of: base) }
  }

  private func edgeTables(_ draft: Draft) -> EdgeTables {
    let vertices = base.schema.vertexLabels.indices.map { label in
      let table = base.vertexTables[label]
      return BuiltVertices(
        schema: base.schema.vertexLabels[label], stored: draft.vertices[label], ids: table.ids, index: table.index,
        hasGrown: false)
    }
    return EdgeTables(store: store, options: draft.options, vertices: vertices, progress: { _ in })
  }

  private func seal(_ draft: Draft) throws -> PropertyGraph {
    let manifest = Manifest(
      identifier: Int64.random(in: 1 ... .max), seed: base.manifest.seed, schema: draft.schema, options: draft.options,
      vertexLabels: draft.vertices, edgeLabels: draft.stored,
      files: try staging.describeFiles(sharedWith: base, workers))
    let graph = try PropertyGraph(directory: staging.target, manifest: manifest, files: staging.files)
    try staging.publish(manifest: try manifest.encoded(), durable: false, workers)
    return graph
  }
}

extension Manifest.Relation {
  /// The relation with source and destination exchanged.
  fileprivate var reversed: Manifest.Relation {
    var result = self
    (result.source, result.destination) = (destination, source)
    (result.outgoing, result.incoming) = (incoming, outgoing)
    return result
  }

  /// The names of its files.
  fileprivate var fileNames: [String] {
    let rows = [outgoing, incoming].flatMap { [$0.offsets, $0.neighbours, $0.edges] }
    return [source, destination] + rows + properties.flatMap { [$0.data, $0.characters].compactMap(\.self) }
  }

  fileprivate mutating func set(
    _ rows: (outgoing: Manifest.Adjacency, incoming: Manifest.Adjacency, hasParallelEdges: Bool)
  ) {
    (outgoing, incoming, hasParallelEdges) = rows
  }
}

extension Column {
  /// Returns a temporary column of `count` rows of another; `row` returns the row for each place.
  static func gathering(
    _ count: Int, of column: Column, in staging: StagingDirectory, _ workers: Workers, _ row: @Sendable (Int) -> Int
  ) throws -> Column {
    guard column.type.isVariable else {
      let data = try staging.createTemporary(byteCount: count * column.type.stride)
      let stride = column.type.stride
      if let (target, source) = data.bytes.baseAddress.flatMap({ to in column.data.bytes.baseAddress.map { (to, $0) } })
      {
        for place in 0..<count {
          (target + place * stride).copyMemory(from: source + row(place) * stride, byteCount: stride)
          if place % (1 << 16) == 0 { try workers.cancellation.check() }
        }
      }
      return Column(
        name: column.name, type: column.type, count: count, data: data, firstMissing: column.firstMissing)
    }
    let texts = column.strings
    let data = try staging.createTemporary(byteCount: (count + 1) * 8)
    let offsets = data.mutableValues(as: UInt64.self)
    for place in 0..<count { offsets[place + 1] = offsets[place] + UInt64(texts[row(place)].count) }
    let characters = try staging.createTemporary(byteCount: Int(offsets[count]))
    for place in 0..<count {
      let text = texts[row(place)]
      if let bytes = text.baseAddress, !text.isEmpty {
        (characters.bytes.baseAddress! + Int(offsets[place])).copyMemory(from: bytes, byteCount: text.count)
      }
      if place % (1 << 16) == 0 { try workers.cancellation.check() }
    }
    return Column(
      name: column.name, type: column.type, count: count, data: data, characters: characters,
      firstMissing: column.firstMissing)
  }
}

extension PropertyGraph {
  /// Writes all files of the graph, with its manifest, to an existing directory. The copies do not depend on the graph.
  /// - Throws: `GraphStoreError` when they cannot be written; `CancellationError`.
  public func copyFiles(to directory: String, _ workers: Workers) throws {
    for (name, file) in files {
      let copy = try MappedFile.create(path: "\(directory)/\(name)", byteCount: file.bytes.count)
      if let target = copy.bytes.baseAddress { try workers.copy(UnsafeRawBufferPointer(file.bytes), to: target) }
    }
    let bytes = try manifest.encoded()
    let copy = try MappedFile.create(path: "\(directory)/\(Manifest.fileName)", byteCount: bytes.count)
    copy.bytes.copyBytes(from: bytes)
  }
}
