import Engines
import GraphStore
import Synchronization
import Workers

extension EmbeddedAnalyticalEngine {
  func exportArray(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let (selector, range) = (try operation.selector(), try operation.vertexRange())
    return .archive(try await export(inputs) { try $0.array(selector, range, $1) })
  }

  func exportFrame(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let (columns, range) = (try operation.frameColumns(), try operation.vertexRange())
    return .archive(try await export(inputs) { try $0.frame(columns, range, $1) })
  }

  private func export(
    _ inputs: [ObjectHandle], _ write: @escaping @Sendable (ExportSource, ExportBounds) throws -> [UInt8]
  ) async throws -> [UInt8] {
    let source = try exportSource(inputs)
    // A small export takes less time than switching threads.
    if source.vertexCount < ExportSource.largeCount { return try write(source, ExportBounds(storage: storage)) }
    return try await pool.run(storage: storage, threads: threads) {
      try write(source, ExportBounds(storage: $0.storage, cancellation: $0.cancellation))
    }
  }

  private func exportSource(_ inputs: [ObjectHandle]) throws -> ExportSource {
    switch inputs.first {
    case .context(let key):
      guard let context = objects.withLock({ $0.contexts[key] }) else { throw Self.notThere("result", key) }
      return .result(context)
    case .graph:
      return .graph(try propertyGraph(inputs, for: "GRAPH_TO_NUMPY or GRAPH_TO_DATAFRAME"))
    default:
      throw EngineError(.invalidArgument, "an export needs a result or a graph as its parent")
    }
  }
}
