import AnalyticsKernels
import GraphStore

/// The number of triangles that contain each vertex. Counts have 32 bits, as clients expect, unless one needs more.
struct TrianglesAlgorithm: Algorithm {
  let names = ["triangles"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let counts = try Clustering.triangles(call.graph, workers: call.workers)
    guard counts.values.allSatisfy({ $0 <= Int32.max }) else {
      return .vertexData(.int64(try counts.map(call.workers) { Int64($0) }))
    }
    return .vertexData(.int32(try counts.map(call.workers) { Int32($0) }))
  }
}
