import Coordinator
import Engines
import JSON
import Wire

/// The answer to a step: a head, followed by large results in bodies.
struct StepAnswer {
  /// The first message.
  let head: RunStepResponseHead
  /// The results that the head announces, in order.
  private(set) var bodies: [Body]

  /// A large result.
  enum Body {
    /// The result is in memory.
    case bytes([UInt8])
    /// The result is in a file.
    case file(Spool)
    /// The result is fetched while it is sent.
    case stream(ResultStream)
  }

  /// Encodes an outcome for the client.
  /// - Throws: `WireError` when an engine's description of a graph cannot be decoded.
  init(_ outcome: StepOutcome) throws(WireError) {
    var head = RunStepResponseHead()
    var bodies: [Body] = []
    for (key, result) in outcome.results {
      var encoded = OpResult(key: key)
      switch result {
      case .done: break
      case .graph(let graph): encoded.graph = GraphDef(graph)
      case .boundApplication(let key): encoded.result = Array(key.utf8)
      case .context(let context): encoded.result = Array(Self.json(context).utf8)
      case .encodedGraph(let graph): encoded.graph = try GraphDef.decode(graph.definition)
      case .value(let bytes): encoded.result = bytes
      case .archive(let bytes):
        encoded.hasLargeResult = true
        bodies.append(.bytes(bytes))
      case .stream(let stream):
        encoded.hasLargeResult = true
        bodies.append(.stream(stream))
      }
      head.results.append(encoded)
    }
    if let failure = outcome.failure {
      let (code, exception) = failure.error.clientForm
      let text = Self.bounded(failure.error.description)
      head.code = code
      head.errorMessage = text
      head.exception = PickledException.encode(exception, text)
      head.results.append(OpResult(key: failure.key, code: code, errorMessage: text))
    }
    self.head = head
    self.bodies = bodies
  }

  /// Moves the results in memory for which `hasRoom` returns false to files that `spool` writes.
  mutating func moveToFiles(
    unless hasRoom: (_ bytes: Int) async -> Bool, _ spool: ([UInt8]) async throws -> Spool
  ) async throws {
    for index in bodies.indices {
      guard case .bytes(let result) = bodies[index], await !hasRoom(result.count) else { continue }
      bodies[index] = .file(try await spool(result))
    }
  }

  /// Truncates the text of an error, because errors quote client input of any length.
  private static func bounded(_ text: String) -> String {
    text.utf8.count <= maximumErrorBytes
      ? text : String(decoding: text.utf8.prefix(maximumErrorBytes), as: UTF8.self) + "…"
  }

  /// Longest text of an error, in bytes.
  private static let maximumErrorBytes = 16 << 10

  private static func json(_ context: ContextDescription) -> String {
    JSONValue.object([
      ("context_key", .string(context.key)), ("context_schema", .string(context.schema)),
      ("context_type", .string(context.kind.rawValue)),
    ]).encoded
  }
}
