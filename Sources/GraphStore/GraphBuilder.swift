import Workers

/// Builds a property graph in a new directory, from tables and, optionally, on top of an existing graph.
///
/// Tables are collected first; `seal` does the work when all labels are known. Files of columns that go into the graph unchanged
/// are moved, not copied, so a table must not be used again. If `seal` throws or is never called, nothing is left behind.
public struct GraphBuilder {
  private let staging: StagingDirectory
  private let base: PropertyGraph?
  private let options: GraphOptions
  private let workers: Workers
  private let progress: (String) -> Void
  private var vertexInputs: [VertexInput] = []
  private var edgeInputs: [EdgeInput] = []

  /// Begins a graph to be stored in `directory`, which must not exist, while its parent must. A directory is never used for
  /// another graph. The graph begins with all of `base`, whose files are shared. `progress` receives lines for the client about
  /// what was done.
  ///
  /// - Throws: `invalidArgument` if the directory exists, or if `base` is not empty and has other options.
  public init(
    directory: String, extending base: PropertyGraph?, options: GraphOptions, workers: Workers,
    progress: @escaping (String) -> Void
  ) throws(GraphStoreError) {
    if let base, base.options != options, !base.schema.vertexLabels.isEmpty {
      throw GraphStoreError(
        .invalidArgument, "a graph can only be extended with its own options",
        evidence: "\(options) instead of \(base.options)")
    }
    staging = try StagingDirectory(target: directory, storage: workers.storage)
    self.base = base
    self.options = options
    self.workers = workers
    self.progress = progress
  }

  /// Adds a table of vertices. The column `id` identifies them; the other columns become properties, in their order. If the label
  /// exists, its rows are extended, and the table must have the same properties.
  ///
  /// - Throws: `notFound` if there is no such column; `invalidArgument` if two properties have the same name; `invalidData` if
  ///   the ids are not of the graph's type and cannot be converted without loss.
  public mutating func addVertices(label: String, table: Table, id: ColumnReference) throws {
    let subject = "the table of vertex label '\(label)'"
    try Self.check(table, subject)
    let position = try table.position(of: id, subject)
    var properties = table.columns
    let idColumn = properties.remove(at: position)
    // An id column that is also requested as a property is shown once.
    if options.retainsIDs { properties.removeAll { $0.name == idColumn.name && $0.data === idColumn.data } }
    try TableNames.checkColumns(options.retainsIDs ? properties + [idColumn] : properties, of: table, subject)
    vertexInputs.append(VertexInput(label: label, id: idColumn, properties: properties))
  }

  /// Adds a table of edges. The columns `source` and `destination` hold ids of vertices of the two labels; the other columns
  /// become properties, in their order. A label may have several relations; all its tables must have the same properties. A
  /// vertex label without a table of vertices consists of all ids in its edges, in order of first appearance: table by table,
  /// source column before destination column.
  ///
  /// - Throws: The errors of `addVertices`.
  public mutating func addEdges(
    label: String, sourceLabel: String, destinationLabel: String, table: Table, source: ColumnReference,
    destination: ColumnReference
  ) throws {
    let subject = "the table of edge label '\(label)'"
    try Self.check(table, subject)
    let ends = [try table.position(of: source, subject), try table.position(of: destination, subject)]
    let properties = table.columns.indices.filter { !ends.contains($0) }.map { table.columns[$0] }
    try TableNames.checkColumns(properties, of: table, subject)
    let conversion = ColumnConversion(
      staging: staging, workers: workers, subject: "the ids in \(subject)", isOfIDs: true)
    let type = VertexTables.storedType(of: options)
    edgeInputs.append(
      EdgeInput(
        label: label, sourceLabel: sourceLabel, destinationLabel: destinationLabel,
        source: try conversion.column(table.columns[ends[0]], as: type),
        destination: try conversion.column(table.columns[ends[1]], as: type),
        properties: properties, origin: table.origin))
  }

  /// Builds the graph, writes it to disk and renames its directory to the final name. Call it once. If `durable` is false, the
  /// system decides when to write: a crash of the machine, though not of the process, may then damage the graph, which is
  /// detected when it is opened.
  ///
  /// - Throws: `invalidData` for an edge whose end is missing from a given table of vertices; `invalidArgument` for tables of a
  ///   label that do not match each other; `limitExceeded`; `inputOutput`, such as for a full disk; `CancellationError`.
  public mutating func seal(durable: Bool = true) throws -> PropertyGraph {
    defer {
      vertexInputs = []
      edgeInputs = []
    }
    try checkLabels()
    let seed = base?.manifest.seed ?? UInt64.random(in: .min ... .max)
    let store = ColumnStore(staging: staging, base: base, workers: workers)
    let vertices = try buildVertices(store, WordHash(seed: seed))
    let edges = try buildEdges(store, vertices)
    let manifest = Manifest(
      identifier: Int64.random(in: 1 ... .max), seed: seed,
      schema: GraphSchema(vertexLabels: vertices.map(\.schema), edgeLabels: edges.map(\.schema)), options: options,
      vertexLabels: vertices.map(\.stored), edgeLabels: edges.map(\.stored),
      files: try staging.describeFiles(sharedWith: base, workers))
    let graph = try PropertyGraph(directory: staging.target, manifest: manifest, files: staging.files)
    try staging.publish(manifest: try manifest.encoded(), durable: durable, workers)
    return graph
  }

  private func checkLabels() throws(GraphStoreError) {
    let schema = base?.schema ?? GraphSchema()
    try TableNames.checkLabels(
      schema.vertexLabels.map(\.name) + vertexInputs.map(\.label)
        + edgeInputs.flatMap { [$0.sourceLabel, $0.destinationLabel] }, "vertex")
    try TableNames.checkLabels(schema.edgeLabels.map(\.name) + edgeInputs.map(\.label), "edge")
  }

  private func buildVertices(_ store: ColumnStore, _ hash: WordHash) throws -> [BuiltVertices] {
    let known = base?.schema.vertexLabels.map(\.name) ?? []
    let given = Self.unique(vertexInputs.map(\.label), except: known)
    let mentioned = edgeInputs.flatMap { [$0.sourceLabel, $0.destinationLabel] }
    let deduced = Self.unique(mentioned, except: known + given).sorted(by: Self.precedes)
    let names = base == nil ? (given + deduced).sorted(by: Self.precedes) : known + given + deduced
    let tables = VertexTables(store: store, options: options, hash: hash, progress: progress)
    let distinct = DistinctIDs(workers: workers, staging: staging, hash: hash)
    return try names.enumerated().map { label, name in
      let old = label < known.count ? base : nil
      var inputs = vertexInputs.filter { $0.label == name }
      if inputs.isEmpty, let old { return try tables.shared(label, of: old) }
      if inputs.isEmpty {
        let ends = edgeInputs.flatMap { input in
          (input.sourceLabel == name ? [input.source] : [])
            + (input.destinationLabel == name ? [input.destination] : [])
        }
        let type = VertexTables.storedType(of: options)
        inputs = [
          VertexInput(label: name, id: try distinct.column(of: ends, type: type, label: name), properties: [])
        ]
      }
      return try tables.build(label, name: name, inputs, extending: old)
    }
  }

  private func buildEdges(_ store: ColumnStore, _ vertices: [BuiltVertices]) throws -> [BuiltEdges] {
    let known = base?.schema.edgeLabels.map(\.name) ?? []
    let names = known + Self.unique(edgeInputs.map(\.label), except: known)
    let tables = EdgeTables(store: store, options: options, vertices: vertices, progress: progress)
    return try names.enumerated().map { label, name in
      let old = label < known.count ? base : nil
      return try tables.build(label, name: name, edgeInputs.filter { $0.label == name }, extending: old)
    }
  }

  private static func check(_ table: Table, _ subject: String) throws(GraphStoreError) {
    guard table.rowCount <= GraphVerification.maximumCount else {
      throw .tooMany("rows", subject, table.rowCount)
    }
    for column in table.columns {
      guard column.count == table.rowCount else {
        throw GraphStoreError(
          .invalidArgument, "\(subject) has columns of different length",
          evidence: "'\(column.name)' has \(column.count) of \(table.rowCount) values")
      }
      let isText = column.type.isVariable
      guard column.data.bytes.count >= (column.count + (isText && column.count > 0 ? 1 : 0)) * column.type.stride,
        (column.characters != nil) == isText
      else {
        throw GraphStoreError(.invalidArgument, "\(subject) has a column without data", evidence: "'\(column.name)'")
      }
    }
  }

  private static func unique(_ names: [String], except known: [String]) -> [String] {
    var seen = Set(known)
    return names.filter { seen.insert($0).inserted }
  }

  /// Compares by bytes, as GraphScope sorts labels.
  private static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}

extension Table {
  /// Returns the position of a column. A number beyond the last column may still be a name.
  func position(of reference: ColumnReference, _ subject: String) throws(GraphStoreError) -> Int {
    if case .index(let index) = reference, columns.indices.contains(index) { return index }
    if let index = columns.firstIndex(where: { $0.name == reference.description }) { return index }
    throw GraphStoreError(
      .notFound, "\(subject) has no column '\(reference)'",
      evidence: "its columns are [\(columns.map(\.name).joined(separator: ", "))]")
  }
}
