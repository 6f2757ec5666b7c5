import QueryAlgebra
import QueryValues

/// What strategies of the source change.
struct GremlinStrategies {
  /// A condition that all vertices must meet.
  var vertices: Traversal?
  /// A condition that all edges must meet.
  var edges: Traversal?
  /// Whether projections yield null where they would yield nothing; the keys that are excepted.
  var productive: (isOn: Bool, except: Set<String>) = (false, [])
  /// Whether steps over edges must name labels.
  var needsLabels = false

  func filterVertices(_ steps: [TraversalStep]) -> [TraversalStep] {
    vertices.map { steps + [TraversalStep(.filter($0))] } ?? steps
  }

  func filterEdges(_ steps: [TraversalStep]) -> [TraversalStep] {
    edges.map { steps + [TraversalStep(.filter($0))] } ?? steps
  }

  func makesProductive(_ projection: Projection) -> Bool {
    guard productive.isOn else { return false }
    switch projection {
    case .property(let key): return !productive.except.contains(key)
    case .traversal: return true
    default: return false
    }
  }

  func checkLabels(_ labels: [String], _ step: String) throws(QueryError) {
    guard needsLabels, labels.isEmpty else { return }
    throw QueryError(
      .syntax, "The provided traversal contains a vertex step without any specified edge label: \(step)(). Name labels."
    )
  }
}

extension GremlinCompiler {
  /// Applies a call of the source, such as `withSack`.
  mutating func applySource(_ instruction: Bytecode.Instruction) throws(QueryError) {
    let call = GremlinCall(instruction)
    switch call.name {
    case "withSack": try applySack(call)
    case "withSideEffect":
      try call.count(2...3)
      let reducer = call.arguments.count > 2 ? try binaryFunction(call.arguments[2], call.name) : nil
      query.sideEffects.append(
        TraversalQuery.SideEffectDefinition(
          name: try call.arguments[0].text(call.name), initial: try call.arguments[1].value(call.name), reducer: reducer
        ))
    case "with": try applyOption(call)
    case "withPath": need(.all)
    case "withBulk":
      if case .value(.boolean(let counts))? = call.arguments.first { query.countsBulk = counts }
    case "withStrategies":
      for argument in call.arguments {
        guard case .strategy(let name, let settings) = argument else { throw call.mistake("takes strategies.") }
        try apply(name, settings)
      }
    case "withoutStrategies": break
    default:
      throw QueryError(
        .unsupported, "\(call.name)() is not supported: queries run on this graph, without a graph computer.")
    }
  }

  private mutating func applySack(_ call: GremlinCall) throws(QueryError) {
    try call.count(1...3)
    var merge: BinaryFunction?
    for argument in call.arguments.dropFirst() { merge = try binaryFunction(argument, "withSack") }
    query.sack = TraversalQuery.SackDefinition(initial: try call.arguments[0].value("withSack"), merge: merge)
  }

  private mutating func applyOption(_ call: GremlinCall) throws(QueryError) {
    try call.count(1...2)
    let name = try call.arguments[0].text("with")
    if name == "evaluationTimeout" || name == "scriptEvaluationTimeout" {
      query.timeout = try call.integer(1)
    }
  }

  private mutating func apply(
    _ name: String, _ settings: [(key: String, value: Bytecode.Argument)]
  ) throws(QueryError) {
    func setting(_ key: String) -> Bytecode.Argument? {
      settings.first { $0.key == key }.map { GremlinCall.unbound($0.value) }
    }
    switch name {
    case "SubgraphStrategy": try applySubgraph(setting)
    case "PartitionStrategy": try applyPartition(setting)
    case "ProductiveByStrategy":
      strategies.productive = (
        true, Set(try setting("productiveKeys").map { keys throws(QueryError) in try Self.texts(keys) } ?? [])
      )
    case "EdgeLabelVerificationStrategy":
      if case .value(.boolean(true))? = setting("throwException") { strategies.needsLabels = true }
    case "SeedStrategy":
      query.seed = UInt64(bitPattern: try setting("seed")?.integer(name) ?? 0)
    case "OptionsStrategy":
      if let timeout = setting("evaluationTimeout") { query.timeout = try timeout.integer(name) }
    default:
      guard Self.harmless.contains(name) else {
        throw QueryError(.unsupported, "The strategy \(name) is not supported. Run the traversal without it.")
      }
    }
  }

  private static func texts(_ argument: Bytecode.Argument) throws(QueryError) -> [String] {
    var call = GremlinCall(Bytecode.Instruction("withStrategies"))
    if case .value(.set(let values)) = argument {
      call.arguments = [.value(.list(values))]
    } else {
      call.arguments = [argument]
    }
    return try call.texts()
  }

  /// Strategies that change how a traversal runs elsewhere, but not what it yields.
  private static let harmless: Set<String> = [
    "AdjacentToIncidentStrategy", "ByModulatorOptimizationStrategy", "ComputerFinalizationStrategy",
    "ComputerVerificationStrategy", "ConnectiveStrategy", "CountStrategy", "EarlyLimitStrategy",
    "FilterRankingStrategy",
    "GraphFilterStrategy", "HaltedTraverserStrategy", "IdentityRemovalStrategy", "IncidentToAdjacentStrategy",
    "InlineFilterStrategy", "LambdaRestrictionStrategy", "LazyBarrierStrategy", "MatchAlgorithmStrategy",
    "MatchPredicateStrategy", "MessagePassingReductionStrategy", "OrderLimitStrategy", "PathProcessorStrategy",
    "PathRetractionStrategy", "ProfileStrategy", "ReadOnlyStrategy", "ReferenceElementStrategy", "RepeatUnrollStrategy",
    "RequirementsStrategy", "ReservedKeysVerificationStrategy", "SideEffectStrategy", "SackStrategy",
    "StandardVerificationStrategy", "VertexProgramRestrictionStrategy",
  ]

  private mutating func applySubgraph(_ setting: (String) -> Bytecode.Argument?) throws(QueryError) {
    if setting("vertexProperties") != nil {
      throw QueryError(
        .unsupported, "SubgraphStrategy with vertexProperties is not supported. Filter properties in the traversal.")
    }
    let vertices = try setting("vertices").map { argument throws(QueryError) in
      try traversal(argument, of: "SubgraphStrategy")
    }
    var edges = try setting("edges").map { argument throws(QueryError) in
      try traversal(argument, of: "SubgraphStrategy")
    }
    var checksEnds = true
    if case .value(.boolean(false))? = setting("checkAdjacentVertices") { checksEnds = false }
    if let vertices, checksEnds {
      let ends = [EdgeEnd.out, .in].map { Traversal([TraversalStep(.ends($0)), TraversalStep(.filter(vertices))]) }
      edges = Traversal([TraversalStep(.and([edges].compactMap(\.self) + ends))])
    }
    strategies.vertices = vertices
    strategies.edges = edges
  }

  private mutating func applyPartition(_ setting: (String) -> Bytecode.Argument?) throws(QueryError) {
    guard let key = try setting("partitionKey")?.text("PartitionStrategy") else {
      throw QueryError(.syntax, "PartitionStrategy needs a partitionKey.")
    }
    let partitions = try setting("readPartitions").map { names throws(QueryError) in try Self.texts(names) } ?? []
    let condition = Traversal([TraversalStep(.has(.property(key), .within(partitions.map(Value.string))))])
    strategies.vertices = condition
    strategies.edges = condition
  }
}
