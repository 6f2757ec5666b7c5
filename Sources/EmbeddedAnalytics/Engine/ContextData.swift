import AnalyticsKernels
import Engines
import GraphStore
import JSON
import Synchronization
import Vocabulary
import Workers

extension EmbeddedAnalyticalEngine {
  /// Returns the result for one node as JSON: pairs of a node that can be reached from it and the length of a shortest path.
  func contextData(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    guard case .context(let key) = inputs.first, let context = objects.withLock({ $0.contexts[key] }) else {
      throw Self.notThere("result", try operation.text(.contextKey))
    }
    guard case .pathLengths = context.result else {
      throw EngineError(
        .notApplicable, "this result has one value per vertex and is not read node by node", hint: "Use to_dataframe()")
    }
    let text = try operation.text(.node)
    let id: VertexID? =
      switch try? JSONValue(parsing: text) {
      case .integer(let id): .int64(id)
      case .string(let id): .string(id)
      default: nil
      }
    let graph = context.graph.graph
    guard let id, let source = graph.vertex(id) else {
      throw EngineError(.unknownName, "the graph of this result has no node \(text)")
    }
    return .value(
      Array(
        try await pool.run(storage: storage, threads: threads) {
          try Self.lengths(graph, source, $0)
        }.utf8))
  }

  private static func lengths(_ graph: SimpleGraph, _ source: VertexNumber, _ workers: Workers) throws -> String {
    var pairs: [JSONValue] = []
    func add(_ vertex: Int, _ length: JSONValue) {
      guard let segment = graph.segments.first(where: { $0.vertices.contains(vertex) }) else { return }
      let id: JSONValue =
        switch segment.ids.id(vertex - segment.vertices.lowerBound) {
        case .int64(let id): .integer(id)
        case .string(let id): .string(id)
        }
      pairs.append(.array([id, length]))
    }
    if case .none = graph.weights {
      let lengths = try BFS.run(graph, source: source, workers: workers)
      for (vertex, length) in lengths.values.enumerated() where length != .max { add(vertex, .integer(length)) }
    } else {
      let lengths = try SSSP.run(graph, source: source, workers: workers)
      for (vertex, length) in lengths.values.enumerated() where length < .greatestFiniteMagnitude {
        add(vertex, .double(length))
      }
    }
    return JSONValue.array(pairs).encoded
  }
}
