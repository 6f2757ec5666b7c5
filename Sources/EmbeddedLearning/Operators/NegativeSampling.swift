import GraphStore

/// Samples vertices that are probably not neighbours.
struct NegativeSampling: Sendable {
  /// How vertices are chosen.
  enum Strategy: Sendable {
    /// Destinations of a relation, equally likely.
    case random(EdgeRelation)
    /// Destinations in proportion to their in-degrees. If strict, neighbours of the source are drawn again.
    case inDegree(EdgeRelation, isStrict: Bool)
    /// Vertices of a label in proportion to their weights. Those of the request are drawn again.
    case nodeWeight(NodeTable)
  }

  /// The number of draws before a vertex is accepted that should be rejected.
  static let attempts = 128

  let strategy: Strategy
  let count: Int

  /// Returns `count` vertices for each source.
  func answer(_ sources: [Int64], _ context: OperatorContext) throws -> OperatorAnswer {
    try context.claim(rows: sources.count, of: count)
    let draw = try NegativeDraw(strategy, context)
    var rows: [Int] = []
    var requested: Set<Int64> = []
    switch strategy {
    case .random: break
    case .inDegree(let relation, _): rows = try relation.source.numbers(sources, context.workers)
    case .nodeWeight: requested = Set(sources)
    }
    return try NegativeDraw.rows(sources.count, count, context) { row, random in
      for _ in 1..<Self.attempts {
        guard let vertex = draw.vertex(&random) else { return 0 }
        let isRejected =
          switch strategy {
          case .random: false
          case .inDegree(let relation, let isStrict):
            isStrict && !relation.occurrences(of: vertex, in: relation.entries(rows[row])).isEmpty
          case .nodeWeight(let table): requested.contains(table.id(vertex))
          }
        if !isRejected { return draw.table.id(vertex) }
      }
      return draw.vertex(&random).map(draw.table.id) ?? 0
    }
  }
}

/// Draws vertices by a strategy.
struct NegativeDraw {
  let table: NodeTable
  private let choose: (inout SampleRandom) -> Int?

  init(_ strategy: NegativeSampling.Strategy, _ context: OperatorContext) throws {
    switch strategy {
    case .random(let relation):
      table = relation.destination
      let numbers = try relation.destinations(context.workers).numbers
      choose = { numbers.isEmpty ? nil : Int(numbers[$0.below(numbers.count)]) }
    case .inDegree(let relation, _):
      table = relation.destination
      // Every edge is an equally likely way to its destination.
      choose = { relation.count == 0 ? nil : Int(relation.adjacency.neighbours[$0.below(relation.count)]) }
    case .nodeWeight(let table):
      self.table = table
      let weights = try table.weightTable(context.workers)
      choose = { table.count == 0 ? nil : weights.draw(first: 0, count: table.count, &$0) }
    }
  }

  /// Returns the number of a vertex; nil if there are none.
  func vertex(_ random: inout SampleRandom) -> Int? { choose(&random) }

  /// Returns the answer with `count` ids in each row. `id` is called with the row, in order within a row.
  static func rows(
    _ rows: Int, _ count: Int, _ context: OperatorContext, _ id: (Int, inout SampleRandom) throws -> Int64
  ) throws -> OperatorAnswer {
    let total = rows * count
    let nodes = try [Int64](unsafeUninitializedCapacity: total) { nodes, filled in
      let start = nodes.baseAddress
      try context.forEachRow(total == 0 ? 0 : rows, width: count) { range, random in
        for row in range {
          for place in 0..<count { (start! + row * count + place).initialize(to: try id(row, &random)) }
        }
      }
      filled = total
    }
    var answer = OperatorAnswer()
    answer.parameters = ["bs": .int32([Int32(rows)]), "nbc": .int32([Int32(count)])]
    // The client requires the tensor, which is empty.
    answer.tensors = ["nid": .int64(nodes), "eid": .int64([])]
    return answer
  }
}
