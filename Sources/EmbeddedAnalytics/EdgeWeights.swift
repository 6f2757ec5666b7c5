import Engines
import GraphStore
import Synchronization

/// The lengths of edges, one per entry of a graph's outgoing rows, checked and with their mean.
struct EdgeWeights {
  /// Lengths by entry; nil when every edge has length 1.
  let perEntry: UnsafeMutableBufferPointer<Double>?
  /// The mean of all lengths.
  let mean: Double

  /// Gathers the lengths of all entries.
  /// - Throws: `EngineError` of code `invalidValue` when one is negative or not a number, or the column is no number.
  init(_ graph: SimpleGraph, workers: Workers, scratch: Scratch) throws {
    guard let reader = try WeightReader(graph) else {
      (perEntry, mean) = (nil, 1)
      return
    }
    let count = graph.outgoing.neighbours.count
    let values = try scratch.reserve(Double.self, count: count)
    let grain = 1 << 15
    let sums = try scratch.reserve(Double.self, count: (count + grain - 1) / grain)
    try workers.forEach(count, grain: grain) { range, _ in
      reader.gather(range, into: values)
      var sum = 0.0
      var valid = true
      for entry in range {
        valid = valid && values[entry] >= 0
        sum += values[entry]
      }
      guard valid else { throw Self.refuse(values, range, graph) }
      sums[range.lowerBound / grain] = sum
    }
    perEntry = values
    mean = count == 0 ? 1 : sums.reduce(0, +) / Double(count)
  }

  /// The error that names the first bad weight.
  private static func refuse(
    _ values: UnsafeMutableBufferPointer<Double>, _ range: Range<Int>, _ graph: SimpleGraph
  ) -> EngineError {
    let entry = range.first { !(values[$0] >= 0) } ?? range.lowerBound
    let name = if case .column(let column) = graph.weights { "'\(column.name)'" } else { "of the edges" }
    return EngineError(
      .invalidValue, "shortest paths need weights that are not negative, but property \(name) holds one that is",
      evidence: "\(values[entry])", hint: "Project another edge property, or one without negative values")
  }
}

/// Reads edge weights of any numeric type as doubles.
private enum WeightReader {
  case entries(UnsafeBufferPointer<Double>)
  case int32(UnsafeBufferPointer<Int32>, UnsafeBufferPointer<UInt32>)
  case int64(UnsafeBufferPointer<Int64>, UnsafeBufferPointer<UInt32>)
  case uint32(UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<UInt32>)
  case uint64(UnsafeBufferPointer<UInt64>, UnsafeBufferPointer<UInt32>)
  case float(UnsafeBufferPointer<Float>, UnsafeBufferPointer<UInt32>)
  case double(UnsafeBufferPointer<Double>, UnsafeBufferPointer<UInt32>)

  /// A reader for the graph's weights; nil when it has none.
  init?(_ graph: SimpleGraph) throws {
    switch graph.weights {
    case .none: return nil
    case .perEntry(let values): self = .entries(values.values)
    case .column(let column):
      let ordinals = graph.outgoing.edges
      switch column.type {
      case .int32: self = .int32(column.values(as: Int32.self), ordinals)
      case .int64: self = .int64(column.values(as: Int64.self), ordinals)
      case .uint32: self = .uint32(column.values(as: UInt32.self), ordinals)
      case .uint64: self = .uint64(column.values(as: UInt64.self), ordinals)
      case .float: self = .float(column.values(as: Float.self), ordinals)
      case .double: self = .double(column.values(as: Double.self), ordinals)
      case .string, .date32, .timestampMilliseconds:
        throw EngineError(
          .invalidValue, "edge property '\(column.name)' is no number", evidence: column.type.rawValue,
          hint: "Project a numeric edge property, or none")
      }
    }
  }

  func gather(_ range: Range<Int>, into target: UnsafeMutableBufferPointer<Double>) {
    switch self {
    case .entries(let values): for entry in range { target[entry] = values[entry] }
    case .int32(let values, let edges): Self.gather(values, edges, range, target)
    case .int64(let values, let edges): Self.gather(values, edges, range, target)
    case .uint32(let values, let edges): Self.gather(values, edges, range, target)
    case .uint64(let values, let edges): Self.gather(values, edges, range, target)
    case .float(let values, let edges): for entry in range { target[entry] = Double(values[Int(edges[entry])]) }
    case .double(let values, let edges): for entry in range { target[entry] = values[Int(edges[entry])] }
    }
  }

  private static func gather<T: FixedWidthInteger>(
    _ values: UnsafeBufferPointer<T>, _ edges: UnsafeBufferPointer<UInt32>, _ range: Range<Int>,
    _ target: UnsafeMutableBufferPointer<Double>
  ) {
    for entry in range { target[entry] = Double(values[Int(edges[entry])]) }
  }
}
