/// Reads the parameters of operators.
struct OperatorParameters {
  let list: TensorList

  init(_ list: TensorList) { self.list = list }

  /// Returns a text.
  /// - Throws: `LearningError` when it is missing.
  func text(_ name: String) throws(LearningError) -> String {
    guard let text = try list.text(name) else { throw LearningError(.invalidArgument, "'\(name)' is missing") }
    return text
  }

  /// Returns the type of edges, which has two names.
  func edgeType() throws(LearningError) -> String { try text(list["tp"] == nil ? "et" : "tp") }

  /// Returns a number of things.
  func count(
    _ name: String, in other: String? = nil, at index: Int = 0, least: Int = 1
  ) throws(LearningError) -> Int {
    var value = try list.integer(name)
    if value == nil, let other { value = try list.integer(other, at: index) }
    guard let value else { throw LearningError(.invalidArgument, "'\(name)' is missing") }
    guard least...LearningOperator.maximumCount ~= value else {
      throw LearningError(
        .invalidArgument, "'\(name)' is \(value), but must be \(least) to \(LearningOperator.maximumCount)")
    }
    return value
  }

  /// Returns 0 for the sources of edges, 1 for their destinations, 2 for vertices.
  func nodeFrom() throws(LearningError) -> Int {
    var value = try list.integer("nf")
    if value == nil { value = try list.integer("si") }
    guard let value, 0...2 ~= value else { throw LearningError(.invalidArgument, "'nf' is not 0, 1 or 2") }
    return value
  }

  /// Returns what GetNodes visits.
  func vertices(_ graph: LearningGraph) throws(LearningError) -> Traversal.Elements {
    let type = try text("nt")
    switch try nodeFrom() {
    case 0: return .ends(try graph.relation(type), areSources: true)
    case 1: return .ends(try graph.relation(type), areSources: false)
    default:
      let (table, members) = try graph.vertices(type)
      return .vertices(table, members)
    }
  }

  /// Returns the order of a traversal.
  func order(_ type: String) throws(LearningError) -> Traversal.Order {
    var name = try list.text(type, at: 1)
    if name == nil { name = try list.text("str") }
    guard let name else { throw LearningError(.invalidArgument, "the strategy is missing") }
    guard let order = Traversal.Order(rawValue: name) else {
      throw LearningError(.unimplemented, "there is no strategy '\(name)', but by_order, shuffle and random")
    }
    return order
  }

  /// Returns whether neighbours are filtered.
  func isFiltered() throws(LearningError) -> Bool {
    let type = try list.integer("ftype") ?? 0
    guard type != 0 else { return false }
    guard type == 1, try list.integer("field") == 1 else {
      throw LearningError(.unimplemented, "the only filter is that of equal ids")
    }
    return true
  }

  func sampling(_ kind: NeighbourSampling.Kind, _ graph: LearningGraph) throws(LearningError) -> NeighbourSampling {
    let relation = try graph.relation(try edgeType())
    guard kind == .full else {
      return NeighbourSampling(kind: kind, relation: relation, count: try count("nbc"))
    }
    let count = try list.integer("nbc") ?? 0
    return NeighbourSampling(kind: kind, relation: relation, count: max(0, count))
  }

  func negatives(_ strategy: NegativeSampling.Strategy) throws(LearningError) -> NegativeSampling {
    NegativeSampling(strategy: strategy, count: try count("nbc"))
  }

  func walk(_ graph: LearningGraph) throws(LearningError) -> RandomWalk {
    let relation = try graph.relation(try edgeType())
    let weights = try list.numbers("si")
    guard weights.count >= 2, weights.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw LearningError(.invalidArgument, "p and q of a random walk must be positive")
    }
    return RandomWalk(relation: relation, length: try count("dis"), returning: weights[0], leaving: weights[1])
  }

  func conditionalNegatives(_ graph: LearningGraph) throws(LearningError) -> ConditionalNegatives {
    let relation = try graph.relation(try edgeType())
    let table = try graph.table(try text("dt"))
    guard table === relation.destination else {
      throw LearningError(.invalidArgument, "'\(table.name)' is not the destination type of '\(relation.name)'")
    }
    let name = try text("str")
    let strategy: NegativeSampling.Strategy
    switch name {
    case "random": strategy = .random(relation)
    case "in_degree": strategy = .inDegree(relation, isStrict: true)
    case "node_weight": strategy = .nodeWeight(table)
    default: throw LearningError(.unimplemented, "there is no negative strategy '\(name)'")
    }
    return ConditionalNegatives(
      strategy: strategy, relation: relation, table: table, count: try count("nbc"),
      conditions: try conditions(table.attributes), sharesBatch: try list.integer("batch_share") == 1,
      isUnique: try list.integer("unique") == 1)
  }

  private func conditions(_ attributes: Attributes) throws(LearningError) -> [ConditionalNegatives.Condition] {
    var result: [ConditionalNegatives.Condition] = []
    var first = 0
    for (columns, proportions, count) in [
      ("icols", "ipps", attributes.integers.count), ("fcols", "fpps", attributes.reals.count),
      ("scols", "spps", attributes.texts.count),
    ] {
      let positions = list[columns] == nil ? [] : try list.integers(columns)
      let parts = try list.numbers(proportions)
      guard positions.count == parts.count, parts.allSatisfy({ 0...1 ~= $0 }),
        positions.allSatisfy({ $0 >= 0 && $0 < Int64(count) })
      else {
        throw LearningError(
          .invalidArgument, "'\(columns)' and '\(proportions)' do not name attributes and parts of 0 to 1")
      }
      for (position, part) in zip(positions, parts) {
        result.append(.init(attribute: first + Int(position), proportion: part))
      }
      first += count
    }
    return result
  }
}
