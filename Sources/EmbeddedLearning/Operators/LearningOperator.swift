import GraphStore

/// An operator with its parameters, checked against the graph. Operators of single requests and of queries have the same
/// parameters under slightly different names.
enum LearningOperator: Sendable {
  case statistics
  case traverse(Traversal)
  case lookUpNodes(NodeTable)
  case lookUpEdges(EdgeRelation)
  case degrees(EdgeRelation, isIncoming: Bool)
  case sample(NeighbourSampling, isFiltered: Bool)
  case negatives(NegativeSampling)
  case conditionalNegatives(ConditionalNegatives)
  case walk(RandomWalk)
  case subgraph(SubgraphSampling)
  case aggregate(Aggregation)
  /// The end of a query.
  case sink

  /// The maximum of a batch, a number of neighbours, the length of a walk or the number of segments.
  static let maximumCount = 1 << 24

  /// - Throws: `LearningError` with code UNIMPLEMENTED for an unknown operator, NOT_FOUND for an unknown label, INVALID_ARGUMENT
  ///   for other parameters.
  init(_ name: String, _ parameters: TensorList, _ graph: LearningGraph) throws(LearningError) {
    let parameters = OperatorParameters(parameters)
    switch name {
    case "GetStats": self = .statistics
    case "Sink": self = .sink
    case "GetNodes":
      self = .traverse(
        Traversal(
          elements: try parameters.vertices(graph), order: try parameters.order("nt"),
          batch: try parameters.count("bs", in: "si", at: 1)))
    case "GetEdges":
      self = .traverse(
        Traversal(
          elements: .edges(try graph.relation(try parameters.edgeType())), order: try parameters.order("et"),
          batch: try parameters.count("bs")))
    case "LookupNodes": self = .lookUpNodes(try graph.table(try parameters.text("nt")))
    case "LookupEdges": self = .lookUpEdges(try graph.relation(try parameters.edgeType()))
    case "GetDegree":
      let relation = try graph.relation(try parameters.edgeType())
      self = .degrees(relation, isIncoming: try parameters.nodeFrom() == 1)
    case "RandomNegativeSampler":
      self = .negatives(try parameters.negatives(.random(try graph.relation(try parameters.edgeType()))))
    case "InDegreeNegativeSampler", "SoftInDegreeNegativeSampler":
      let relation = try graph.relation(try parameters.edgeType())
      self = .negatives(try parameters.negatives(.inDegree(relation, isStrict: name == "InDegreeNegativeSampler")))
    case "NodeWeightNegativeSampler":
      self = .negatives(try parameters.negatives(.nodeWeight(try graph.table(try parameters.edgeType()))))
    case "ConditionalNegativeSampler": self = .conditionalNegatives(try parameters.conditionalNegatives(graph))
    case "RandomWalk": self = .walk(try parameters.walk(graph))
    case "SubGraphSampler":
      let counts = try parameters.list.integers("nbc").map { Int(clamping: $0) }
      guard counts.count <= 16 else { throw LearningError(.invalidArgument, "a subgraph has more than 16 hops") }
      self = .subgraph(
        SubgraphSampling(
          relation: try graph.relation(try parameters.text("nbrt")), counts: counts,
          hasDistances: try parameters.list.integer("need_dist") == 1))
    default:
      if let kind = NeighbourSampling.Kind(rawValue: name) {
        self = .sample(try parameters.sampling(kind, graph), isFiltered: try parameters.isFiltered())
      } else if let kind = Aggregation.Kind(rawValue: name) {
        self = .aggregate(
          Aggregation(
            kind: kind, table: try graph.table(try parameters.text("nt")),
            segments: try parameters.count("ns", least: 0)))
      } else {
        throw LearningError(.unimplemented, "there is no operator '\(name)'")
      }
    }
  }

  /// Computes the answer of every operator but traversals, which have a state.
  /// - Throws: `LearningError` when an input is missing or does not fit; `StorageRefusal`; `CancellationError`.
  func answer(_ inputs: OperatorInputs, _ graph: LearningGraph, _ context: OperatorContext) throws -> OperatorAnswer {
    switch self {
    case .statistics:
      var answer = OperatorAnswer()
      answer.parameters = ["bs": .int32([0])]
      for (name, count) in graph.statistics { answer.tensors[name] = .int32([Int32(clamping: count)]) }
      return answer
    case .traverse, .sink: return OperatorAnswer()
    case .lookUpNodes(let table):
      let rows = try table.numbers(try inputs.integers("nid"), context.workers)
      try context.claim(rows: rows.count, of: table.attributes.width)
      return try table.attributes.answer(rows, context.workers)
    case .lookUpEdges(let relation):
      // An edge id alone identifies the edge; the sources are not needed.
      let rows = try inputs.integers("eid").map { edge in
        edge >= 0 && edge < Int64(relation.count) ? Int(relation.adjacency.edges[Int(edge)]) : -1
      }
      try context.claim(rows: rows.count, of: relation.attributes.width)
      return try relation.attributes.answer(rows, context.workers)
    case .degrees(let relation, let isIncoming):
      let table = isIncoming ? relation.destination : relation.source
      let adjacency = isIncoming ? relation.opposite : relation.adjacency
      let rows = try table.numbers(try inputs.integers("nid"), context.workers)
      try context.claim(rows: rows.count, of: 1)
      var answer = OperatorAnswer()
      answer.parameters = ["bs": .int32([Int32(rows.count)])]
      answer.tensors = ["dg": .int32(rows.map { $0 < 0 ? -1 : Int32(clamping: adjacency.degree($0)) })]
      return answer
    case .sample(let sampling, let isFiltered):
      let excluded = isFiltered ? try inputs.integers("filt") : nil
      return try sampling.answer(try inputs.integers("sid"), excluded: excluded, context)
    case .negatives(let sampling): return try sampling.answer(try inputs.integers("sid"), context)
    case .conditionalNegatives(let sampling):
      return try sampling.answer(try inputs.integers("sid"), try inputs.integers("did"), context)
    case .walk(let walk): return try walk.answer(try inputs.integers("sid"), context)
    case .subgraph(let sampling):
      let destinations = inputs.tensors["did"] == nil ? [] : try inputs.integers("did")
      return try sampling.answer(try inputs.integers("sid"), destinations, context)
    case .aggregate(let aggregation):
      return try aggregation.answer(try inputs.integers("nid"), try inputs.integers("segi"), context)
    }
  }
}
