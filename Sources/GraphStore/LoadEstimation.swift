/// Foretells what building a graph of some tables will take. Tables are described as they would be given to
/// `GraphBuilder`; the steps of `conclude` are those of its `seal`, with sizes in the place of work.
public struct LoadEstimation {
  /// What was found out.
  public struct Outcome: Sendable, Equatable {
    /// Bytes of the files that the graph adds; those of the graph that it extends are not among them.
    public var residentBytes: Int
    /// Bytes of files and memory at the worst moment, again without those of the graph that it extends.
    public var peakBytes: Int
    /// What was told of the tables, in words.
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

  /// The vertices of a label as they will be.
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

  /// Begins with all of `base`; work will be done by as many threads.
  public init(extending base: PropertyGraph?, options: GraphOptions, threads: Int) {
    self.base = base?.manifest
    self.options = options
    self.threads = threads
  }

  private var idType: ColumnType { VertexTables.storedType(of: options) }

  // MARK: Tables

  /// Adds a table of vertices. A column that does not exist leaves it out: loading will tell.
  public mutating func addVertices(label: String, table: TableSketch, id: ColumnReference) {
    read(table)
    guard let id = table.position(of: id) else { return }
    vertices.append(Vertices(label: label, table: table, id: id))
  }

  /// Adds a table of edges, as `addVertices` does one of vertices.
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

  /// A table's columns are files in the end, and some memory on the way.
  private mutating func read(_ table: TableSketch) {
    for column in table.columns { ledger.take(size(column, of: table)) }
    ledger.borrow(table.readingBytes(threads))
  }

  private func size(_ column: TableSketch.Column, of table: TableSketch, as type: ColumnType? = nil) -> Double {
    LoadFormulas.column(type ?? column.type, rows: table.rowCount, textBytes: column.textBytes)
  }

  /// A column of another type is a temporary file beside the first one (`ColumnConversion`).
  private mutating func convert(_ column: TableSketch.Column, of table: TableSketch, to type: ColumnType) {
    if column.type != type { ledger.take(size(column, of: table, as: type)) }
  }

  // MARK: The graph

  /// What all of it takes.
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

  /// The vertices of given tables (`VertexTables.build`).
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

  /// The vertices that only edges name (`DistinctIDs`).
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

  /// What stands beside the columns of vertices: the property of narrow ids, and the index.
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

  /// Relations without new edges have new offsets where their vertices have become more (`EdgeTables.share`).
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

/// What is taken while a graph is loaded. Files of tables and temporary ones stay to the end.
private struct LoadLedger {
  /// Bytes that are taken now, and the most that ever were.
  private var level = 0.0
  private(set) var peak = 0.0
  /// Bytes that belong to the graph.
  private(set) var kept = 0.0

  /// Takes a file.
  mutating func take(_ bytes: Double) {
    level += bytes
    peak = max(peak, level)
  }

  /// Takes memory and gives it back.
  mutating func borrow(_ bytes: Double) { peak = max(peak, level + bytes) }

  /// Keeps bytes in the graph: as the file that they are in already, or in a new one.
  mutating func keep(_ bytes: Double, asItIs: Bool) {
    kept += bytes
    if !asItIs { take(bytes) }
  }
}

/// What of a stored graph is copied when a label gets more rows.
private struct OldLabel {
  var count: Double
  var columnBytes: Double

  init?(vertexLabel name: String, of base: Manifest) {
    guard let label = base.schema.vertexLabel(named: name) else { return nil }
    let stored = base.vertexLabels[label]
    let isNarrow = base.options.idType == .int32
    self.init(stored.count, ([stored.ids] + stored.properties).map { ($0.data, $0.characters) }, base)
    // The narrow property of ids is made anew and counted there.
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

  /// Files that stand for several columns count once.
  private init(_ count: Int, _ columns: [(data: String, characters: String?)], _ base: Manifest) {
    self.count = Double(count)
    let names = Set(columns.flatMap { [$0.data, $0.characters].compactMap(\.self) })
    columnBytes = names.reduce(0) { $0 + Double(base.files[$1]?.size ?? 0) }
  }
}
