import GraphStore
import Vocabulary

/// Details of the layout that a client requests and gets back unchanged. Embedded engines have a single layout.
public struct GraphLayout: Sendable, Equatable, Codable {
  /// Whether vertex numbers have 64 bits in the client's interface.
  public var hasWideVertexNumbers: Bool
  /// Whether edges should be stored compactly.
  public var compactEdges: Bool
  /// Whether ids should be indexed by a perfect hash.
  public var usePerfectHash: Bool

  /// Creates a layout.
  public init(hasWideVertexNumbers: Bool = true, compactEdges: Bool = false, usePerfectHash: Bool = false) {
    self.hasWideVertexNumbers = hasWideVertexNumbers
    self.compactEdges = compactEdges
    self.usePerfectHash = usePerfectHash
  }
}

/// What adding tables to a graph does with existing labels.
public enum GraphExtension: Sendable, Equatable {
  /// All labels must be new.
  case newLabels
  /// Rows are added to an existing vertex label.
  case extendVertexLabel
  /// Edges are added to an existing edge label.
  case extendEdgeLabel
}

/// An argument of an algorithm. Arguments have no names; their order is the algorithm's own.
public enum QueryValue: Sendable, Equatable {
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case bytes([UInt8])

  /// Creates the value, dropping the width of the argument's type. An unsigned integer above `Int64.max` becomes a double.
  public init(_ argument: QueryArgument) {
    self =
      switch argument {
      case .bool(let value): .bool(value)
      case .int64(let value): .integer(value)
      case .int32(let value): .integer(Int64(value))
      case .uint32(let value): .integer(Int64(value))
      case .uint64(let value): Int64(exactly: value).map { .integer($0) } ?? .double(Double(value))
      case .double(let value): .double(value)
      case .float(let value): .double(Double(value))
      case .string(let value): .string(value)
      case .bytes(let value): .bytes(value)
      }
  }
}

/// A half-open range of vertex ids with bounds as the client wrote them, compared by value in the graph's type of ids.
public struct VertexRange: Sendable, Equatable {
  /// The first included id; nil for no bound.
  public var begin: RangeBound?
  /// The first id after the range; nil for no bound.
  public var end: RangeBound?

  /// Creates a range; a nil bound is open.
  public init(begin: RangeBound?, end: RangeBound?) {
    self.begin = begin
    self.end = end
  }
}

/// A bound of a vertex range, as written in the client's JSON.
public enum RangeBound: Sendable, Equatable {
  case integer(Int64)
  case string(String)
}

/// A column of a data frame: its name and the source of its values.
public struct FrameColumn: Sendable, Equatable {
  /// The name that the client gives the column.
  public var name: String
  /// The selector, for example `v.id` or `r`.
  public var selector: String

  /// Creates a column.
  public init(name: String, selector: String) {
    self.name = name
    self.selector = selector
  }
}
