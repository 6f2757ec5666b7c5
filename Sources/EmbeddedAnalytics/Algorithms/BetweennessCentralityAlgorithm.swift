import AnalyticsKernels

/// Betweenness centrality as networkx defines it; the generic variant uses edge weights as lengths.
struct BetweennessCentralityAlgorithm: Algorithm {
  let names: [String]
  let isWeighted: Bool
  private let isNormalized = Parameter.flag("normalized", default: true)
  private let countsEndpoints = Parameter.flag("endpoints", default: false)
  var parameters: [any AlgorithmParameter] { [isNormalized, countsEndpoints] }

  static let byEdges = Self(names: ["betweenness_centrality"], isWeighted: false)
  static let byLength = Self(names: ["betweenness_centrality_generic"], isWeighted: true)

  private init(names: [String], isWeighted: Bool) { (self.names, self.isWeighted) = (names, isWeighted) }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let countsEndpoints = try call[countsEndpoints]
    let sums = try Betweenness(graph: call.graph, workers: call.workers, countsEndpoints: countsEndpoints).run(
      isWeighted: isWeighted)
    let count = Double(call.graph.vertexCount)
    var scale = call.graph.isDirected ? 1 : 0.5
    if try call[isNormalized] {
      // The number of pairs that a vertex can be between. If there are none, networkx does not scale.
      let pairs = countsEndpoints ? count * (count - 1) : (count - 1) * (count - 2)
      scale = pairs > 0 ? 1 / pairs : 1
    }
    return .vertexData(.double(try sums.map(call.workers) { $0 * scale }))
  }
}
