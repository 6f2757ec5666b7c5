import AnalyticsKernels
import GraphStore
import Workers

/// The tree of a breadth-first search, as pairs of vertices.
struct BFSGenericAlgorithm: Algorithm {
  let names = ["bfs_generic"]
  private let source = Parameter.vertex("source")
  private let depth = Parameter.integer("depth_limit", default: -1, in: .from(-1))
  private let format = Parameter.choice("format", default: "edges", of: ["edges", "predecessors", "successors"])
  var parameters: [any AlgorithmParameter] { [source, depth, format] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (depth, format) = (try call[depth], try call[format])
    var pairs = GrowingArray<VertexNumber>(storage: call.workers.storage)
    let scratch = Scratch(storage: call.workers.storage)
    defer { scratch.free() }
    if let source = try call.vertex(source) {
      let tree = try SearchTree(
        call.graph, from: source, depth: depth < 0 ? .max : depth, workers: call.workers, scratch: scratch)
      // In search order, which is also the order of the children of each parent.
      for vertex in tree.reached.dropFirst() {
        let parent = tree.predecessor[Int(vertex)]
        let isBackwards = format == "predecessors"
        try pairs.append(isBackwards ? vertex : parent)
        try pairs.append(isBackwards ? parent : vertex)
      }
    }
    return try .ids(of: pairs.values, shape: [pairs.values.count / 2, 2], call)
  }
}
