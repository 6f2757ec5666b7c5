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
    let column: NumericColumn
    switch graph.weights {
    case .none:
      (perEntry, mean) = (nil, 1)
      return
    case .column(let values):
      guard let numbers = NumericColumn(values) else {
        throw EngineError(
          .invalidValue, "edge property '\(values.name)' is no number", evidence: values.type.rawValue,
          hint: "Project a numeric edge property, or none")
      }
      column = numbers
    case .perEntry(let values):
      column = .double(values.values)
    }
    let ordinals: UnsafeBufferPointer<UInt32>? = if case .column = graph.weights { graph.outgoing.edges } else { nil }
    let count = graph.outgoing.neighbours.count
    let values = try scratch.reserve(Double.self, count: count)
    let grain = 1 << 15
    let sums = try scratch.reserve(Double.self, count: (count + grain - 1) / grain)
    try workers.forEach(count, grain: grain) { range, _ in
      column.gather(range, by: ordinals, into: values)
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
