/// Estimates what building a graph from tables will take. Tables are described as they would be given to `GraphBuilder`; the
/// steps of `conclude` mirror those of `GraphBuilder.seal`, with sizes in place of data.
public struct LoadEstimation {
  /// The estimate.
  public struct Outcome: Sendable, Equatable {
    /// Bytes of the files that the graph adds, without those of the graph that it extends.
    public var residentBytes: Int
    /// Bytes of files and memory at the peak of the load, also without those of the graph that it extends.
    public var peakBytes: Int
    /// A summary of the tables, as text.
    public var basis: String
  }

  private struct Vertices {
    var label: String
    var table: TableSketch
    var id: Int
  }

  private struct Edges {
    var label: String
    var ends: [(label: String, column: Int)]
    var table: TableSketch
  }

  /// The vertices of a label, as they will be in the graph.
  private struct Counted {
    var count: Double
    var hasGrown: Bool
  }

  private let base: Manifest?
  private let options: GraphOptions
  private let threads: Int
  private var vertices: [Vertices] = []
  private var edges: [Edges] = []
  private var ledger = LoadLedger()

  /// Begins an estimate for a load that extends `base` on `threads` threads.
  public init(extending base: PropertyGraph?, options: GraphOptions, threads: Int) {
    self.base = base?.manifest
    self.options = options
    self.threads = threads
  }

  private var idType: ColumnType { VertexTables.storedType(of: options) }

  // MARK: Tables

  /// Adds a table of vertices. Ignores a table without the column `id`: loading reports that error.
  public mutating func addVertices(label: String, table: TableSketch, id: ColumnReference) {
    read(table)
    guard let id = table.position(of: id) else { return }
    vertices.append(Vertices(label: label, table: table, id: id))
  }

  /// Adds a table of edges. Ignores a table without the id columns: loading reports that error.
  public mutating func addEdges(
    label: String, sourceLabel: String, destinationLabel: String, table: TableSketch, source: ColumnReference,
    destination: ColumnReference
  ) {
    read(table)
    guard let source = table.position(of: source), let destination = table.position(of: destination) else { return }
    for end in [source, destination] { convert(table.columns[end], of: table, to: idType) }
    edges.append(
      Edges(label: label, ends: [(sourceLabel, source), (destinationLabel, destination)], table: table))
  }

  /// Counts reading a table, whose columns end as files and take some memory on the way.
  private mutating func read(_ table: TableSketch) {
    for column in table.columns { ledger.take(size(column, of: table)) }
    ledger.borrow(table.readingBytes(threads))
  }

  private func size(_ column: TableSketch.Column, of table: TableSketch, as type: ColumnType? = nil) -> Double {
    LoadFormulas.column(type ?? column.type, rows: table.rowCount, textBytes: column.textBytes)
  }

  /// Counts the conversion of a column to another type, which is a temporary file beside the original one (`ColumnConversion`).
  private mutating func convert(_ column: TableSketch.Column, of table: TableSketch, to type: ColumnType) {
    if column.type != type { ledger.take(size(column, of: table, as: type)) }
  }

  // MARK: The graph

  /// Returns the estimate for all tables that were added.
  public mutating func conclude() -> Outcome {
    let labels = countVertices()
    storeEdges(labels)
    let rows = (vertices.map(\.table) + edges.map(\.table))
    let bytes = rows.reduce(0) { $0 + $1.byteCount }
    let vertexCount = labels.values.reduce(0) { $0 + $1.count }
    let edgeCount = edges.reduce(0) { $0 + $1.table.rowCount }
    return Outcome(
      residentBytes: Self.whole(ledger.kept), peakBytes: Self.whole(ledger.peak),
      basis: "\(rows.count) tables of \(bytes) bytes; about \(Self.whole(vertexCount)) vertices and "
        + "\(Self.whole(edgeCount)) new edges, with \(rows.reduce(0) { $0 + $1.columns.count }) columns")
  }

  private static func whole(_ bytes: Double) -> Int { Int(min(max(0, bytes), 1e18)) }

  private mutating func countVertices() -> [String: Counted] {
    var labels: [String: Counted] = [:]
    for (schema, stored) in zip(base?.schema.vertexLabels ?? [], base?.vertexLabels ?? []) {
      labels[schema.name] = Counted(count: Double(stored.count), hasGrown: false)
    }
    for name in Set(vertices.map(\.label)) { labels[name] = store(vertices.filter { $0.label == name }) }
    for name in Set(edges.flatMap { $0.ends.map(\.label) }) where labels[name] == nil { labels[name] = deduce(name) }
    return labels
  }

  /// Counts the vertices of given tables (`VertexTables.build`).
  private mutating func store(_ inputs: [Vertices]) -> Counted {
    let old = base.flatMap { OldLabel(vertexLabel: inputs[0].label, of: $0) }
    let isSingle = inputs.count == 1 && old == nil
    var count = old?.count ?? 0
    for input in inputs {
      let (table, id) = (input.table, input.table.columns[input.id])
      count += table.rowCount
      convert(id, of: table, to: idType)
      ledger.keep(size(id, of: table, as: idType), asItIs: isSingle)
      for (place, column) in table.columns.enumerated() where place != input.id {
        ledger.keep(size(column, of: table), asItIs: isSingle)
      }
    }
    if let old { ledger.keep(old.columnBytes, asItIs: false) }
    let samples = inputs.compactMap { $0.table.columns[$0.id].ids }
    let range = isSingle ? samples.first?.range : IDSample.range(of: samples)
    finish(count, range: range, countsUp: isSingle && samples.first?.countsUp ?? false)
    return Counted(count: count, hasGrown: true)
  }

  /// Counts the vertices that only edges name (`DistinctIDs`).
  private mutating func deduce(_ name: String) -> Counted {
    let columns = edges.flatMap { edge in
      edge.ends.filter { $0.label == name }.map { edge.table.columns[$0.column] }
    }
    let samples = columns.compactMap(\.ids)
    let count = IDSample.distinctCount(of: samples)
    let total = samples.reduce(0) { $0 + $1.rowCount }
    let range = idType == .string ? nil : IDSample.range(of: samples)
    let meanText = columns.reduce(0) { $0 + $1.textBytes } / max(1, total)
    let ids = LoadFormulas.column(idType, rows: count, textBytes: count * meanText)
    ledger.take(ids)
    ledger.borrow(LoadFormulas.collecting(distinct: count, total: total, range: range))
    ledger.keep(ids, asItIs: true)
    finish(count, range: range, countsUp: false)
    return Counted(count: count, hasGrown: true)
  }

  /// Counts what vertices need beside their columns: the property of narrow ids, and the index.
  private mutating func finish(_ count: Double, range: Double?, countsUp: Bool) {
    if options.retainsIDs, options.idType == .int32 { ledger.keep(4 * count, asItIs: false) }
    let range = idType == .string ? nil : range
    ledger.keep(LoadFormulas.index(vertices: count, range: range, countsUp: countsUp), asItIs: false)
  }

  private mutating func storeEdges(_ labels: [String: Counted]) {
    func vertices(_ name: String) -> Double { labels[name]?.count ?? 0 }
    // Relations with new edges, in order of appearance (`EdgeTables.build`).
    var relations: [[String]] = []
    for edge in edges {
      let relation = [edge.label] + edge.ends.map(\.label)
      if !relations.contains(relation) { relations.append(relation) }
    }
    for relation in relations {
      let inputs = edges.filter { [$0.label] + $0.ends.map(\.label) == relation }
      let old = base.flatMap { OldLabel(edges: relation, of: $0) }
      let isSingle = inputs.count == 1 && old == nil
      let new = inputs.reduce(0) { $0 + $1.table.rowCount }
      let count = new + (old?.count ?? 0)
      let (source, destination) = (vertices(relation[1]), vertices(relation[2]))
      ledger.keep(LoadFormulas.endpoints(edges: count), asItIs: false)
      if !options.isDirected, relation[1] == relation[2] {
        ledger.keep(LoadFormulas.rows(vertices: source, entries: 2 * count), asItIs: false)
        ledger.borrow(LoadFormulas.buildingRows(entries: 2 * count))
      } else {
        ledger.keep(LoadFormulas.rows(vertices: source, entries: count), asItIs: false)
        ledger.keep(LoadFormulas.rows(vertices: destination, entries: count), asItIs: false)
        ledger.borrow(LoadFormulas.buildingRows(entries: count))
      }
      if options.generatesEdgeIDs {
        ledger.take(LoadFormulas.edgeIDs(edges: new))
        ledger.keep(LoadFormulas.edgeIDs(edges: new), asItIs: isSingle)
      }
      for input in inputs {
        for (place, column) in input.table.columns.enumerated()
        where !input.ends.contains(where: { $0.column == place }) {
          ledger.keep(size(column, of: input.table), asItIs: isSingle)
        }
      }
      if let old { ledger.keep(old.columnBytes, asItIs: false) }
    }
    shareEdges(labels, except: relations)
  }

  /// Counts relations without new edges, which have new offsets if their vertex labels have grown (`EdgeTables.share`).
  private mutating func shareEdges(_ labels: [String: Counted], except changed: [[String]]) {
    guard let schema = base?.schema else { return }
    for edge in schema.edgeLabels {
      for ends in edge.relations {
        let names = [schema.vertexLabels[ends.source].name, schema.vertexLabels[ends.destination].name]
        guard !changed.contains([edge.name] + names) else { continue }
        let isSymmetric = !options.isDirected && ends.source == ends.destination
        for name in isSymmetric ? [names[0]] : names {
          guard let label = labels[name], label.hasGrown else { continue }
          ledger.keep(LoadFormulas.offsets(vertices: label.count), asItIs: false)
        }
      }
    }
  }
}

/// Tracks what a load takes. Files of tables and temporary files remain until the end.
private struct LoadLedger {
  /// The number of bytes in use, and its maximum so far.
  private var level = 0.0
  private(set) var peak = 0.0
  /// The number of bytes that belong to the graph.
  private(set) var kept = 0.0

  /// Counts the bytes of a new file.
  mutating func take(_ bytes: Double) {
    level += bytes
    peak = max(peak, level)
  }

  /// Counts memory that is released again.
  mutating func borrow(_ bytes: Double) { peak = max(peak, level + bytes) }

  /// Counts bytes that become part of the graph: in their present file if `asItIs`, otherwise in a new one.
  mutating func keep(_ bytes: Double, asItIs: Bool) {
    kept += bytes
    if !asItIs { take(bytes) }
  }
}

/// The parts of a stored graph that are copied when a label gets more rows.
private struct OldLabel {
  var count: Double
  var columnBytes: Double

  init?(vertexLabel name: String, of base: Manifest) {
    guard let label = base.schema.vertexLabel(named: name) else { return nil }
    let stored = base.vertexLabels[label]
    let isNarrow = base.options.idType == .int32
    self.init(stored.count, ([stored.ids] + stored.properties).map { ($0.data, $0.characters) }, base)
    // The narrow property of ids is rebuilt and counted there.
    if isNarrow, base.options.retainsIDs { columnBytes -= 4 * count }
  }

  init?(edges relation: [String], of base: Manifest) {
    guard let label = base.schema.edgeLabel(named: relation[0]) else { return nil }
    let place = base.schema.edgeLabels[label].relations.firstIndex {
      [base.schema.vertexLabels[$0.source].name, base.schema.vertexLabels[$0.destination].name] == relation[1...]
    }
    guard let place else { return nil }
    let stored = base.edgeLabels[label][place]
    self.init(stored.count, stored.properties.map { ($0.data, $0.characters) }, base)
  }

  /// Counts a file that several columns share once.
  private init(_ count: Int, _ columns: [(data: String, characters: String?)], _ base: Manifest) {
    self.count = Double(count)
    let names = Set(columns.flatMap { [$0.data, $0.characters].compactMap(\.self) })
    columnBytes = names.reduce(0) { $0 + Double(base.files[$1]?.size ?? 0) }
  }
}
