/// A query that was checked against the graph: its operators, in an order in which inputs precede users.
struct QueryPlan: Sendable {
  /// The maximum number of operators.
  static let maximumNodes = 256

  /// An operator and where its inputs come from.
  struct Step: Sendable {
    var id: Int
    var action: LearningOperator
    /// The name of each input, the position of the step that makes it, and its name there.
    var inputs: [(name: String, step: Int, output: String)]
  }

  let steps: [Step]
  /// The position of the operator with which a batch begins.
  let root: Int
  let traversal: Traversal

  /// - Throws: `LearningError` for a query that cannot be run; its text names the operator or label.
  init(_ definition: QueryDefinition, _ graph: LearningGraph) throws(LearningError) {
    guard definition.nodes.count <= Self.maximumNodes else {
      throw LearningError(.resourceExhausted, "a query has more than \(Self.maximumNodes) operators")
    }
    var producers: [Int: (step: Int, output: String)] = [:]
    var steps: [Step] = []
    for node in definition.nodes {
      let action = try LearningOperator(node.name, node.parameters, graph)
      var inputs: [(name: String, step: Int, output: String)] = []
      for edge in node.inputs where edge.output != "fake" {
        guard let producer = producers[edge.id] else {
          throw LearningError(.invalidArgument, "input \(edge.id) of operator \(node.id) has no source before it")
        }
        inputs.append((edge.input, producer.step, producer.output))
      }
      if case .aggregate = action { throw LearningError(.unimplemented, "a query cannot contain '\(node.name)'") }
      if case .statistics = action { throw LearningError(.unimplemented, "a query cannot contain '\(node.name)'") }
      for name in action.requiredInputs where !inputs.contains(where: { $0.name == name }) {
        throw LearningError(.invalidArgument, "operator \(node.id) (\(node.name)) has no input '\(name)'")
      }
      for edge in node.outputs where edge.output != "fake" {
        guard action.outputs.contains(edge.output) else {
          throw LearningError(.invalidArgument, "operator \(node.id) (\(node.name)) has no output '\(edge.output)'")
        }
        producers[edge.id] = (steps.count, edge.output)
      }
      steps.append(Step(id: node.id, action: action, inputs: inputs))
    }
    let roots = steps.indices.filter { if case .traverse = steps[$0].action { true } else { false } }
    guard roots.count == 1, case .traverse(let traversal) = steps[roots[0]].action else {
      throw LearningError(.invalidArgument, "a query begins with one V() or E(), but there are \(roots.count)")
    }
    (self.steps, root, self.traversal) = (steps, roots[0], traversal)
    try checkSize()
  }

  /// Rejects a query whose batches exceed the limit, as far as that follows from its parameters.
  private func checkSize() throws(LearningError) {
    var rows = [Int](repeating: 0, count: steps.count)
    for (position, step) in steps.enumerated() {
      let sources = step.inputs.map { rows[$0.step] }.max() ?? traversal.batch
      let (count, overflow) = sources.multipliedReportingOverflow(by: step.action.growth)
      guard !overflow, count <= OperatorContext.maximumValues else {
        throw LearningError(
          .resourceExhausted, "a batch would have more than \(OperatorContext.maximumValues) values")
      }
      rows[position] = count
    }
  }

  /// Computes the values of a batch from the answer of its root.
  func values(
    _ first: OperatorAnswer, _ graph: LearningGraph, _ context: OperatorContext
  ) throws -> [(node: Int, answer: OperatorAnswer)] {
    var answers: [OperatorAnswer] = []
    for (position, step) in steps.enumerated() {
      guard position != root else {
        answers.append(first)
        continue
      }
      var inputs = OperatorInputs(tensors: [:])
      for input in step.inputs {
        let answer = answers[input.step]
        if let tensor = answer.tensors[input.output] {
          inputs.tensors[input.name] = tensor
        } else if let sparse = answer.sparse.first(where: { $0.name == input.output }) {
          inputs.tensors[input.name] = .int64(sparse.tensor.values)
        }
      }
      answers.append(try step.action.answer(inputs, graph, context.part(step.id)))
    }
    return zip(steps, answers).compactMap { step, answer in
      if case .sink = step.action { nil } else { (step.id, answer) }
    }
  }
}

extension LearningOperator {
  /// The inputs without which the operator cannot run.
  var requiredInputs: [String] {
    switch self {
    case .statistics, .traverse, .sink: []
    case .lookUpNodes, .degrees: ["nid"]
    case .lookUpEdges: ["eid"]
    case .sample(_, let isFiltered): isFiltered ? ["sid", "filt"] : ["sid"]
    case .negatives, .walk, .subgraph: ["sid"]
    case .conditionalNegatives: ["sid", "did"]
    case .aggregate: ["nid", "segi"]
    }
  }

  /// The names of the tensors of ids that another operator may use.
  var outputs: Set<String> {
    switch self {
    case .traverse(let traversal):
      if case .edges = traversal.elements { ["sid", "did", "eid"] } else { ["nid"] }
    case .sample: ["nid", "eid"]
    case .negatives, .conditionalNegatives, .walk: ["nid"]
    case .subgraph: ["nid", "eid"]
    case .statistics, .sink, .lookUpNodes, .lookUpEdges, .degrees, .aggregate: []
    }
  }

  /// The number of results for each input, as far as it follows from the parameters.
  fileprivate var growth: Int {
    switch self {
    case .sample(let sampling, _): sampling.kind == .full ? 1 : sampling.count
    case .negatives(let sampling): sampling.count
    case .conditionalNegatives(let sampling): sampling.count
    case .walk(let walk): walk.length
    default: 1
    }
  }
}
