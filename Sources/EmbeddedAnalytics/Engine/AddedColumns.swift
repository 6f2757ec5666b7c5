import AnalyticsKernels
import Engines
import GraphStore
import Wire
import Workers

/// Columns of a result, in the order of the vertices of a property graph, to which they are to be added.
struct AddedColumns {
  /// The columns; they refer to memory of `owners`.
  private(set) var columns: [GraphDerivation.NewColumn] = []
  private var owners: [AnyObject] = []
  private let view: PropertyView
  private let context: ResultContext
  private let bounds: ExportBounds

  /// Selects columns of a result. Its vertices are those of the graph with the same label and the same id.
  /// - Throws: `EngineError` of code `engineFailure` if the graph lacks the label, or the result lacks a vertex of the graph;
  ///   `invalidArgument` if a property of the same name exists; the errors of `ResultSelector`.
  init(
    _ wanted: [FrameColumn], of context: ResultContext, for view: PropertyView, _ bounds: ExportBounds
  ) throws {
    (self.view, self.context, self.bounds) = (view, context, bounds)
    var rows: [Int: Rows] = [:]
    for column in wanted {
      let selector = try ResultSelector(column.selector, of: context.result, on: context.graph)
      let values = try ExportSource.column(selector, column.selector, of: context, bounds)
      owners += values.owners
      let segments = context.graph.graph.segments.filter { selector.labelID == nil || selector.labelID == $0.labelID }
      guard context.result.shape == nil, !segments.isEmpty else {
        throw EngineError(.notApplicable, "a tensor has no vertices to which its values could be added")
      }
      for segment in segments {
        let rowsOfLabel = try rows[segment.labelID] ?? Rows(segment, in: view, bounds)
        rows[segment.labelID] = rowsOfLabel
        try requireNew(column.name, rowsOfLabel.label)
        let first = selector.labelID == nil ? segment.vertices.lowerBound : 0
        try add(column.name, values.values, selector.storedType(segment), first: first, rowsOfLabel)
      }
    }
  }

  private func requireNew(_ name: String, _ label: Int) throws(EngineError) {
    let isKnown = view.schema.vertexLabels[label].properties.index(named: name) != nil
    guard !isKnown, !name.isEmpty, !columns.contains(where: { $0.label == label && $0.name == name }) else {
      throw EngineError(
        .invalidArgument,
        "vertex label '\(view.schema.vertexLabels[label].name)' cannot get a property named '\(name)'",
        evidence: name.isEmpty ? "the name is empty" : "it has one already", hint: "Choose another name for the column")
    }
  }

  private mutating func add(
    _ name: String, _ values: ArchiveColumn, _ stored: ColumnType?, first: Int, _ rows: Rows
  ) throws {
    switch values {
    case .bool(let values):
      // Properties have no Boolean type: as in loaded tables, they are 0 or 1.
      try add(name, .int32, rows) { Int32(values[first + $0] ? 1 : 0) }
    case .int32(let values): try add(name, stored ?? .int32, rows) { values[first + $0] }
    case .uint32(let values): try add(name, .uint32, rows) { values[first + $0] }
    case .int64(let values): try add(name, stored ?? .int64, rows) { values[first + $0] }
    case .uint64(let values): try add(name, .uint64, rows) { values[first + $0] }
    case .float(let values): try add(name, .float, rows) { values[first + $0] }
    case .double(let values): try add(name, .double, rows) { values[first + $0] }
    case .strings(let texts):
      let strings = StringValues(offsets: texts.offsets, bytes: texts.bytes)
      let column = try ExportColumn.texts(count: rows.count, bounds) { body in
        for row in 0..<rows.count { try body(strings[first + rows[row]]) }
      }
      owners += column.owners
      guard case .strings(let gathered) = column.values else { return }
      columns.append(
        .init(
          label: rows.label, name: name,
          values: .strings(StringValues(offsets: gathered.offsets, bytes: gathered.bytes))))
    }
  }

  private mutating func add<T: BitwiseCopyable>(
    _ name: String, _ type: ColumnType, _ rows: Rows, _ value: (Int) -> T
  ) throws {
    let buffer = try Buffer<T>(count: rows.count, storage: bounds.storage)
    for row in 0..<rows.count { buffer.mutableValues[row] = value(rows[row]) }
    owners.append(buffer)
    columns.append(
      .init(label: rows.label, name: name, values: .fixed(type, UnsafeRawBufferPointer(buffer.unownedValues))))
  }

  /// The rows of a result, in the order of a label's vertices.
  private struct Rows {
    /// The label's id in the graph.
    let label: Int
    let count: Int
    /// nil if the result has the same order.
    private let places: [VertexNumber]?

    subscript(vertex: Int) -> Int { places.map { Int($0[vertex]) } ?? vertex }

    init(_ segment: SimpleGraph.Segment, in view: PropertyView, _ bounds: ExportBounds) throws {
      guard let label = view.schema.vertexLabel(named: segment.label) else {
        throw EngineError(
          .engineFailure, "the result is of vertices labelled '\(segment.label)', a label that the graph does not have",
          hint: "Add the column to the graph from which the result was computed")
      }
      let graph = view.stored.graph
      let ids = graph.ids(label: label)
      (self.label, count) = (label, ids.count)
      guard !ids.isSame(as: segment.ids) else {
        places = nil
        return
      }
      let memory = try bounds.storage.reserve(count * MemoryLayout<VertexNumber>.stride)
      defer { withExtendedLifetime(memory) {} }
      places = try (0..<count).map { vertex in
        if vertex % chunkWork == 0 { try bounds.cancellation.check() }
        let id = ids.id(vertex)
        if let place = segment.find(id) { return place }
        throw EngineError(
          .engineFailure, "the result has no value for vertex \(id.text) of label '\(segment.label)'",
          hint: "Add the column to the graph from which the result was computed")
      }
    }
  }
}

extension ResultSelector {
  /// The type of a stored column, where it says more than the exported values.
  fileprivate func storedType(_ segment: SimpleGraph.Segment) -> ColumnType? {
    let type: ColumnType? =
      switch self {
      case .data: segment.data?.type
      case .property(let column, _): column.type
      case .ids, .labelIDs, .values: nil
      }
    guard let type else { return nil }
    return type == .date32 || type == .timestampMilliseconds ? type : nil
  }
}

extension VertexIDs {
  /// Returns the id of a vertex.
  func id(_ vertex: Int) -> VertexID {
    switch self {
    case .int64(let values): .int64(values[vertex])
    case .string(let values): .string(String(decoding: values[vertex], as: UTF8.self))
    }
  }

  /// Returns whether these are the same values in memory.
  fileprivate func isSame(as other: VertexIDs) -> Bool {
    switch (self, other) {
    case (.int64(let a), .int64(let b)): a.baseAddress == b.baseAddress && a.count == b.count
    case (.string(let a), .string(let b)):
      a.offsets.baseAddress == b.offsets.baseAddress && a.bytes.baseAddress == b.bytes.baseAddress && a.count == b.count
    default: false
    }
  }
}
