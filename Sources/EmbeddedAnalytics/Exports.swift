import Engines
import GraphStore
import Wire

/// What the memory of an export counts for, and whether it must stop.
struct ExportBounds {
  let storage: any StorageAccount
  var cancellation = Cancellation()
}

/// What a client reads columns from: a result, or a property graph.
enum ExportSource {
  case result(ResultContext)
  case graph(PropertyView)

  /// Vertices from which on an export is work for a thread of the pool.
  static let largeCount = 1 << 14

  /// Number of rows of the largest column, roughly the amount of work.
  var vertexCount: Int {
    switch self {
    case .result(let context): context.graph.graph.vertexCount
    case .graph(let view):
      view.schema.vertexLabels.indices.reduce(0) { max($0, view.stored.graph.vertexCount(label: $1)) }
    }
  }

  /// One selected column as an archive. What it takes is given back when the archive is handed over.
  func array(_ selector: String, _ range: VertexRange?, _ bounds: ExportBounds) throws -> [UInt8] {
    let selected = try select([selector], bounds)
    return try withRows(range, of: selected, bounds) { ResultArchive.array(selected.columns[0].values, rows: $0) }
  }

  /// Selected columns as an archive.
  func frame(_ columns: [FrameColumn], _ range: VertexRange?, _ bounds: ExportBounds) throws -> [UInt8] {
    guard !columns.isEmpty else { return ResultArchive.dataframe([]) }
    let selected = try select(columns.map(\.selector), bounds)
    let named = zip(columns, selected.columns).map { (name: $0.name, values: $1.values) }
    return try withRows(range, of: selected, bounds) { ResultArchive.dataframe(named, rows: $0) }
  }

  /// Writes the chosen rows, in memory that was taken for the archive.
  private func withRows(
    _ range: VertexRange?, of selected: (columns: [ExportColumn], ids: [VertexIDs]), _ bounds: ExportBounds,
    _ write: (UnsafeBufferPointer<UInt32>?) -> [UInt8]
  ) throws -> [UInt8] {
    let candidates = selected.ids.reduce(0) { $0 + $1.count }
    let choice = try bounds.storage.reserve(range == nil ? 0 : 4 * candidates)
    let rows = try range?.rows(of: selected.ids, bounds)
    return try withExtendedLifetime((self, selected.columns, choice)) {
      guard let rows else {
        let archive = try bounds.storage.reserve(selected.columns.reduce(0) { $0 + $1.archiveBytes(nil) })
        return withExtendedLifetime(archive) { write(nil) }
      }
      // An empty array's pointer may be nil; the buffer of no rows must still be one.
      return try rows.withUnsafeBufferPointer { rows in
        let archive = try bounds.storage.reserve(selected.columns.reduce(0) { $0 + $1.archiveBytes(rows) })
        return withExtendedLifetime(archive) { write(rows) }
      }
    }
  }

  /// The columns of some selectors, and the ids of the rows.
  private func select(
    _ selectors: [String], _ bounds: ExportBounds
  ) throws -> (columns: [ExportColumn], ids: [VertexIDs]) {
    switch self {
    case .result(let context):
      let columns = try selectors.map { try Self.column($0, of: context, bounds) }
      return (columns, context.graph.graph.segments.map(\.ids))
    case .graph(let view):
      let parsed = try selectors.map { selector throws(EngineError) in try GraphSelector(selector, view.schema) }
      guard let label = parsed.first?.label, parsed.allSatisfy({ $0.label == label }) else {
        throw EngineError(
          .invalidArgument, "the columns of a data frame must be of one label",
          evidence: selectors.joined(separator: ", "))
      }
      let graph = view.stored.graph
      let ids = graph.ids(label: label)
      let columns = try parsed.map { selector in
        guard let property = selector.property else {
          return try ExportColumn.ids([ids], type: graph.options.idType, owner: graph, bounds)
        }
        return ExportColumn(graph.vertexColumn(label: label, property: property))
      }
      return (columns, [ids])
    }
  }

  private static func column(
    _ selector: String, of context: ResultContext, _ bounds: ExportBounds
  ) throws -> ExportColumn {
    let graph = context.graph.graph
    switch try ResultSelector(selector, isFlattened: context.graph.description.isFlattened) {
    case .id:
      return try .ids(
        graph.segments.map(\.ids), type: context.graph.description.options.idType, owner: graph, bounds)
    case .data:
      let columns = graph.segments.compactMap(\.data)
      guard columns.count == graph.segments.count else {
        throw EngineError(
          .notApplicable, "the graph of this result has no vertex data", evidence: selector,
          hint: "Project the graph with the vertex property that is wanted, or select v.id or r")
      }
      return try ExportColumn(columns, bounds)
    case .labelID:
      let buffer = try Buffer<Int32>(count: graph.vertexCount, storage: bounds.storage)
      for segment in graph.segments {
        UnsafeMutableBufferPointer(rebasing: buffer.mutableValues[segment.vertices])
          .update(repeating: Int32(segment.labelID))
      }
      return ExportColumn(.int32(buffer.values), owners: [buffer])
    case .value:
      return try .values(context.values, of: graph, bounds)
    }
  }
}

extension GraphDescription {
  /// Whether it shows several labels as one.
  var isFlattened: Bool { if case .flattened = kind { true } else { false } }
}
