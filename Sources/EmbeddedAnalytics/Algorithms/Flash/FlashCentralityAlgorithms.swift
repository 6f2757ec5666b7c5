import AnalyticsKernels
import GraphStore

/// The dependency of the shortest paths from a source on each other vertex.
struct FlashDependencyAlgorithm: Algorithm {
  let names = ["flash_bc"]
  private let source = Parameter.vertex("source")
  var parameters: [any AlgorithmParameter] { [source] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let betweenness = Betweenness(graph: call.graph, workers: call.workers, countsEndpoints: false)
    let sources = try call.vertex(source).map { Int($0)..<Int($0) + 1 } ?? 0..<0
    return .vertexData(.double(try betweenness.run(from: sources, isWeighted: false)))
  }
}

/// Closeness centrality, as computed by `closeness_centrality`.
struct FlashClosenessAlgorithm: Algorithm {
  let names = ["flash_closeness"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.double(try PathLengths.closeness(call.graph, scales: true, workers: call.workers)))
  }
}

/// Harmonic centrality as networkx defines it.
struct FlashHarmonicAlgorithm: Algorithm {
  let names = ["flash_harmonic"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.double(try PathLengths.harmonic(call.graph, workers: call.workers)))
  }
}

/// Eigenvector centrality, as computed by `eigenvector_centrality` with its defaults.
struct FlashEigenvectorAlgorithm: Algorithm {
  let names = ["flash_eigenvec"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let rounds = 100
    let iteration = PowerIteration(graph: call.graph, workers: call.workers, tolerance: 1e-6, maximumRounds: rounds)
    let (values, hasConverged) = try iteration.eigenvector()
    call.noteConvergence(hasConverged, rounds)
    return .vertexData(.double(values))
  }
}

/// Katz status: the sum of 0.1 to the power of the length of a walk, over the walks of up to 10 edges that end at the vertex.
struct FlashKatzAlgorithm: Algorithm {
  let names = ["flash_katz"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.double(try WalkScores(graph: call.graph, workers: call.workers).katz(alpha: 0.1, length: 10)))
  }
}
