import GraphStore

/// Walks along edges. If `returning` or `leaving` is not 1, the walk is that of node2vec (Grover, Leskovec 2016): a step back is
/// weighted by 1 / `returning`, one to a neighbour of the previous vertex by 1, all others by 1 / `leaving`, each times the weight
/// of the edge.
struct RandomWalk: Sendable {
  /// The number of draws before the weights of all edges are added up.
  private static let attempts = 64

  let relation: EdgeRelation
  let length: Int
  /// The parameter p of node2vec.
  let returning: Double
  /// The parameter q of node2vec.
  let leaving: Double

  /// Returns the vertices that are visited, `length` for each source. A walk that cannot continue visits 0 from there on.
  func answer(_ sources: [Int64], _ context: OperatorContext) throws -> OperatorAnswer {
    try context.claim(rows: sources.count, of: length)
    let rows = try relation.source.numbers(sources, context.workers)
    let isUniform = returning == 1 && leaving == 1
    let table =
      isUniform || relation.attributes.weights == nil ? nil : try relation.weightTable(context.workers)
    let total = sources.count * length
    let nodes = try [Int64](unsafeUninitializedCapacity: total) { nodes, filled in
      let start = nodes.baseAddress
      try context.forEachRow(total == 0 ? 0 : sources.count, width: length) { range, random in
        for row in range {
          var previous: Int?
          var current = rows[row]
          for place in 0..<length {
            let entry = isUniform ? uniform(current, &random) : biased(current, previous, table, &random)
            let target = start! + row * length + place
            guard let entry else {
              target.initialize(to: 0)
              current = -1
              continue
            }
            let node = Int(relation.adjacency.neighbours[entry])
            target.initialize(to: relation.destination.id(node))
            previous = current
            // Along edges between two labels there is no second step.
            current = relation.source === relation.destination ? node : -1
          }
        }
      }
      filled = total
    }
    var answer = OperatorAnswer()
    answer.parameters = ["bs": .int32([Int32(sources.count)])]
    answer.tensors = ["nid": .int64(nodes)]
    return answer
  }

  private func uniform(_ vertex: Int, _ random: inout SampleRandom) -> Int? {
    let entries = relation.entries(vertex)
    return entries.isEmpty ? nil : entries.lowerBound + random.below(entries.count)
  }

  private func biased(
    _ vertex: Int, _ previous: Int?, _ table: AliasTable?, _ random: inout SampleRandom
  ) -> Int? {
    let entries = relation.entries(vertex)
    guard !entries.isEmpty else { return nil }
    func draw(_ random: inout SampleRandom) -> Int {
      let offset =
        table?.draw(first: entries.lowerBound, count: entries.count, &random) ?? random.below(entries.count)
      return entries.lowerBound + offset
    }
    guard let previous else { return draw(&random) }
    let known = relation.entries(previous)
    func bias(_ entry: Int) -> Double {
      let node = Int(relation.adjacency.neighbours[entry])
      if node == previous { return 1 / returning }
      return relation.occurrences(of: node, in: known).isEmpty ? 1 / leaving : 1
    }
    let greatest = max(1, 1 / returning, 1 / leaving)
    for _ in 0..<Self.attempts {
      let entry = draw(&random)
      if random.unit() * greatest < bias(entry) { return entry }
    }
    let isWeighted = table != nil && entries.contains { relation.weight($0) > 0 }
    let sums = WeightSums(entries.map { bias($0) * (isWeighted ? relation.weight($0) : 1) })
    return entries.lowerBound + sums.draw(&random)
  }
}
