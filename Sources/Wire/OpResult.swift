import CGraphScopeProto
import Vocabulary

/// The result of one operation.
public struct OpResult: Sendable, Equatable {
  /// Key of the operation.
  public var key: String
  /// How the operation ended. The Python client only looks at the code of the step.
  public var code: ResultCode
  /// Why the operation failed.
  public var errorMessage: String
  /// The result itself when it is small: text, JSON, the key of an application, an archive.
  public var result: [UInt8]
  /// Whether the result is the next buffer in the bodies of the response; ``result`` is then empty.
  public var hasLargeResult: Bool
  /// Measurements of the engine. Clients do not read them.
  public var metrics: String
  /// The graph that the operation made or changed.
  public var graph: GraphDef?

  /// Creates a result.
  public init(
    key: String, code: ResultCode = .ok, errorMessage: String = "", result: [UInt8] = [],
    hasLargeResult: Bool = false, metrics: String = "", graph: GraphDef? = nil
  ) {
    self.key = key
    self.code = code
    self.errorMessage = errorMessage
    self.result = result
    self.hasLargeResult = hasLargeResult
    self.metrics = metrics
    self.graph = graph
  }
}

extension OpResult: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__OpResult>) throws(WireError) {
    let c = c.pointee
    key = try text(c.key, "OpResult.key")
    code = try enumeration(c.code.rawValue, "OpResult.code")
    errorMessage = try text(c.error_msg, "OpResult.error_msg")
    result = bytes(c.result)
    let meta: UnsafeMutablePointer<Gs__Rpc__OpResult__Meta>? = c.meta
    hasLargeResult = meta.map { $0.pointee.has_large_result != 0 } ?? false
    metrics = try text(meta?.pointee.metrics, "OpResult.Meta.metrics")
    let graph: UnsafeMutablePointer<Gs__Rpc__Graph__GraphDefPb>? = c.graph_def
    self.graph = if let graph { try GraphDef(reading: graph) } else { nil }
  }

  func fill(_ c: inout Gs__Rpc__OpResult, in arena: Arena) {
    c.key = arena.text(key)
    c.code = Gs__Rpc__Code(number(code))
    c.error_msg = arena.text(errorMessage)
    c.result = arena.bytes(result)
    if hasLargeResult || !metrics.isEmpty {
      c.meta = arena.make(Gs__Rpc__OpResult__Meta.self)
      c.meta.pointee.has_large_result = hasLargeResult ? 1 : 0
      c.meta.pointee.metrics = arena.text(metrics)
    }
    c.graph_def = graph?.build(in: arena)
  }
}
