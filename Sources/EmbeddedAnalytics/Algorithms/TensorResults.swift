import AnalyticsKernels
import Engines
import GraphStore
import Workers

extension AlgorithmResult {
  /// Makes a result of a single number.
  static func number(_ value: Double, _ call: AlgorithmCall) throws -> AlgorithmResult {
    let buffer = try Buffer<Double>(count: 1, storage: call.workers.storage)
    buffer.mutableValues[0] = value
    return .tensor(.double(buffer), shape: [1])
  }

  /// Makes a result of a single integer.
  static func count(_ value: Int, _ call: AlgorithmCall) throws -> AlgorithmResult {
    let buffer = try Buffer<Int64>(count: 1, storage: call.workers.storage)
    buffer.mutableValues[0] = Int64(value)
    return .tensor(.int64(buffer), shape: [1])
  }

  /// Makes a result of a single Boolean.
  static func flag(_ value: Bool, _ call: AlgorithmCall) throws -> AlgorithmResult {
    let buffer = try Buffer<Bool>(count: 1, storage: call.workers.storage)
    buffer.mutableValues[0] = value
    return .tensor(.bool(buffer), shape: [1])
  }

  /// Makes a result of the original ids of vertices, in row-major order.
  static func ids(of vertices: [VertexNumber], shape: [Int], _ call: AlgorithmCall) throws -> AlgorithmResult {
    let storage = call.workers.storage
    if call.graph.hasStringIDs {
      let buffer = try Buffer<VertexNumber>(count: vertices.count, storage: storage)
      _ = buffer.mutableValues.update(from: vertices)
      return .tensor(.vertexIDs(buffer), shape: shape)
    }
    let buffer = try Buffer<Int64>(count: vertices.count, storage: storage)
    let ids = OriginalIDs(segments: call.graph.segments)
    for (place, vertex) in vertices.enumerated() {
      buffer.mutableValues[place] = try ids.integer(Int(vertex))
      if place % chunkWork == 0 { try call.workers.cancellation.check() }
    }
    return .tensor(.int64(buffer), shape: shape)
  }
}

extension Buffer {
  /// Returns a buffer of the transformed values.
  func map<Other: BitwiseCopyable>(_ workers: Workers, _ body: (Element) -> Other) throws -> Buffer<Other> {
    let result = try Buffer<Other>(count: values.count, storage: workers.storage)
    let (source, target) = (values, result.mutableValues)
    try workers.forEach(source.count, grain: 1 << 16) { range, _ in
      for index in range { target[index] = body(source[index]) }
    }
    return result
  }
}

extension OriginalIDs {
  /// Returns the integer id of a vertex.
  /// - Throws: `EngineError` if ids are text.
  func integer(_ vertex: Int) throws(EngineError) -> Int64 {
    for segment in segments where segment.vertices.contains(vertex) {
      if case .int64(let ids) = segment.ids { return ids[vertex - segment.vertices.lowerBound] }
    }
    throw EngineError(.internalFailure, "vertex \(vertex) has no integer id")
  }
}
