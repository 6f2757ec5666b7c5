import AnalyticsKernels
import Workers

/// The correlation of the degrees at the two ends of edges.
struct DegreeAssortativityAlgorithm: Algorithm {
  let names = ["degree_assortativity_coefficient"]
  private let source = Parameter.choice("x", default: "out", of: ["in", "out"])
  private let target = Parameter.choice("y", default: "in", of: ["in", "out"])
  private let isWeighted = Parameter.flag("weight", default: false)
  var parameters: [any AlgorithmParameter] { [source, target, isWeighted] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, workers, isWeighted) = (call.graph, call.workers, try call[isWeighted])
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let degrees = try [call[source], call[target]].map { kind in
      try graph.degrees(
        kind == "in" ? .incoming : .outgoing, isWeighted: isWeighted, workers: workers, scratch: scratch)
    }
    return try .number(
      Assortativity(graph: graph, workers: workers).correlation(degrees[0], degrees[1]), call)
  }
}
