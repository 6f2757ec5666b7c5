import AnalyticsKernels
import GraphStore

/// Whether a list of vertices is a path that visits none of them more than once.
struct IsSimplePathAlgorithm: Algorithm {
  let names = ["is_simple_path"]
  private let nodes = Parameter.vertices("nodes", isOfAnyType: true)
  var parameters: [any AlgorithmParameter] { [nodes] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let ids = try call[nodes] ?? []
    let path = ids.compactMap(call.graph.vertex)
    let isPath =
      !ids.isEmpty && path.count == ids.count && Set(path).count == path.count
      && zip(path, path.dropFirst()).allSatisfy { vertex, next in
        !call.graph.outgoing.entries(of: Int(vertex), to: Int(next)).isEmpty
      }
    return try .flag(isPath, call)
  }
}
