import AnalyticsKernels
import Engines
import GraphStore
import Workers

/// For each degree, the mean degree of the neighbours of the vertices with that degree, weighted if the edges have weights.
struct AverageDegreeConnectivityAlgorithm: Algorithm {
  let names = ["average_degree_connectivity"]
  private let source = Parameter.choice("source", default: "in+out", of: DegreeKind.allCases.map(\.rawValue))
  private let target = Parameter.choice("target", default: "in+out", of: DegreeKind.allCases.map(\.rawValue))
  var parameters: [any AlgorithmParameter] { [source, target] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, workers) = (call.graph, call.workers)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let kind = try DegreeKind(rawValue: call[source]) ?? .both
    let target = try graph.degrees(
      DegreeKind(rawValue: call[target]) ?? .both, isWeighted: false, workers: workers, scratch: scratch)
    let degree = try graph.degrees(kind, isWeighted: false, workers: workers, scratch: scratch)
    let weight = try graph.degrees(kind, isWeighted: true, workers: workers, scratch: scratch)
    let received = try scratch.reserve(Double.self, count: graph.vertexCount)
    // Follows outgoing edges, unless incoming degrees are requested.
    let matrix = try AdjacencyMatrix(
      graph, transposed: kind == .incoming, .any("degrees"), workers: workers, scratch: scratch)
    _ = try matrix.multiply(target, partialSums: try matrix.partialSums(scratch)) { vertex, sum in
      received[vertex] = sum
      return 0
    }
    // There are at most as many distinct degrees as vertices, and at most the square root of twice the number of edges.
    var sums: [Double: (received: Double, weight: Double)] = [:]
    for vertex in degree.indices {
      let before = sums[degree[vertex], default: (0, 0)]
      sums[degree[vertex]] = (before.received + received[vertex], before.weight + weight[vertex])
    }
    let result = try Buffer<Double>(count: 2 * sums.count, storage: workers.storage)
    for (row, (degree, sum)) in sums.sorted(by: { $0.key < $1.key }).enumerated() {
      result.mutableValues[2 * row] = degree
      result.mutableValues[2 * row + 1] = sum.weight == 0 ? sum.received : sum.received / sum.weight
    }
    return .tensor(.double(result), shape: [sums.count, 2])
  }
}
