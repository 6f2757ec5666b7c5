import QueryAlgebra
import QueryValues

/// Steps that yield one object for one, or none.
extension TraversalRunner {
  func map(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    guard let value = try mapped(step, traverser) else { return true }
    return try emit(index, value, from: traverser)
  }

  private func mapped(_ step: Step, _ traverser: Traverser) throws(QueryError) -> Value? {
    let value = traverser.value
    switch step {
    case .constant(let constant): return constant
    case .id: return try token(.id, of: value)
    case .label: return try token(.label, of: value)
    case .key: return try token(.key, of: value)
    case .value: return try token(.value, of: value)
    case .element:
      guard case .property(let property) = value else {
        throw QueryError(.argument, "element() reads properties, not \(value.typeName). Use properties() before it.")
      }
      return property.owner
    case .valueMap(let specification): return try valueMap(specification, traverser)
    case .elementMap(let keys): return try elementMap(keys, value)
    case .select(let pop, let labels, let by): return try select(pop, labels, by, traverser)
    case .selectTraversal(let pop, let traversal, let by):
      guard let key = try first(of: traversal, for: traverser)?.value else { return nil }
      return try select(pop, key, by, traverser)
    case .selectColumn(let column): return try self.column(column, of: traverser)
    case .project(let entries):
      var map = ValueMap()
      for entry in entries { map[entry.name] = try project(entry.by, traverser) }
      return .map(map)
    case .path(let range): return try path(range, traverser).map { .path($0) }
    case .loops(let name): return try .integer32(loops(name, traverser))
    case .sack: return traverser.sack
    case .view(let projection): return try project(projection, traverser)
    case .map(let traversal): return try first(of: traversal, for: traverser)?.value
    case .index(let asMap): return Self.indexed(value, asMap)
    case .math(let expression, let by): return try math(expression, by, traverser)
    case .text(let function, let scope): return try text(function, scope, value)
    case .format(let format, let by): return try self.format(format, by, traverser)
    case .concat(let operands): return try concat(operands, traverser)
    case .listFunction(let function, let operand): return try list(function, operand, traverser)
    case .conjoin(let separator): return try conjoin(separator, value)
    case .date(let function): return try date(function, traverser)
    default: return try local(step, traverser)
    }
  }

  private func loops(_ name: String?, _ traverser: Traverser) throws(QueryError) -> Int32 {
    let counter = name == nil ? traverser.loops.last : traverser.loops.last { $0.name == name }
    guard let counter else {
      guard let name else { return 0 }
      throw QueryError(.argument, "loops('\(name)') is not inside of a loop of that name. Write repeat('\(name)', …).")
    }
    return Int32(clamping: counter.count)
  }

  // Select.

  private func select(
    _ pop: Pop, _ labels: [String], _ by: [Projection], _ traverser: Traverser
  ) throws(QueryError) -> Value? {
    if labels.count == 1 {
      guard let object = try scoped(labels[0], pop, traverser) else { return nil }
      return try project(by.first ?? .identity, traverser.with(object))
    }
    var map = ValueMap()
    for (position, label) in labels.enumerated() {
      guard let object = try scoped(label, pop, traverser) else { return nil }
      let projection = by.isEmpty ? .identity : by[position % by.count]
      guard let value = try project(projection, traverser.with(object)) else { return nil }
      map[label] = value
    }
    return .map(map)
  }

  private func select(
    _ pop: Pop, _ key: Value, _ by: Projection, _ traverser: Traverser
  ) throws(QueryError) -> Value? {
    var object: Value?
    if case .map(let map) = traverser.value { object = map[key] }
    if object == nil, case .string(let label) = key { object = try scoped(label, pop, traverser) }
    guard let object else { return nil }
    return try project(by, traverser.with(object))
  }

  // Paths.

  /// A part of the history; nil if an object has no projection.
  func path(_ range: PathRange, _ traverser: Traverser) throws(QueryError) -> Path? {
    var entries = traverser.history?.entries ?? []
    if let to = range.to {
      guard let last = entries.lastIndex(where: { $0.labels.contains(to) }) else { throw missing(to) }
      entries.removeLast(entries.count - last - 1)
    }
    if let from = range.from {
      guard let first = entries.lastIndex(where: { $0.labels.contains(from) }) else { throw missing(from) }
      entries.removeFirst(first)
    }
    var objects: [Value] = []
    for (position, entry) in entries.enumerated() {
      let projection = range.by.isEmpty ? .identity : range.by[position % range.by.count]
      guard let value = try project(projection, traverser.with(entry.value)) else { return nil }
      objects.append(value)
    }
    return Path(objects: objects, labels: entries.map(\.labels))
  }

  private func missing(_ label: String) -> QueryError {
    QueryError(.argument, "The path has no step labelled '\(label)'. Label a step with as('\(label)').")
  }

  // Maps of elements.

  private func valueMap(_ specification: PropertyMap, _ traverser: Traverser) throws(QueryError) -> Value {
    let element = traverser.value
    var map = ValueMap()
    let isVertex: Bool
    switch element {
    case .vertex: isVertex = true
    case .edge: isVertex = false
    case .property: return .map(map)
    default:
      throw QueryError(
        .argument, "valueMap() reads elements, not \(element.typeName). Use it behind vertices or edges.")
    }
    if specification.includesID { map[.token(.id)] = try token(.id, of: element) }
    if specification.includesLabel { map[.token(.label)] = try token(.label, of: element) }
    for (key, value) in context.properties(of: element, keys: specification.keys) {
      let shown: Value =
        specification.keepsProperties ? .property(Property(owner: element, key: key, value: value)) : value
      let entry: Value = isVertex ? .list([shown]) : shown
      guard let by = specification.by else {
        map[key] = entry
        continue
      }
      if let projected = try project(by, traverser.with(entry)) { map[key] = projected }
    }
    return .map(map)
  }

  private func elementMap(_ keys: [String], _ element: Value) throws(QueryError) -> Value {
    var map = ValueMap()
    if case .property(let property) = element {
      if case .vertex = property.owner { map[.token(.id)] = try token(.id, of: element) }
      map[.token(.key)] = .string(property.key)
      map[.token(.value)] = property.value
      return .map(map)
    }
    map[.token(.id)] = try token(.id, of: element)
    map[.token(.label)] = try token(.label, of: element)
    if case .edge(let edge) = element {
      for (end, vertex) in [(Token.in, edge.target), (.out, edge.source)] {
        var reference = ValueMap()
        reference[.token(.id)] = .integer(vertex.id)
        reference[.token(.label)] = .string(context.label(of: vertex))
        map[.token(end)] = .map(reference)
      }
    }
    for (key, value) in context.properties(of: element, keys: keys) { map[key] = value }
    return .map(map)
  }

  private static func indexed(_ value: Value, _ asMap: Bool) -> Value {
    var elements = elements(of: value) ?? [value]
    if case .map(let map) = value {
      elements = map.entries.map { entry in
        var single = ValueMap()
        single[entry.key] = entry.value
        return .map(single)
      }
    }
    guard asMap else {
      return .list(elements.enumerated().map { .list([$1, .integer32(Int32(clamping: $0))]) })
    }
    var map = ValueMap()
    for (position, element) in elements.enumerated() { map[.integer32(Int32(clamping: position))] = element }
    return .map(map)
  }
}
