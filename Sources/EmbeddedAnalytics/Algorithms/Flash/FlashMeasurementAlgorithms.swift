import AnalyticsKernels

/// The weight of a minimum spanning forest. Ignores the direction of edges.
struct FlashSpanningForestAlgorithm: Algorithm {
  let names = ["flash_msf", "flash_msf_block"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let graph = try call.graph.undirected(call.workers)
    return try .number(try SpanningForest.weight(graph, workers: call.workers), call)
  }
}

/// The greatest distance in edges between two connected vertices. Ignores the direction of edges.
struct FlashDiameterAlgorithm: Algorithm {
  let names = ["flash_diameter_approx", "flash_diameter_approx_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    try .count(try Diameter.run(call.graph, workers: call.workers), call)
  }
}

/// The distance of each vertex to the nearest of k centres; −1 if it is connected with none. Ignores the direction of edges.
struct FlashCentresAlgorithm: Algorithm {
  let names = ["flash_k_center"]
  private let number = Parameter.integer("k", default: 5, in: .from(1))
  var parameters: [any AlgorithmParameter] { [number] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int32(try Diameter.toCentres(call.graph, number: try call[number], workers: call.workers)))
  }
}
