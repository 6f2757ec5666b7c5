import AnalyticsKernels
import Engines
import GraphStore
import Wire
import Workers

/// The memory account and the cancellation flag of an export.
struct ExportBounds {
  let storage: any StorageAccount
  var cancellation = Cancellation()
}

/// The source of exported columns: a result or a property graph.
enum ExportSource {
  case result(ResultContext)
  case graph(PropertyView)

  /// Number of vertices from which an export runs on a thread of the pool.
  static let largeCount = 1 << 14

  /// The number of rows of the largest column, as a rough measure of the work.
  var vertexCount: Int {
    switch self {
    case .result(let context): context.graph.graph.vertexCount
    case .graph(let view):
      view.schema.vertexLabels.indices.reduce(0) { max($0, view.stored.graph.vertexCount(label: $1)) }
    }
  }

  /// Returns one selected column as an archive. Its reservation ends when the archive is returned.
  func array(_ selector: String, _ range: VertexRange?, _ bounds: ExportBounds) throws -> [UInt8] {
    let selected = try select([selector], bounds)
    return try withRows(range, of: selected, bounds) { rows in
      ResultArchive.array(selected.columns[0].values, shape: selected.shape, rows: rows)
    }
  }

  /// Returns the selected columns as an archive.
  func frame(_ columns: [FrameColumn], _ range: VertexRange?, _ bounds: ExportBounds) throws -> [UInt8] {
    guard !columns.isEmpty else { return ResultArchive.dataframe([]) }
    var selected = try select(columns.map(\.selector), bounds)
    if let shape = selected.shape, shape.count == 2, columns.count == 1 {
      // Clients know the columns of a matrix by their numbers, whatever the selector is called.
      selected.columns = try selected.columns[0].columns(shape[1], bounds)
      selected.shape = [shape[0]]
      let named = selected.columns.enumerated().map { (name: "Col \($0)", values: $1.values) }
      return try withRows(range, of: selected, bounds) { ResultArchive.dataframe(named, rows: $0) }
    }
    guard selected.shape?.count ?? 1 == 1 else {
      throw EngineError(
        .notApplicable, "a result with \(selected.shape?.count ?? 0) dimensions cannot be returned as a data frame",
        hint: "Use to_numpy()")
    }
    let named = zip(columns, selected.columns).map { (name: $0.name, values: $1.values) }
    return try withRows(range, of: selected, bounds) { ResultArchive.dataframe(named, rows: $0) }
  }

  /// Columns with the same number of rows.
  struct Selection {
    var columns: [ExportColumn]
    /// The ids of the vertices of the rows; empty for a tensor.
    var ids: [VertexIDs]
    /// The dimensions of a tensor.
    var shape: [Int]?
  }

  /// Writes the selected rows to an archive, whose memory is reserved.
  private func withRows(
    _ range: VertexRange?, of selected: Selection, _ bounds: ExportBounds,
    _ write: (UnsafeBufferPointer<UInt32>?) -> [UInt8]
  ) throws -> [UInt8] {
    guard range == nil || selected.shape == nil else {
      throw EngineError(.notApplicable, "a vertex range does not apply to this result, which is not per vertex")
    }
    let candidates = selected.ids.reduce(0) { $0 + $1.count }
    let choice = try bounds.storage.reserve(range == nil ? 0 : 4 * candidates)
    let rows = try range?.rows(of: selected.ids, bounds)
    return try withExtendedLifetime((self, selected.columns, choice)) {
      guard let rows else {
        let archive = try bounds.storage.reserve(selected.columns.reduce(0) { $0 + $1.archiveBytes(nil) })
        return withExtendedLifetime(archive) { write(nil) }
      }
      // The pointer of an empty array may be nil, but a buffer without rows must not be.
      return try rows.withUnsafeBufferPointer { rows in
        let archive = try bounds.storage.reserve(selected.columns.reduce(0) { $0 + $1.archiveBytes(rows) })
        return withExtendedLifetime(archive) { write(rows) }
      }
    }
  }

  /// Returns the columns of some selectors, with the ids of the rows.
  func select(_ selectors: [String], _ bounds: ExportBounds) throws -> Selection {
    switch self {
    case .result(let context): return try Self.select(selectors, of: context, bounds)
    case .graph(let view):
      let parsed = try selectors.map { selector throws(EngineError) in try GraphSelector(selector, view.schema) }
      guard let label = parsed.first?.label, parsed.allSatisfy({ $0.label == label }) else {
        throw Self.severalLabels(selectors)
      }
      let graph = view.stored.graph
      let ids = graph.ids(label: label)
      let columns = try parsed.map { selector in
        guard let property = selector.property else {
          return try ExportColumn.ids([ids], type: graph.options.idType, owner: graph, bounds)
        }
        return try ExportColumn(graph.vertexColumn(label: label, property: property))
      }
      return Selection(columns: columns, ids: [ids])
    }
  }

  private static func severalLabels(_ selectors: [String]) -> EngineError {
    EngineError(
      .invalidArgument, "the columns of a data frame must belong to one label",
      evidence: selectors.joined(separator: ", "))
  }

  private static func select(
    _ texts: [String], of context: ResultContext, _ bounds: ExportBounds
  ) throws -> Selection {
    let segments = context.graph.graph.segments
    let selectors = try texts.map { text throws(EngineError) in
      try ResultSelector(text, of: context.result, on: context.graph)
    }
    let labels = Set(selectors.map(\.labelID))
    guard labels.count == 1, let label = labels.first else { throw severalLabels(texts) }
    let columns = try zip(selectors, texts).map { try column($0, $1, of: context, bounds) }
    let ids = label.map { label in segments.filter { $0.labelID == label } } ?? segments
    return Selection(
      columns: columns, ids: context.result.shape == nil ? ids.map(\.ids) : [], shape: context.result.shape)
  }

  /// Returns a selected column of a result; `text` is the selector as the client wrote it.
  static func column(
    _ selector: ResultSelector, _ text: String, of context: ResultContext, _ bounds: ExportBounds
  ) throws -> ExportColumn {
    let graph = context.graph.graph
    switch selector {
    case .ids(let segment):
      return try .ids(
        (segment.map { [$0] } ?? graph.segments).map(\.ids), type: context.graph.description.options.idType,
        owner: graph, bounds)
    case .data(let segment):
      let segments = segment.map { [$0] } ?? graph.segments
      let columns = segments.compactMap(\.data)
      guard columns.count == segments.count else {
        throw EngineError(
          .notApplicable, "the graph of this result has no vertex data", evidence: text,
          hint: "Project the graph with the vertex property, or select v.id or r")
      }
      return try ExportColumn(columns, bounds)
    case .property(let column, _): return try ExportColumn(column)
    case .labelIDs:
      let buffer = try Buffer<Int32>(count: graph.vertexCount, storage: bounds.storage)
      for segment in graph.segments {
        UnsafeMutableBufferPointer(rebasing: buffer.mutableValues[segment.vertices])
          .update(repeating: Int32(segment.labelID))
      }
      return ExportColumn(.int32(buffer.unownedValues), owners: [buffer])
    case .values(let column):
      return try .values(column.values, of: graph, bounds)
    }
  }
}

extension ResultSelector {
  /// The id of the label whose vertices the rows are; nil for all vertices, and for rows without vertices.
  var labelID: Int? {
    switch self {
    case .ids(let segment), .data(let segment): segment?.labelID
    case .property(_, let segment): segment.labelID
    case .labelIDs: nil
    case .values(let column): column.labelID
    }
  }
}

extension GraphDescription {
  /// Whether several labels appear as one.
  var isFlattened: Bool { if case .flattened = kind { true } else { false } }
}
