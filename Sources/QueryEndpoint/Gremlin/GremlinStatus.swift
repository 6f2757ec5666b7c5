import QueryValues

/// How a response of Gremlin Server says what became of a request.
struct GremlinStatus: Sendable, Equatable {
  enum Code: Int32, Sendable {
    case success = 200
    case noContent = 204
    case partialContent = 206
    case unauthorized = 401
    case authenticate = 407
    case malformedRequest = 498
    case invalidArguments = 499
    case serverError = 500
    case evaluationFailed = 597
    case timedOut = 598
    case serializationFailed = 599
  }

  let code: Code
  let message: String
  /// The classes of the failure, for the attributes `exceptions` and `stackTrace`; empty if there is none.
  let exceptions: [String]

  init(_ code: Code, _ message: String = "", exceptions: [String] = []) {
    self.code = code
    self.message = message
    self.exceptions = exceptions
  }

  init(_ error: QueryError) {
    let code: Code =
      switch error.kind {
      case .syntax, .type, .argument, .arithmetic, .notFound, .parameter, .procedure, .unsupported: .evaluationFailed
      case .timeout: .timedOut
      case .cancelled, .memory, .internal: .serverError
      }
    self.init(code, error.message, exceptions: [error.kind.rawValue + (error.detail.isEmpty ? "" : ".\(error.detail)")])
  }

  /// The attributes that drivers show with a failure.
  var attributes: [(key: String, value: Value)] {
    guard !exceptions.isEmpty else { return [] }
    return [
      ("exceptions", .list(exceptions.map { .string($0) })), ("stackTrace", .string("\(exceptions[0]): \(message)")),
    ]
  }
}
