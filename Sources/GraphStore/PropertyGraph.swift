import Glibc
import Workers

/// A property graph: a directory of immutable column files, mapped into memory.
///
/// Vertices of a label are numbered from 0 in the order in which they were first seen; edges of a relation have ordinals from 0
/// in the order of their rows. Pointers and columns are valid as long as the graph exists; nothing is copied. The directory may
/// be removed, or the graph extended in another directory, while this object is in use.
public final class PropertyGraph: Sendable {
  /// The directory that the graph was opened from.
  public let directory: String
  /// A positive random number, stored with the graph.
  public let identifier: Int64
  /// Labels, properties and relations, all of them valid: projections are kept elsewhere.
  public let schema: GraphSchema
  /// How vertices are identified, and what was kept.
  public let options: GraphOptions
  /// Whether some vertex has the same neighbour twice along one relation: through edges with the same source and destination and,
  /// in an undirected graph, also through edges in opposite directions and loops, both ends of which are entries.
  public let hasParallelEdges: Bool

  let manifest: Manifest
  let files: [String: MappedFile]
  let vertexTables: [VertexTable]
  let edgeTables: [[EdgeTable]]

  /// The vertices of a label, mapped.
  struct VertexTable: Sendable {
    let count: Int
    let ids: VertexIDs
    let index: IDIndex
    let columns: [Column]
  }

  /// The edges of a relation, mapped.
  struct EdgeTable: Sendable {
    let count: Int
    let source: MappedFile
    let destination: MappedFile
    let outgoing: Adjacency
    let incoming: Adjacency
    let columns: [Column]
  }

  /// Opens a stored graph. Checks the manifest's version, all sizes and checksums, and that no stored number is out of bounds.
  /// Reads every byte once, on the calling thread.
  /// - Throws: `GraphStoreError` with code `damaged`, naming the file, or `notFound`.
  public static func open(directory: String) throws(GraphStoreError) -> PropertyGraph {
    do { return try open(directory: directory, workers: .alone()) } catch {
      throw error as? GraphStoreError
        ?? GraphStoreError(.inputOutput, "cannot open the graph in '\(directory)'", evidence: "\(error)")
    }
  }

  /// Opens a stored graph as `open(directory:)` does, on the threads of a job. The mappings hold the given reservations of their
  /// files, by name.
  /// - Throws: The errors of `open(directory:)`; `CancellationError`.
  public static func open(
    directory: String, workers: Workers, reservations: [String: StorageReservation] = [:]
  ) throws -> PropertyGraph {
    let graph = try map(directory: directory, reservations: reservations)
    try GraphVerification.checkContents(of: graph, workers)
    return graph
  }

  /// Maps a stored graph whose contents another process of ours has checked. Checks the manifest's version and all sizes, and reads
  /// no column. The mappings hold the given reservations of their files, by name.
  /// - Throws: `GraphStoreError` with code `damaged`, naming the file, or `notFound`.
  public static func map(
    directory: String, reservations: [String: StorageReservation] = [:]
  ) throws(GraphStoreError) -> PropertyGraph {
    let manifest = try Manifest.read(directory: directory)
    try GraphVerification.checkShape(of: manifest, directory: directory)
    var files: [String: MappedFile] = [:]
    for (name, entry) in manifest.files {
      let path = directory + "/" + name
      let file: MappedFile
      do { file = try MappedFile.open(path: path, reservation: reservations[name]) } catch {
        throw error.code == .inputOutput ? error : GraphStoreError.damaged(path, error.description)
      }
      guard file.bytes.count == entry.size else {
        throw GraphStoreError.damaged(path, "\(file.bytes.count) bytes instead of \(entry.size)")
      }
      files[name] = file
    }
    return try PropertyGraph(directory: directory, manifest: manifest, files: files)
  }

  /// Removes a stored graph from disk. Graphs opened from it, and extensions of it, are not affected.
  public static func remove(directory: String) throws(GraphStoreError) {
    let manifest = try Manifest.read(directory: directory)
    try GraphVerification.checkShape(of: manifest, directory: directory)
    guard unlink(directory + "/" + Manifest.fileName) == 0 else { throw .system("cannot remove", directory) }
    for name in manifest.files.keys { unlink(directory + "/" + name) }
    guard rmdir(directory) == 0 else { throw .system("cannot remove the directory", directory) }
  }

  /// Assembles a graph from mapped files. Throws `damaged` if a file is too small for its contents.
  init(directory: String, manifest: Manifest, files: [String: MappedFile]) throws(GraphStoreError) {
    self.directory = directory
    self.manifest = manifest
    self.files = files
    identifier = manifest.identifier
    schema = manifest.schema
    options = manifest.options
    hasParallelEdges = manifest.edgeLabels.contains { $0.contains(where: \.hasParallelEdges) }
    let assembly = Assembly(directory: directory, manifest: manifest, files: files)
    var vertexTables: [VertexTable] = []
    for label in manifest.vertexLabels.indices { vertexTables.append(try assembly.vertexTable(label)) }
    self.vertexTables = vertexTables
    var edgeTables: [[EdgeTable]] = []
    for label in manifest.edgeLabels.indices {
      var relations: [EdgeTable] = []
      for relation in manifest.edgeLabels[label].indices { relations.append(try assembly.edgeTable(label, relation)) }
      edgeTables.append(relations)
    }
    self.edgeTables = edgeTables
  }

  // MARK: - Vertices

  /// Number of vertices of a label.
  public func vertexCount(label: Int) -> Int { vertexTables[label].count }

  /// Returns the ids of a label's vertices, in vertex order.
  public func ids(label: Int) -> VertexIDs { vertexTables[label].ids }

  /// Returns the vertex with an id; the first one if several have it. Returns nil if there is none, or the graph's ids are of the
  /// other type.
  public func vertexNumber(label: Int, id: VertexID) -> VertexNumber? {
    let table = vertexTables[label]
    switch (id, table.ids) {
    case (.int64(let id), .int64(let ids)): return table.index.find(id, in: ids)
    case (.string(let id), .string(let ids)):
      var id = id
      return id.withUTF8 { table.index.find(UnsafeRawBufferPointer($0), in: ids) }
    case (.int64, .string), (.string, .int64): return nil
    }
  }

  /// Returns a property of a label's vertices, in vertex order.
  public func vertexColumn(label: Int, property: Int) -> Column { vertexTables[label].columns[property] }

  // MARK: - Edges

  /// Returns the number of edges of a label along a relation (a position in the label's `relations`).
  public func edgeCount(label: Int, relation: Int) -> Int { edgeTables[label][relation].count }

  /// Returns a property of a relation's edges, by edge ordinal.
  public func edgeColumn(label: Int, relation: Int, property: Int) -> Column {
    edgeTables[label][relation].columns[property]
  }

  /// Returns the edges of a relation by source; rows are the vertices of the source label. In an undirected graph, if both ends
  /// have the same label, every edge is in the rows of both its ends (a loop twice), and `incoming` returns the same.
  public func outgoing(label: Int, relation: Int) -> Adjacency { edgeTables[label][relation].outgoing }

  /// Returns the edges of a relation by destination; rows are the vertices of the destination label. See `outgoing`.
  public func incoming(label: Int, relation: Int) -> Adjacency { edgeTables[label][relation].incoming }

  /// Returns the two ends of a relation's edges, by edge ordinal, as they were loaded.
  public func endpoints(
    label: Int, relation: Int
  ) -> (source: UnsafeBufferPointer<VertexNumber>, destination: UnsafeBufferPointer<VertexNumber>) {
    let table = edgeTables[label][relation]
    return (
      UnsafeBufferPointer(rebasing: table.source.values(as: VertexNumber.self).prefix(table.count)),
      UnsafeBufferPointer(rebasing: table.destination.values(as: VertexNumber.self).prefix(table.count))
    )
  }
}

/// Makes columns and adjacencies from the files of a manifest.
private struct Assembly {
  let directory: String
  let manifest: Manifest
  let files: [String: MappedFile]

  /// Returns a file that has room for `count` values of `stride` bytes.
  func file(_ name: String, _ count: Int, _ stride: Int) throws(GraphStoreError) -> MappedFile {
    guard let file = files[name] else { throw .damaged(directory + "/" + name, "the manifest does not list it") }
    guard file.bytes.count >= count * stride else {
      throw .damaged(directory + "/" + name, "\(file.bytes.count) bytes, \(count) values of \(stride) bytes needed")
    }
    return file
  }

  func column(
    _ column: Manifest.Column, name: String, type: ColumnType, count: Int
  ) throws(GraphStoreError) -> Column {
    guard type.isVariable else {
      let data = try file(column.data, count, type.stride)
      return Column(name: name, type: type, count: count, data: data, firstMissing: column.firstMissing)
    }
    let data = try file(column.data, count == 0 ? 0 : count + 1, type.stride)
    let characters = try file(column.characters ?? "", 0, 1)
    return Column(
      name: name, type: type, count: count, data: data, characters: characters, firstMissing: column.firstMissing)
  }

  func vertexTable(_ label: Int) throws(GraphStoreError) -> PropertyGraph.VertexTable {
    let entry = manifest.vertexLabels[label]
    let isText = manifest.options.idType == .string
    let idColumn = try column(entry.ids, name: "", type: isText ? .string : .int64, count: entry.count)
    var columns: [Column] = []
    for (property, stored) in zip(manifest.schema.vertexLabels[label].properties, entry.properties) {
      columns.append(try column(stored, name: property.name, type: property.type, count: entry.count))
    }
    var table: MappedFile?
    if let name = entry.index.file {
      table = try file(name, entry.index.kind == .hash ? 1 : 0, 8)
    }
    let index = IDIndex(
      kind: entry.index.kind, first: entry.index.first, table: table, hash: WordHash(seed: manifest.seed))
    return .init(
      count: entry.count, ids: isText ? .string(idColumn.strings) : .int64(idColumn.values(as: Int64.self)),
      index: index, columns: columns)
  }

  func edgeTable(_ label: Int, _ relation: Int) throws(GraphStoreError) -> PropertyGraph.EdgeTable {
    let entry = manifest.edgeLabels[label][relation]
    let ends = manifest.schema.edgeLabels[label].relations[relation]
    var columns: [Column] = []
    for (property, stored) in zip(manifest.schema.edgeLabels[label].properties, entry.properties) {
      columns.append(try column(stored, name: property.name, type: property.type, count: entry.count))
    }
    let entries = entry.outgoing == entry.incoming ? 2 * entry.count : entry.count
    return .init(
      count: entry.count, source: try file(entry.source, entry.count, 4),
      destination: try file(entry.destination, entry.count, 4),
      outgoing: try adjacency(entry.outgoing, rows: manifest.vertexLabels[ends.source].count, entries: entries),
      incoming: try adjacency(entry.incoming, rows: manifest.vertexLabels[ends.destination].count, entries: entries),
      columns: columns)
  }

  func adjacency(
    _ stored: Manifest.Adjacency, rows: Int, entries: Int
  ) throws(GraphStoreError) -> Adjacency {
    let offsets = try file(stored.offsets, rows + 1, 8).values(as: UInt64.self).prefix(rows + 1)
    let neighbours = try file(stored.neighbours, entries, 4).values(as: VertexNumber.self).prefix(entries)
    let edges = try file(stored.edges, entries, 4).values(as: UInt32.self).prefix(entries)
    return Adjacency(
      offsets: UnsafeBufferPointer(rebasing: offsets), neighbours: UnsafeBufferPointer(rebasing: neighbours),
      edges: UnsafeBufferPointer(rebasing: edges))
  }
}
