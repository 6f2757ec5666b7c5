import AnalyticsKernels

/// Whether there is a path from one vertex to another.
struct HasPathAlgorithm: Algorithm {
  let names = ["sssp_has_path"]
  private let source = Parameter.vertex("source")
  private let target = Parameter.vertex("target")
  var parameters: [any AlgorithmParameter] { [source, target] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    guard let source = try call.vertex(source), let target = try call.vertex(target) else {
      return try .flag(false, call)
    }
    let depths = try BFS.run(call.graph, source: source, workers: call.workers)
    return try .flag(depths.values[Int(target)] != BFS.unreachable, call)
  }
}
