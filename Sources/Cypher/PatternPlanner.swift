import QueryAlgebra
import QueryValues

/// Decides in which order the nodes and relationships of a pattern are found.
///
/// It begins at the most selective node (an identifier, a property of a label, a label, any node), follows relationships from
/// nodes that are bound, and applies each condition as soon as its variables are. Parts of the pattern that are not connected
/// are found one for each row of the other.
struct PatternPlanner {
  private var graph: PatternGraph
  private var plan: Plan
  /// The slots of the pattern that no row has yet.
  private var unbound: Set<Int>
  private var waiting: [PatternGraph.Relationship]
  private var found: [PatternGraph.Relationship] = []
  /// The first slot that is not used.
  private(set) var slotCount: Int

  init(_ graph: PatternGraph, input: Plan, firstSlot: Int) {
    self.graph = graph
    plan = input
    unbound = graph.slots
    waiting = graph.relationships
    slotCount = firstSlot
  }

  mutating func solve() throws(QueryError) -> Plan {
    filterGivenNodes()
    settle()
    while let index = next {
      let relationship = waiting.remove(at: index)
      follow(relationship)
      settle()
    }
    while let start = bestStart {
      scan(start.node, start.access)
      settle()
      while let index = next {
        let relationship = waiting.remove(at: index)
        follow(relationship)
        settle()
      }
    }
    if let stuck = waiting.first {
      throw QueryError(
        .unsupported,
        "Conditions in relationships of variable length that depend on each other are not supported. Move them to WHERE.",
        offset: stuck.position.offset)
    }
    return plan
  }

  private func isBound(_ slot: Int) -> Bool { !unbound.contains(slot) }

  /// Conditions on nodes that earlier clauses bound.
  private mutating func filterGivenNodes() {
    for node in graph.nodes where isBound(node.slot) {
      let isEnd = graph.relationships.contains { $0.from == node.slot || $0.to == node.slot }
      if node.mayBeNull, !isEnd, node.labels.isEmpty { filter(.unary(.isNotNull, .slot(node.slot))) }
      filterLabels(node)
    }
  }

  private mutating func filter(_ condition: Expression) { plan = .filter(plan, condition) }

  private mutating func filterLabels(_ node: PatternGraph.Node) {
    guard let labels = node.allLabels else { return }
    filter(.hasLabels(.slot(node.slot), labels))
  }

  /// Applies what has waited for the slots that are bound now. Conditions become one operator, however many there are.
  private mutating func settle() {
    repeat {
      let ready = graph.pending.filter { $0.needs.isDisjoint(with: unbound) }
      guard !ready.isEmpty else { return }
      graph.pending.removeAll { $0.needs.isDisjoint(with: unbound) }
      let conditions = ready.compactMap(\.condition)
      if !conditions.isEmpty { filter(Lowering.balanced(.and, conditions[...])) }
      for case .path(let slot, let elements) in ready.map(\.action) {
        plan = .assign(plan, [(slot, .path(elements))])
        unbound.remove(slot)
      }
    } while true
  }

  // MARK: Relationships

  /// The relationship to follow next: one that is given, then one between bound nodes, then one of fixed length.
  private var next: Int? {
    let ranked = waiting.indices.compactMap { index in rank(waiting[index]).map { (rank: $0, index: index) } }
    return ranked.min { ($0.rank, $0.index) < ($1.rank, $1.index) }?.index
  }

  private func rank(_ relationship: PatternGraph.Relationship) -> Int? {
    let isTrail = relationship.length != nil || relationship.shortest != nil
    if relationship.given != nil, !isTrail { return 0 }
    if let condition = relationship.condition, !SlotUse.of(condition.1).isDisjoint(with: unbound) { return nil }
    let ends = (isBound(relationship.from) ? 1 : 0) + (isBound(relationship.to) ? 1 : 0)
    if ends == 2 { return isTrail ? 2 : 1 }
    return ends == 0 || relationship.shortest != nil ? nil : isTrail ? 4 : 3
  }

  private mutating func follow(_ relationship: PatternGraph.Relationship) {
    if let given = relationship.given, relationship.length == nil, relationship.shortest == nil {
      take(relationship, given)
      return
    }
    // A list that is given is compared with the trail that is found.
    let slot = relationship.given == nil ? relationship.slot : newSlot()
    let backwards = !isBound(relationship.from)
    let from = backwards ? relationship.to : relationship.from
    let to = backwards ? relationship.from : relationship.to
    let expansion = Expansion(
      from: from, edge: slot, to: to,
      direction: backwards ? relationship.direction.reversed : relationship.direction, labels: relationship.types,
      intoBound: isBound(to),
      distinctFrom: found.filter { !$0.isDisjoint(with: relationship) }.compactMap { $0.slot ?? $0.given })
    expand(relationship, expansion, backwards)
    if let slot { unbound.remove(slot) }
    found.append(relationship)
    if let given = relationship.given, let slot { filter(.binary(.equal, .slot(slot), .slot(given))) }
    bind(to)
  }

  private mutating func expand(_ relationship: PatternGraph.Relationship, _ expansion: Expansion, _ backwards: Bool) {
    let bounds = relationship.length ?? LengthSyntax(minimum: 1, maximum: 1)
    let length = VariableLength(
      minimum: bounds.minimum, maximum: bounds.maximum, condition: relationship.condition, reversed: backwards)
    if let shortest = relationship.shortest {
      plan = .shortestPaths(plan, ShortestPaths(expansion: expansion, length: length, all: shortest == .all))
    } else if relationship.length != nil {
      plan = .expandVariable(plan, expansion, length)
    } else {
      plan = .expand(plan, expansion)
    }
  }

  /// Marks a node as bound, and checks its labels.
  private mutating func bind(_ slot: Int) {
    guard unbound.remove(slot) != nil, let node = graph.nodes.first(where: { $0.slot == slot }) else { return }
    filterLabels(node)
  }

  /// Binds the ends of a relationship that an earlier clause has bound.
  private mutating func take(_ relationship: PatternGraph.Relationship, _ slot: Int) {
    let edge = Expression.slot(slot)
    filter(.unary(.isNotNull, edge))
    if let types = relationship.types {
      let labels = types.dropFirst().reduce(LabelExpression.label(types[0])) { .or($0, .label($1)) }
      filter(.hasLabels(edge, labels))
    }
    for other in found {
      if let given = other.slot ?? other.given {
        filter(.unary(.not, .binary(.in, edge, other.length == nil ? .list([.slot(given)]) : .slot(given))))
      }
    }
    let source = Expression.call("startnode", [edge])
    let target = Expression.call("endnode", [edge])
    switch relationship.direction {
    case .out: meet(relationship, source, target)
    case .in: meet(relationship, target, source)
    case .both:
      let ways = newSlot()
      let pair = Expression.list([source, target])
      let both = Expression.list([pair, .list([target, source])])
      plan = .unwind(
        plan, slot: ways,
        .alternatives(subject: nil, [(.binary(.equal, source, target), .list([pair]))], otherwise: both))
      let way = Expression.slot(ways)
      meet(
        relationship, .subscripted(way, .literal(.integer(0))), .subscripted(way, .literal(.integer(1))))
    }
    found.append(relationship)
  }

  private mutating func meet(_ relationship: PatternGraph.Relationship, _ from: Expression, _ to: Expression) {
    for (slot, value) in [(relationship.from, from), (relationship.to, to)] {
      if isBound(slot) {
        filter(.binary(.equal, .slot(slot), value))
      } else {
        plan = .assign(plan, [(slot, value)])
        bind(slot)
      }
    }
  }

  private mutating func newSlot() -> Int {
    defer { slotCount += 1 }
    return slotCount
  }
}

/// Where to begin.
extension PatternPlanner {
  private enum Access {
    case identifier(Expression)
    case seek(label: String, key: String, value: Expression, pending: Int)
    case labels
    case all

    var cost: Int {
      switch self {
      case .identifier: 0
      case .seek: 1
      case .labels: 2
      case .all: 3
      }
    }
  }

  /// The node where to begin, of those that are not bound.
  private var bestStart: (node: PatternGraph.Node, access: Access)? {
    let accesses = accesses
    var best: (node: PatternGraph.Node, access: Access)?
    for node in graph.nodes where !isBound(node.slot) {
      let access = accesses[node.slot] ?? (node.labels.isEmpty ? .all : .labels)
      if access.cost < best?.access.cost ?? .max { best = (node, access) }
    }
    return best
  }

  /// The accesses by identifier and by property that conditions allow, by slot.
  private var accesses: [Int: Access] {
    var accesses: [Int: Access] = [:]
    let labels = Dictionary(
      graph.nodes.map { ($0.slot, $0.labels.lazy.compactMap(\.required).first) }, uniquingKeysWith: { $1 })
    for (index, pending) in graph.pending.enumerated() {
      guard case .filter(.binary(let symbol, let left, let right)) = pending.action, symbol == .equal || symbol == .in
      else { continue }
      let missing = pending.needs.intersection(unbound)
      guard missing.count == 1, let slot = missing.first else { continue }
      for (side, value) in symbol == .equal ? [(left, right), (right, left)] : [(left, right)] {
        if side.isIdentifier(of: slot), !SlotUse.of(value).contains(slot) {
          accesses[slot] = .identifier(value)
        } else if symbol == .equal, case .property(.slot(slot), let key) = side, accesses[slot] == nil,
          let label = labels[slot] ?? nil, !SlotUse.of(value).contains(slot)
        {
          accesses[slot] = .seek(label: label, key: key, value: value, pending: index)
        }
      }
    }
    return accesses
  }

  /// Finds a node without following a relationship. What the access does not check is filtered.
  private mutating func scan(_ node: PatternGraph.Node, _ access: Access) {
    switch access {
    case .identifier(let value):
      plan = .vertexByID(plan, slot: node.slot, value)
      bind(node.slot)
    case .seek(let label, let key, let value, let pending):
      graph.pending.remove(at: pending)
      plan = .seekVertices(plan, slot: node.slot, label: label, key: key, value: value)
      unbound.remove(node.slot)
      if node.labels != [.label(label)] { filterLabels(node) }
    case .labels, .all:
      plan = .scanVertices(plan, slot: node.slot, labels: node.allLabels)
      unbound.remove(node.slot)
    }
  }
}

extension Expression {
  /// Whether the value is the identifier of the element in a slot.
  fileprivate func isIdentifier(of slot: Int) -> Bool {
    guard case .call(let name, let arguments) = self, name == "id" || name == "elementid",
      case .slot(slot)? = arguments.first
    else { return false }
    return true
  }
}

extension PatternGraph.Pending {
  /// The condition, if it is one.
  fileprivate var condition: Expression? {
    if case .filter(let condition) = action { condition } else { nil }
  }
}

extension PatternGraph.Node {
  /// The conjunction of the conditions on the node's labels.
  fileprivate var allLabels: LabelExpression? {
    guard let first = labels.first else { return nil }
    return labels.dropFirst().reduce(first) { .and($0, $1) }
  }
}

extension EdgeDirection {
  /// The direction seen from the other end.
  fileprivate var reversed: EdgeDirection {
    switch self {
    case .out: .in
    case .in: .out
    case .both: .both
    }
  }
}
