import Workers

/// Checks a stored graph, so that neither an accident nor a forged directory makes a reader access memory outside the mappings.
enum GraphVerification {
  /// The maximum number of vertices of a label, and of edges of a relation.
  static let maximumCount = Int(UInt32.max) - 1

  private static let grain = 1 << 16

  // MARK: - Shape

  /// Checks that the manifest is consistent: names without directories, counts within limits, lists as long as those of the
  /// schema. File sizes are checked when the files are mapped.
  static func checkShape(of manifest: Manifest, directory: String) throws(GraphStoreError) {
    func require(_ condition: Bool, _ evidence: String) throws(GraphStoreError) {
      guard condition else { throw .damaged(directory + "/" + Manifest.fileName, evidence) }
    }
    for (name, file) in manifest.files {
      let isPlain = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
      try require(
        isPlain && !name.isEmpty && name.utf8.count <= 200 && name != "." && name != ".." && name != Manifest.fileName,
        "it lists the invalid file name '\(name)'")
      try require(file.size >= 0, "it gives '\(name)' the size \(file.size)")
    }
    try require(manifest.identifier > 0, "its identifier \(manifest.identifier) is invalid")
    let schema = manifest.schema
    try require(
      schema.vertexLabels.count == manifest.vertexLabels.count, "its vertex labels differ from those of the schema")
    try require(schema.edgeLabels.count == manifest.edgeLabels.count, "its edge labels differ from those of the schema")
    for (label, entry) in zip(schema.vertexLabels, manifest.vertexLabels) {
      try require(
        (0...maximumCount).contains(entry.count),
        "label '\(label.name)' has an invalid number of vertices, \(entry.count)")
      try require(label.properties.count == entry.properties.count, "label '\(label.name)' lacks properties")
      let idProperty = label.idProperty ?? 0
      try require(
        idProperty >= 0 && (label.idProperty == nil || idProperty < label.properties.count),
        "label '\(label.name)' has no property \(idProperty)")
      try require(
        (entry.index.kind == .contiguous) == (entry.index.file == nil), "the index of '\(label.name)' is incomplete")
      try require(
        entry.index.kind == .hash || manifest.options.idType != .string,
        "the index of '\(label.name)' does not support string ids")
    }
    for (label, relations) in zip(schema.edgeLabels, manifest.edgeLabels) {
      try require(
        label.relations.count == relations.count,
        "label '\(label.name)' has relations that differ from those of the schema")
      for (ends, relation) in zip(label.relations, relations) {
        let labels = schema.vertexLabels.indices
        try require(
          labels.contains(ends.source) && labels.contains(ends.destination),
          "label '\(label.name)' connects labels that do not exist")
        try require(
          (0...maximumCount).contains(relation.count),
          "label '\(label.name)' has an invalid number of edges, \(relation.count)")
        try require(label.properties.count == relation.properties.count, "label '\(label.name)' lacks properties")
        let isSymmetric = !manifest.options.isDirected && ends.source == ends.destination
        try require(
          (relation.outgoing == relation.incoming) == isSymmetric,
          "the rows of '\(label.name)' do not match the direction of the graph")
      }
    }
  }

  // MARK: - Contents

  /// Checks the checksums of all files, and then every stored number that readers use as a position.
  static func checkContents(of graph: PropertyGraph, _ workers: Workers) throws {
    for (name, entry) in graph.manifest.files.sorted(by: { $0.key < $1.key }) {
      let path = graph.directory + "/" + name
      let bytes = UnsafeRawBufferPointer(graph.files[name]!.bytes)
      guard try Checksum.ofMapped(bytes, path: path, workers) == entry.checksum else {
        throw GraphStoreError.damaged(path, "the checksum does not match")
      }
    }
    for (entry, table) in zip(graph.manifest.vertexLabels, graph.vertexTables) {
      let check = Check(directory: graph.directory, workers: workers)
      if case .string(let ids) = table.ids { try check.strings(ids, entry.ids.data) }
      try check.index(table, entry.index)
      try check.columns(table.columns, entry.properties)
    }
    for (label, tables) in graph.edgeTables.enumerated() {
      for (relation, table) in tables.enumerated() {
        let entry = graph.manifest.edgeLabels[label][relation]
        let ends = graph.schema.edgeLabels[label].relations[relation]
        let sources = graph.vertexCount(label: ends.source)
        let destinations = graph.vertexCount(label: ends.destination)
        let check = Check(directory: graph.directory, workers: workers)
        let endpoints = graph.endpoints(label: label, relation: relation)
        try check.numbers(endpoints.source, below: sources, entry.source)
        try check.numbers(endpoints.destination, below: destinations, entry.destination)
        try check.adjacency(table.outgoing, neighbours: destinations, edges: table.count, entry.outgoing)
        if entry.outgoing != entry.incoming {
          try check.adjacency(table.incoming, neighbours: sources, edges: table.count, entry.incoming)
        }
        try check.columns(table.columns, entry.properties)
      }
    }
  }

  private struct Check {
    let directory: String
    let workers: Workers

    /// Throws `damaged` for `name` unless `isSound` returns true for all ranges of `0..<count`.
    func all(_ count: Int, _ name: String, _ evidence: String, _ isSound: (Range<Int>) -> Bool) throws {
      guard try workers.map(count, grain: grain, isSound).allSatisfy({ $0 }) else {
        throw GraphStoreError.damaged(directory + "/" + name, evidence)
      }
    }

    func numbers(_ numbers: UnsafeBufferPointer<UInt32>, below limit: Int, _ name: String) throws {
      try all(numbers.count, name, "it contains numbers that are out of range") { range in
        var greatest: UInt32 = 0
        for place in range { greatest = max(greatest, numbers[place]) }
        return Int(greatest) < limit
      }
    }

    func ascending(_ offsets: UnsafeBufferPointer<UInt64>, to end: Int, _ name: String) throws {
      guard let last = offsets.last else { return }
      guard last <= UInt64(end) else {
        throw GraphStoreError.damaged(directory + "/" + name, "its last offset is \(last), beyond \(end)")
      }
      try all(offsets.count - 1, name, "its offsets do not ascend") { range in
        var isSound = true
        for place in range { isSound = isSound && offsets[place] <= offsets[place + 1] }
        return isSound
      }
    }

    func adjacency(
      _ adjacency: Adjacency, neighbours: Int, edges: Int, _ stored: Manifest.Adjacency
    ) throws {
      try ascending(adjacency.offsets, to: adjacency.neighbours.count, stored.offsets)
      guard adjacency.offsets[0] == 0, adjacency.offsets.last == UInt64(adjacency.neighbours.count) else {
        throw GraphStoreError.damaged(directory + "/" + stored.offsets, "its offsets do not cover all entries")
      }
      try numbers(adjacency.neighbours, below: neighbours, stored.neighbours)
      try numbers(adjacency.edges, below: edges, stored.edges)
    }

    func strings(_ strings: StringValues, _ name: String) throws {
      try ascending(strings.offsets, to: strings.bytes.count, name)
    }

    func lists(_ lists: StringValues, of element: ColumnType, _ name: String) throws {
      try all(lists.offsets.count, name, "a list ends within a number") { range in
        var isSound = true
        for place in range { isSound = isSound && lists.offsets[place] % UInt64(element.stride) == 0 }
        return isSound
      }
    }

    func columns(_ columns: [Column], _ stored: [Manifest.Column]) throws {
      for (column, entry) in zip(columns, stored) where column.type.isVariable {
        try strings(column.strings, entry.data)
        if let element = column.type.element { try lists(column.strings, of: element, entry.data) }
      }
    }

    func index(_ table: PropertyGraph.VertexTable, _ stored: Manifest.Index) throws {
      guard let name = stored.file, let file = table.index.table else { return }
      switch stored.kind {
      case .contiguous: return
      case .direct:
        try numbers(file.values(as: UInt32.self), below: table.count + 1, name)
      case .hash:
        let slots = file.values(as: UInt64.self)
        guard slots.count & (slots.count - 1) == 0 else {
          throw GraphStoreError.damaged(directory + "/" + name, "\(slots.count) slots are not a power of two")
        }
        try all(slots.count, name, "it contains numbers that are out of range") { range in
          var isSound = true
          for place in range {
            let number = UInt32(truncatingIfNeeded: slots[place])
            isSound = isSound && Int(number) <= table.count && (number != 0 || slots[place] == 0)
          }
          return isSound
        }
      }
    }
  }
}
