/// Samples vertices that are no neighbours of a source but resemble its destination: a part of them has the same value of an
/// attribute.
struct ConditionalNegatives: Sendable {
  /// An attribute that some of the vertices share with the destination.
  struct Condition: Sendable, Equatable {
    /// The position among all attributes: integers first, then reals, then texts.
    var attribute: Int
    /// The part of the vertices that share it.
    var proportion: Double
  }

  let strategy: NegativeSampling.Strategy
  let relation: EdgeRelation
  let table: NodeTable
  let count: Int
  let conditions: [Condition]
  /// Whether the destinations of the whole request are rejected, instead of the source's neighbours and its destination.
  let sharesBatch: Bool
  /// Whether a vertex occurs once in a row at most, as far as there are enough.
  let isUnique: Bool

  /// Returns `count` vertices for each pair of a source and a destination.
  func answer(_ sources: [Int64], _ destinations: [Int64], _ context: OperatorContext) throws -> OperatorAnswer {
    guard sources.count == destinations.count else {
      throw LearningError(
        .invalidArgument, "\(sources.count) sources and \(destinations.count) destinations are not pairs")
    }
    try context.claim(rows: sources.count, of: count)
    let draw = try NegativeDraw(strategy, context)
    let indexes = try conditions.map { try table.index(attribute: $0.attribute, context.workers) }
    let rows = try relation.source.numbers(sources, context.workers)
    let likes = try table.numbers(destinations, context.workers)
    let batch = Set(likes)
    var answer = OperatorAnswer()
    let total = sources.count * count
    let nodes = try [Int64](unsafeUninitializedCapacity: total) { nodes, filled in
      let start = nodes.baseAddress
      try context.forEachRow(total == 0 ? 0 : sources.count, width: count) { range, random in
        var chosen: [Int?] = []
        for row in range {
          chosen.removeAll(keepingCapacity: true)
          let entries = relation.entries(rows[row])
          func isRejected(_ vertex: Int) -> Bool {
            if isUnique, chosen.contains(vertex) { return true }
            if sharesBatch { return batch.contains(vertex) }
            return vertex == likes[row] || !relation.occurrences(of: vertex, in: entries).isEmpty
          }
          func add(_ candidate: (inout SampleRandom) -> Int?) {
            var last: Int?
            for _ in 0..<NegativeSampling.attempts {
              last = candidate(&random)
              guard let last, isRejected(last) else { break }
            }
            chosen.append(last)
          }
          if likes[row] >= 0 {
            for (condition, index) in zip(conditions, indexes) {
              for _ in 0..<Int(Double(count) * condition.proportion) where chosen.count < count {
                add { index.draw(like: likes[row], &$0) }
              }
            }
          }
          while chosen.count < count { add(draw.vertex) }
          for (place, vertex) in chosen.enumerated() {
            (start! + row * count + place).initialize(to: vertex.map(table.id) ?? 0)
          }
        }
      }
      filled = total
    }
    answer.parameters = ["bs": .int32([Int32(sources.count)]), "nbc": .int32([Int32(count)])]
    answer.tensors = ["nid": .int64(nodes), "eid": .int64([])]
    return answer
  }
}
