import AnalyticsKernels
import Workers

/// The number of subgraphs of a kind, whether induced or not.
struct FlashSubgraphCountAlgorithm: Algorithm {
  let names: [String]
  let parameters: [any AlgorithmParameter] = []
  private let count: @Sendable (SimpleGraph, Workers) throws -> Int

  static let threePaths = Self("flash_3_path") { try SubgraphCounts(graph: $0, workers: $1).threePaths() }
  static let tailedTriangles = Self("flash_tailed_triangle") {
    try SubgraphCounts(graph: $0, workers: $1).tailedTriangles()
  }
  static let diamonds = Self("flash_diamond") { try SubgraphCounts(graph: $0, workers: $1).diamonds() }
  static let rectangles = Self("flash_rectangle") { try SubgraphCounts(graph: $0, workers: $1).rectangles() }
  static let acyclicTriangles = Self("flash_acyclic_triangle", .acyclic)
  static let cyclicTriangles = Self("flash_cyclic_triangle", .cyclic)
  static let cyclePlusTriangles = Self("flash_cycle_plus_triangle", .cycleAndEdge)
  static let inPlusTriangles = Self("flash_in_triangle", .pairInwards)
  static let outPlusTriangles = Self("flash_out_triangle", .pairOutwards)

  private init(_ name: String, _ count: @escaping @Sendable (SimpleGraph, Workers) throws -> Int) {
    (names, self.count) = ([name], count)
  }

  private init(_ name: String, _ kind: TriangleKind) {
    self.init(name) { try kind.count(in: $0, workers: $1) }
  }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    try .count(try count(call.graph, call.workers), call)
  }
}

/// The number of cliques of k vertices. Ignores the direction of edges.
struct FlashCliqueCountAlgorithm: Algorithm {
  let names = ["flash_k_clique", "flash_k_clique_2"]
  private let size = Parameter.integer("k", default: 5, in: .from(1))
  var parameters: [any AlgorithmParameter] { [size] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    try .count(try Cliques.count(call.graph, size: try call[size], workers: call.workers), call)
  }
}

/// The number of edges per vertex of the innermost core, which is at least half of the greatest of all subgraphs.
struct FlashDensestSubgraphAlgorithm: Algorithm {
  let names = ["flash_densest_sub_2_approx"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    try .number(try CoreNumbers.innermostDensity(call.graph, workers: call.workers), call)
  }
}
