import Engines
import GraphStore
import Synchronization
import Workers

/// The validated weights of edges, one per entry of a graph's rows, with their mean.
package struct EdgeWeights {
  /// The weights that an algorithm accepts.
  package struct Bounds {
    /// The algorithm, as a plural subject in messages.
    var user: String
    var least: Double

    /// Accepts lengths of paths, which are not negative.
    package static let lengths = Bounds(user: "shortest paths", least: 0)
    /// Accepts any numbers.
    package static func any(_ user: String) -> Bounds { Bounds(user: user, least: -.infinity) }
  }

  /// The weights by entry; nil if every edge has the weight 1.
  package let perEntry: UnsafeMutableBufferPointer<Double>?
  /// The mean of all weights.
  let mean: Double

  /// The weight of an entry.
  @inlinable @inline(__always)
  package subscript(entry: Int) -> Double { perEntry?[entry] ?? 1 }

  private init(mean: Double) { (perEntry, self.mean) = (nil, mean) }

  /// The weight 1 for each edge.
  static var ones: EdgeWeights { EdgeWeights(mean: 1) }

  /// Collects the weights of all entries of the outgoing rows, or of the incoming ones.
  /// - Throws: `EngineError` of code `invalidValue` if a weight is missing, out of bounds or NaN, or the column is not numeric.
  package init(
    _ graph: SimpleGraph, incoming isIncoming: Bool = false, _ bounds: Bounds = .lengths, workers: Workers,
    scratch: Scratch
  ) throws {
    for column in graph.weights.columns {
      if let place = column.firstMissing { throw Self.missing(column, place, bounds) }
    }
    let rows = isIncoming ? graph.incoming : graph.outgoing
    let column: NumericColumn
    switch graph.weights {
    case .none:
      (perEntry, mean) = (nil, 1)
      return
    case .column(let values):
      guard let numbers = NumericColumn(values) else {
        throw EngineError(
          .invalidValue, "edge property '\(values.name)' is not numeric", evidence: values.type.rawValue,
          hint: "Project a numeric edge property, or none")
      }
      column = numbers
    case .perEntry(let values, _) where isIncoming && graph.isDirected:
      column = .double(UnsafeBufferPointer(try Self.transposed(values.unownedValues, graph, workers, scratch)))
    case .perEntry(let values, _):
      column = .double(values.unownedValues)
    }
    let ordinals: UnsafeBufferPointer<UInt32>? = if case .column = graph.weights { rows.edges } else { nil }
    let count = rows.neighbours.count
    let values = try scratch.reserve(Double.self, count: count)
    let grain = 1 << 15
    let sums = try scratch.reserve(Double.self, count: (count + grain - 1) / grain)
    try workers.forEach(count, grain: grain) { range, _ in
      column.gather(range, by: ordinals, into: values)
      var sum = 0.0
      var valid = true
      for entry in range {
        valid = valid && values[entry] >= bounds.least
        sum += values[entry]
      }
      guard valid else { throw Self.refuse(values, range, graph, bounds) }
      sums[range.lowerBound / grain] = sum
    }
    perEntry = values
    mean = count == 0 ? 1 : sums.reduce(0, +) / Double(count)
  }

  /// Makes the error that names the first invalid weight.
  private static func refuse(
    _ values: UnsafeMutableBufferPointer<Double>, _ range: Range<Int>, _ graph: SimpleGraph, _ bounds: Bounds
  ) -> EngineError {
    let entry = range.first { !(values[$0] >= bounds.least) } ?? range.lowerBound
    let name = graph.weights.columns.first.map { "'\($0.name)'" } ?? "of the edges"
    if values[entry].isNaN {
      return EngineError(
        .invalidValue,
        "\(bounds.user) require a weight for every edge, but property \(name) contains one that is missing or "
          + "not a number", evidence: "\(values[entry])", hint: remedy)
    }
    return EngineError(
      .invalidValue, "\(bounds.user) require non-negative weights, but property \(name) contains a negative one",
      evidence: "\(values[entry])", hint: "Project another edge property, or one without negative values")
  }

  private static func missing(_ column: Column, _ place: String, _ bounds: Bounds) -> EngineError {
    EngineError(
      .invalidValue, "\(bounds.user) require a weight for every edge, but one is missing in property '\(column.name)'",
      evidence: "\(place), column '\(column.name)'", hint: remedy)
  }

  /// Returns the weights of the outgoing entries in the order of the incoming ones.
  private static func transposed(
    _ values: UnsafeBufferPointer<Double>, _ graph: SimpleGraph, _ workers: Workers, _ scratch: Scratch
  ) throws -> UnsafeMutableBufferPointer<Double> {
    let (outgoing, incoming) = (graph.outgoing, graph.incoming)
    let result = try scratch.reserve(Double.self, count: values.count)
    let places = try scratch.reserve(UInt64.self, count: graph.vertexCount)
    for vertex in places.indices { places[vertex] = incoming.offsets[vertex] }
    // Sources are visited in ascending order, which is their order in the rows of their neighbours.
    for vertex in places.indices {
      try workers.forEachBlock(of: outgoing.row(vertex)) { block in
        for entry in block {
          let neighbour = Int(outgoing.neighbours[entry])
          result[Int(places[neighbour])] = values[entry]
          places[neighbour] += 1
        }
      }
      if vertex % chunkWork == 0 { try workers.cancellation.check() }
    }
    return result
  }

  private static let remedy = "Give every edge a weight and load the edges again, or choose another edge property"
}
