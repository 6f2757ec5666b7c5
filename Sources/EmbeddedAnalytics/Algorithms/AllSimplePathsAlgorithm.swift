import AnalyticsKernels
import Engines
import GraphStore
import Workers

/// All simple paths from a vertex to a set of targets: one row per path, padded with −1, by which the client finds the end of the
/// path.
struct AllSimplePathsAlgorithm: Algorithm {
  let names = ["all_simple_paths"]
  private let source = Parameter.vertex("source")
  private let targets = Parameter.vertices("target_nodes")
  private let longest = Parameter.integer("cutoff", in: .from(0))
  var parameters: [any AlgorithmParameter] { [source, targets, longest] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, storage) = (call.graph, call.workers.storage)
    guard !graph.hasStringIDs else {
      throw EngineError(
        .unimplemented,
        "algorithm 'all_simple_paths' requires integer vertex ids: the client cannot read paths of string ids",
        hint: "Load the graph with integer ids")
    }
    let targets = Set(try (call[targets] ?? []).compactMap(graph.vertex))
    var vertices = GrowingArray<VertexNumber>(storage: storage)
    var lengths = GrowingArray<UInt32>(storage: storage)
    if let source = try call.vertex(source) {
      let paths = SimplePaths(graph: graph, workers: call.workers)
      try paths.forEach(from: source, to: targets, longest: try call[longest]) { path in
        try lengths.append(UInt32(truncatingIfNeeded: path.count))
        for vertex in path { try vertices.append(vertex) }
      }
    }
    return try table(vertices.values, lengths.values, call)
  }

  private func table(
    _ vertices: [VertexNumber], _ lengths: [UInt32], _ call: AlgorithmCall
  ) throws -> AlgorithmResult {
    let width = Int(lengths.max() ?? 1)
    let (size, isTooLarge) = width.multipliedReportingOverflow(by: lengths.count)
    guard !isTooLarge else {
      throw EngineError(.resourceExhausted, "there are too many paths to return", hint: "Choose a smaller cutoff")
    }
    let rows = try Buffer<Int64>(count: size, storage: call.workers.storage)
    try call.workers.fill(rows.mutableValues, with: -1)
    let ids = OriginalIDs(segments: call.graph.segments)
    var first = 0
    for (row, length) in lengths.enumerated() {
      for place in 0..<Int(length) {
        let id = try ids.integer(Int(vertices[first + place]))
        guard id != -1 || place + 1 < length else {
          throw EngineError(
            .unimplemented, "a path ends in vertex -1, which the client cannot distinguish from the end of a row",
            hint: "Give the vertex another id")
        }
        rows.mutableValues[row * width + place] = id
      }
      first += Int(length)
      if row % 1024 == 0 { try call.workers.cancellation.check() }
    }
    return .tensor(.int64(rows), shape: [lengths.count, width])
  }
}
