import AnalyticsKernels
import Engines
import GraphStore

/// The result of an algorithm, in one of the shapes that clients know.
public enum AlgorithmResult: Sendable {
  /// One value per vertex.
  case vertexData(ResultValues)
  /// Named columns with one value per vertex.
  case vertexProperties([ResultColumn])
  /// For each of some labels, one value per vertex of the label.
  case labeledVertexData([ResultColumn])
  /// For each of some labels, named columns with one value per vertex of the label.
  case labeledVertexProperties([ResultColumn])
  /// Values that do not belong to vertices, in row-major order of their dimensions.
  case tensor(ResultValues, shape: [Int])
  /// One value per vertex of a mutable graph.
  case dynamicVertexData(ResultValues)
  /// For each vertex, the lengths of shortest paths to others, computed on request.
  case pathLengths
}

/// A column of a result.
public struct ResultColumn: Sendable {
  /// The name; empty if there is one value per vertex.
  public let name: String
  /// The id of the label whose vertices the values belong to; nil for all vertices.
  public let labelID: Int?
  /// The values, in the order of vertices.
  public let values: ResultValues

  /// Creates a column.
  public init(_ values: ResultValues, name: String = "", labelID: Int? = nil) {
    (self.name, self.labelID, self.values) = (name, labelID, values)
  }
}

/// Values of one type.
public enum ResultValues: Sendable {
  case bool(Buffer<Bool>)
  case int32(Buffer<Int32>)
  case int64(Buffer<Int64>)
  case uint64(Buffer<UInt64>)
  case double(Buffer<Double>)
  /// Vertices that represent their original ids, if these are text.
  case vertexIDs(Buffer<VertexNumber>)

  /// The number of values.
  public var count: Int {
    switch self {
    case .bool(let buffer): buffer.values.count
    case .int32(let buffer): buffer.values.count
    case .int64(let buffer): buffer.values.count
    case .uint64(let buffer): buffer.values.count
    case .double(let buffer): buffer.values.count
    case .vertexIDs(let buffer): buffer.values.count
    }
  }

  /// Calls `body` with the values as stored in memory.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  /// The values as stored in memory; valid as long as `self` is retained.
  var bytes: UnsafeRawBufferPointer {
    switch self {
    case .bool(let buffer): UnsafeRawBufferPointer(buffer.unownedValues)
    case .int32(let buffer): UnsafeRawBufferPointer(buffer.unownedValues)
    case .int64(let buffer): UnsafeRawBufferPointer(buffer.unownedValues)
    case .uint64(let buffer): UnsafeRawBufferPointer(buffer.unownedValues)
    case .double(let buffer): UnsafeRawBufferPointer(buffer.unownedValues)
    case .vertexIDs(let buffer): UnsafeRawBufferPointer(buffer.unownedValues)
    }
  }
}

extension AlgorithmResult {
  /// The shape, as named by clients.
  public var kind: ContextDescription.Kind {
    switch self {
    case .vertexData: .vertexData
    case .vertexProperties: .vertexProperty
    case .labeledVertexData: .labeledVertexData
    case .labeledVertexProperties: .labeledVertexProperty
    case .tensor: .tensor
    case .dynamicVertexData, .pathLengths: .dynamicVertexData
    }
  }

  /// All values, column by column.
  public var columns: [ResultColumn] {
    switch self {
    case .vertexData(let values), .dynamicVertexData(let values), .tensor(let values, _): [ResultColumn(values)]
    case .vertexProperties(let columns), .labeledVertexData(let columns), .labeledVertexProperties(let columns): columns
    case .pathLengths: []
    }
  }

  /// The dimensions of a tensor; nil for other results.
  var shape: [Int]? { if case .tensor(_, let shape) = self { shape } else { nil } }

  /// Creates the result of a kind with these columns; nil if they do not match.
  init?(_ kind: ContextDescription.Kind, _ columns: [ResultColumn], shape: [Int]?) {
    switch (kind, columns.first?.values) {
    case (.vertexData, let values?): self = .vertexData(values)
    case (.dynamicVertexData, let values?): self = .dynamicVertexData(values)
    case (.dynamicVertexData, nil): self = .pathLengths
    case (.tensor, let values?):
      guard let shape else { return nil }
      self = .tensor(values, shape: shape)
    case (.vertexProperty, _): self = .vertexProperties(columns)
    case (.labeledVertexData, _): self = .labeledVertexData(columns)
    case (.labeledVertexProperty, _): self = .labeledVertexProperties(columns)
    case (_, nil): return nil
    }
  }

  /// The description of the columns that is sent to the client (contract "client-behaviour", 9.2).
  var schema: String {
    switch self {
    case .vertexData, .labeledVertexData, .tensor, .dynamicVertexData, .pathLengths: return ""
    case .vertexProperties(let columns): return Self.names(columns[...])
    case .labeledVertexProperties(let columns):
      return columns.chunked.map { "\($0.first?.labelID ?? 0):\(Self.names($0))\n" }.joined()
    }
  }

  private static func names(_ columns: ArraySlice<ResultColumn>) -> String { columns.map { $0.name + "," }.joined() }

  /// Returns whether every column has one value per vertex, and all vertices in values exist.
  func fits(_ graph: SimpleGraph) -> Bool {
    hasSize(of: graph) && namesVertices(of: graph)
  }

  /// Returns whether every column has one value per vertex.
  func hasSize(of graph: SimpleGraph) -> Bool {
    if case .tensor(let values, let shape) = self {
      var count = 1
      for dimension in shape {
        let (product, isTooLarge) = count.multipliedReportingOverflow(by: dimension)
        guard dimension >= 0, !isTooLarge else { return false }
        count = product
      }
      return values.count == count
    }
    return columns.allSatisfy { column in
      guard let label = column.labelID else { return column.values.count == graph.vertexCount }
      return graph.segments.first { $0.labelID == label }?.vertices.count == column.values.count
    }
  }

  /// Returns whether all values that represent vertices are vertex numbers of the graph.
  func namesVertices(of graph: SimpleGraph) -> Bool {
    columns.allSatisfy { column in
      guard case .vertexIDs(let vertices) = column.values else { return true }
      return vertices.values.allSatisfy { $0 < graph.vertexCount }
    }
  }
}

extension [ResultColumn] {
  /// Groups consecutive columns of the same label.
  fileprivate var chunked: [ArraySlice<ResultColumn>] {
    var runs: [ArraySlice<ResultColumn>] = []
    var start = 0
    for place in indices where place + 1 == count || self[place + 1].labelID != self[place].labelID {
      runs.append(self[start...place])
      start = place + 1
    }
    return runs
  }
}
