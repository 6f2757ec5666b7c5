import AnalyticsKernels
import GraphStore
import Workers

/// The tree of shortest paths from a source: for each reached vertex, its predecessor on a path.
struct ShortestPathsAlgorithm: Algorithm {
  let names = ["sssp_path"]
  private let source = Parameter.vertex("source")
  var parameters: [any AlgorithmParameter] { [source] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, workers) = (call.graph, call.workers)
    var pairs = GrowingArray<VertexNumber>(storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    if let source = try call.vertex(source) {
      let distances = try SSSP.run(graph, source: source, workers: workers)
      let distance = distances.mutableValues
      let weights = try EdgeWeights(graph, workers: workers, scratch: scratch)
      // Follows only edges on shortest paths. The search visits each vertex once, so edges of length 0 cannot form a cycle.
      let tree = try SearchTree(graph, from: source, workers: workers, scratch: scratch) { vertex, entry in
        distance[vertex] + weights[entry] == distance[Int(graph.outgoing.neighbours[entry])]
      }
      for (vertex, parent) in tree.predecessor.enumerated() where parent != SearchTree.none {
        try pairs.append(parent)
        try pairs.append(VertexNumber(truncatingIfNeeded: vertex))
      }
      withExtendedLifetime(distances) {}
    }
    return try .ids(of: pairs.values, shape: [pairs.values.count / 2, 2], call)
  }
}
