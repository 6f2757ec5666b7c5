import AnalyticsKernels
import GraphStore

/// Local clustering coefficients: the share of each vertex's pairs of neighbours that are neighbours of each other.
struct LCCAlgorithm: Algorithm {
  let names = ["lcc", "lcc_directed"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.double(try LCC.run(call.graph, workers: call.workers)))
  }
}
