import AnalyticsKernels
import Engines
import GraphStore

/// Label propagation between users and items, the first two vertex labels of a property graph: the first two properties of users
/// are weights of two labels, and the first property of the first edge label is the weight of edges.
struct UserItemLabelsAlgorithm: Algorithm {
  let names = ["lpau2i"]
  let graphs = AlgorithmGraphs.property
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(0))
  var parameters: [any AlgorithmParameter] { [rounds] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let graph = call.graph
    guard graph.segments.count > 1 else {
      throw refusal("two vertex labels, of users and of items", "it has \(graph.segments.count)")
    }
    let (users, items) = (graph.segments[0], graph.segments[1])
    guard case .perEntry = graph.weights else {
      throw refusal("a numeric property of its first edge label", "the first one is missing or not numeric")
    }
    guard users.properties.count > 1 else {
      throw refusal("two numeric properties of vertex label '\(users.label)'", "it has \(users.properties.count)")
    }
    let columns = try users.properties.prefix(2).map { column in
      guard let numbers = NumericColumn(column) else {
        throw refusal(
          "two numeric properties of vertex label '\(users.label)'",
          "'\(column.name)' is of type \(column.type.rawValue)")
      }
      if let place = column.firstMissing {
        throw EngineError(
          .invalidValue,
          "vertex property '\(column.name)' has no value for some vertices, but label propagation needs one",
          evidence: place)
      }
      return numbers
    }
    let labels = UserItemLabels(
      graph: graph, users: users.vertices, items: items.vertices, workers: call.workers)
    // The first round only distributes the labels of users.
    let turns = try call[rounds] - 1
    return .labeledVertexProperties(
      try columns.enumerated().map { place, start in
        ResultColumn(.double(try labels.run(start, turns: turns)), name: "label_\(place)", labelID: users.labelID)
      })
  }

  private func refusal(_ needed: String, _ found: String) -> EngineError {
    EngineError(
      .invalidArgument, "algorithm 'lpau2i' needs a graph with \(needed)", evidence: found,
      hint: "Load or project a graph whose first labels and properties are those")
  }
}
