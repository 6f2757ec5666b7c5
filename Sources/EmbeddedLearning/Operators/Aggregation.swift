/// Combines the real attributes of vertices, segment by segment.
struct Aggregation: Sendable {
  /// How values are combined, by the name of the operator.
  enum Kind: String, CaseIterable, Sendable {
    case sum = "SumAggregator"
    case mean = "MeanAggregator"
    case minimum = "MinAggregator"
    case maximum = "MaxAggregator"
    case product = "ProdAggregator"
  }

  let kind: Kind
  let table: NodeTable
  let segments: Int

  /// Returns the combined attributes and the size of each segment. An empty segment has zeros; an unknown vertex counts as zeros.
  /// - Parameter places: the segment of each vertex.
  func answer(_ nodes: [Int64], _ places: [Int64], _ context: OperatorContext) throws -> OperatorAnswer {
    guard nodes.count == places.count, places.allSatisfy({ $0 >= 0 && $0 < Int64(segments) }) else {
      throw LearningError(.invalidArgument, "the segments of \(nodes.count) nodes are not in 0..<\(segments)")
    }
    let columns = table.attributes.reals
    try context.claim(rows: segments, of: columns.count + 1)
    let rows = try table.numbers(nodes, context.workers)
    var sizes = [Int32](repeating: 0, count: segments)
    var results = [Double](repeating: 0, count: segments * columns.count)
    for (row, place) in zip(rows, places) {
      let segment = Int(place)
      for (position, column) in columns.enumerated() {
        let value = row < 0 ? 0 : column.real(row)
        let target = segment * columns.count + position
        results[target] = sizes[segment] == 0 ? value : combined(results[target], value)
      }
      sizes[segment] += 1
    }
    if kind == .mean {
      for target in results.indices { results[target] /= max(1, Double(sizes[target / columns.count])) }
    }
    var answer = OperatorAnswer()
    answer.parameters = [
      "bs": .int32([Int32(segments)]), "si": .int32([Int32(columns.count)]),
      "op": .string(TextValues([kind.rawValue])),
    ]
    answer.tensors = ["fa": .float(results.map(Float.init)), "sm": .int32(sizes)]
    return answer
  }

  private func combined(_ left: Double, _ right: Double) -> Double {
    switch kind {
    case .sum, .mean: left + right
    case .minimum: min(left, right)
    case .maximum: max(left, right)
    case .product: left * right
    }
  }
}
