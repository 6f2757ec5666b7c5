import CPlatform
import Engines
import GraphStore
import Synchronization
import Vocabulary
import Workers

/// Graphs made from other property graphs of the session.
extension EmbeddedAnalyticalEngine {
  /// Returns the objects that an operation works on: those of its parents or, for an operation that names its graph instead, that
  /// graph.
  func subjects(of operation: Operation, _ inputs: [ObjectHandle]) throws -> [ObjectHandle] {
    guard inputs.isEmpty else { return inputs }
    switch operation.type {
    case .copyGraph, .reportGraph, .toDirected, .toUndirected: return [.graph(try operation.text(.graphName))]
    case .getContextData: return [.context(try operation.text(.contextKey))]
    default: return inputs
    }
  }

  /// Copies a graph. A copy shares all files; a reversed one differs from it in its manifest only.
  func copyGraph(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "COPY_GRAPH")
    switch try operation.optionalText(.copyType) ?? "identical" {
    case "identical": return try share(view)
    case "reverse": return try await derive(from: view) { try $0.reversed() }
    case let other:
      throw EngineError(
        .invalidArgument, "COPY_TYPE is '\(other)', which is not a known kind of copy", hint: "Use identical or reverse"
      )
    }
  }

  /// Makes a graph directed or undirected. A graph that is so already is copied.
  func changeDirection(
    _ operation: Operation, _ inputs: [ObjectHandle], directed: Bool
  ) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: operation.traits.name)
    guard view.stored.graph.options.isDirected != directed else { return try share(view) }
    return try await derive(from: view) { directed ? try $0.directed() : try $0.undirected() }
  }

  /// Copies the graph of this session that has the number in the request.
  func createGraphFromNumber(_ operation: Operation) async throws -> AnalyticalResult {
    guard let number = operation.arguments[.vineyardID]?.integer,
      let key = objects.withLock({ $0.key(ofGraph: number) })
    else { throw EngineError.notBuilt(operation) }
    try await wake(.graph(key))
    return try share(try propertyGraph([.graph(key)], for: "CREATE_GRAPH"))
  }

  /// Makes a graph that shares everything with another one but its name and number.
  private func share(_ view: PropertyView) throws -> AnalyticalResult {
    let key = objectKey("graph")
    return try removing(key) {
      try add(
        PropertyView(
          key: key, stored: view.stored, schema: view.schema, layout: view.description.layout, workspace: workspace))
    }
  }

  /// Makes a graph from another one. What the latter hides remains hidden; further properties may be hidden, too.
  private func derive(
    from view: PropertyView, hiding hidden: (label: GraphDerivation.LabelID, properties: [Int])? = nil,
    _ make: @escaping @Sendable (GraphDerivation) throws -> PropertyGraph
  ) async throws -> AnalyticalResult {
    let key = objectKey("graph")
    let directory = "\(workspace)/\(key)"
    let graph = try await pool.run(storage: storage, threads: threads) {
      try make(try GraphDerivation(of: view.stored.graph, directory: directory, workers: $0))
    }
    platform_failpoint("engine-graph-sealed")
    let stored = StoredGraph(graph, StoredFiles(directory))
    var schema = graph.schema.hiding(what: view.schema)
    if let hidden { schema.hide(hidden.properties, of: hidden.label) }
    return try removing(key) {
      try add(
        PropertyView(
          key: key, stored: stored, schema: schema, layout: view.description.layout, workspace: workspace))
    }
  }

  /// Makes a graph with columns of a result as further properties of its vertices.
  func addColumns(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "ADD_COLUMN")
    guard inputs.count > 1, case .context(let key) = inputs[1] else {
      throw EngineError(.invalidArgument, "ADD_COLUMN needs a result as its second parent")
    }
    guard let context = objects.withLock({ $0.contexts[key] }) else { throw Self.notThere("result", key) }
    let wanted = try operation.frameColumns()
    let storage = storage
    return try await derive(from: view) { derivation in
      let columns = try AddedColumns(
        wanted, of: context, for: view, ExportBounds(storage: storage, cancellation: derivation.workers.cancellation))
      return try withExtendedLifetime(columns) { try derivation.adding(columns.columns) }
    }
  }

  /// Makes a graph with a property whose values are lists of the values of others, which are hidden.
  func consolidateColumns(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "CONSOLIDATE_COLUMNS")
    let name = try operation.text(.consolidateColumnsResultColumn)
    let names = try operation.text(.consolidateColumnsColumns).split(separator: ",").map(String.init)
    let labelName = try operation.text(.consolidateColumnsLabel)
    let (label, properties) = try view.schema.label(named: labelName)
    let chosen = try names.map { name throws(EngineError) in try properties.visibleIndex(named: name) }
    guard !chosen.isEmpty, !name.isEmpty, properties.index(named: name) == nil else {
      throw EngineError(
        .invalidArgument, "columns of '\(labelName)' cannot be consolidated as '\(name)'",
        evidence: chosen.isEmpty ? "no columns are named" : "the name is empty or that of a property")
    }
    let types = chosen.map { properties[$0].type }
    guard let first = types.first, types.allSatisfy({ $0 == first }), first.list != nil else {
      throw EngineError(
        .invalidArgument, "only columns of one type among int32, int64, float and double can be consolidated",
        evidence: zip(names, types).map { "'\($0)' is \($1.rawValue)" }.joined(separator: ", "))
    }
    return try await derive(from: view, hiding: (label, chosen)) { try $0.consolidating(label, chosen, as: name) }
  }
}

extension GraphSchema {
  /// Returns the visible vertex or edge label with a name, and its properties.
  fileprivate func label(
    named name: String
  ) throws(EngineError) -> (GraphDerivation.LabelID, [GraphSchema.Property]) {
    if let label = vertexLabel(named: name) { return (.vertex(label), vertexLabels[label].properties) }
    let label = try visibleEdgeLabel(named: name)
    return (.edge(label), edgeLabels[label].properties)
  }

  fileprivate mutating func hide(_ properties: [Int], of label: GraphDerivation.LabelID) {
    for property in properties {
      switch label {
      case .vertex(let label): vertexLabels[label].properties[property].isValid = false
      case .edge(let label): edgeLabels[label].properties[property].isValid = false
      }
    }
  }
}

extension SessionObjects {
  /// Returns the key of the property graph with a number; nil if there is none.
  fileprivate func key(ofGraph number: Int64) -> String? {
    func fits(_ description: GraphDescription) -> Bool {
      description.kind == .property && (description.objectID == number || description.fragmentIDs.contains(number))
    }
    return graphs.first { fits($0.value.description) }?.key
      ?? dormant.first { $0.value.record.kind == .graph && fits($0.value.record.graph.description) }?.key
  }
}
