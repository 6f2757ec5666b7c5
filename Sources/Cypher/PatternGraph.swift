import QueryAlgebra
import QueryValues

/// The pattern of a MATCH clause as a graph whose nodes and relationships have slots.
struct PatternGraph {
  struct Node {
    var slot: Int
    var labels: [LabelExpression] = []
    /// Whether the variable comes from an earlier clause and may be null.
    var mayBeNull = false
    var position: Position
  }

  struct Relationship {
    /// The slot of the relationship, or of the list of relationships; nil if none is needed.
    var slot: Int?
    var from: Int
    var to: Int
    var direction: EdgeDirection
    /// The types; nil for any.
    var types: [String]?
    /// A type expression that is no list of alternatives.
    var typeCondition: LabelExpression?
    var length: LengthSyntax?
    var shortest: PatternPartSyntax.Shortest?
    /// A slot for each relationship of a trail in turn, and a condition on it.
    var condition: (slot: Int, Expression)?
    /// The slot of a variable that an earlier clause has bound to the relationship, or to the list.
    var given: Int?
    var position: Position

    /// Whether one relationship cannot be both.
    func isDisjoint(with other: Relationship) -> Bool {
      guard let types, let others = other.types else { return false }
      return Set(types).isDisjoint(with: others)
    }
  }

  /// A condition, or a path, that waits for slots to be filled.
  struct Pending {
    var needs: Set<Int>
    var action: Action

    enum Action {
      case filter(Expression)
      case path(slot: Int, [Int])
    }
  }

  var nodes: [Node] = []
  var relationships: [Relationship] = []
  var pending: [Pending] = []
  /// The slots that the pattern fills.
  var slots: Set<Int> = []

  /// Adds a condition; a condition on labels of a node is kept with the node.
  mutating func add(condition: Expression) {
    if case .hasLabels(.slot(let slot), let labels) = condition,
      let index = nodes.firstIndex(where: { $0.slot == slot })
    {
      nodes[index].labels.append(labels)
      return
    }
    pending.append(Pending(needs: SlotUse.of(condition).intersection(slots), action: .filter(condition)))
  }

  /// The number of the node in a slot, which is added if it is new.
  mutating func node(_ slot: Int, _ position: Position) -> Int {
    if let index = nodes.firstIndex(where: { $0.slot == slot }) { return index }
    nodes.append(Node(slot: slot, position: position))
    return nodes.count - 1
  }
}

extension LabelExpression {
  /// The alternatives, if the expression is nothing but a list of them.
  var alternatives: [String]? {
    switch self {
    case .label(let label): return [label]
    case .or(let left, let right):
      guard let first = left.alternatives, let second = right.alternatives else { return nil }
      return first + second.filter { !first.contains($0) }
    case .any, .and, .not: return nil
    }
  }

  /// A label that each element of the expression has.
  var required: String? {
    switch self {
    case .label(let label): label
    case .and(let left, let right): left.required ?? right.required
    case .any, .or, .not: nil
    }
  }
}
