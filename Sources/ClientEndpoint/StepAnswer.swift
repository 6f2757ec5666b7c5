import Coordinator
import Engines
import Wire

/// The answer to a step: a head, and the large results that follow it in bodies.
struct StepAnswer {
  /// What comes first.
  let head: RunStepResponseHead
  /// Results that are announced in the head, in order.
  let bodies: [Body]

  /// A large result.
  enum Body {
    /// It is here.
    case bytes([UInt8])
    /// It is fetched while it is sent.
    case stream(ResultStream)
  }

  /// Encodes an outcome as the client parses it.
  init(_ outcome: StepOutcome) {
    var head = RunStepResponseHead()
    var bodies: [Body] = []
    for (key, result) in outcome.results {
      var encoded = OpResult(key: key)
      switch result {
      case .done: break
      case .graph(let graph): encoded.graph = GraphDef(graph)
      case .boundApplication(let key): encoded.result = Array(key.utf8)
      case .context(let context): encoded.result = Array(Self.json(context).utf8)
      case .definedGraph(let graph): encoded.graph = graph
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

  /// Errors quote what the client sent, which may be of any length.
  private static func bounded(_ text: String) -> String {
    text.utf8.count <= maximumErrorBytes
      ? text : String(decoding: text.utf8.prefix(maximumErrorBytes), as: UTF8.self) + "…"
  }

  /// Longest text of an error.
  private static let maximumErrorBytes = 16 << 10

  private static func json(_ context: ContextDescription) -> String {
    JSONValue.object([
      ("context_key", .string(context.key)), ("context_schema", .string(context.schema)),
      ("context_type", .string(context.kind.rawValue)),
    ]).encoded
  }
}
