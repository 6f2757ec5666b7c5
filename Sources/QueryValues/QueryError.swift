/// Why a query was rejected or stopped, in the classes of openCypher, which every endpoint maps to its own codes.
public struct QueryError: Error, Sendable, CustomStringConvertible {
  /// The class of the mistake.
  public enum Kind: String, Sendable {
    /// The text is no query: syntax, names, scopes, types known before it runs. A mistake of the client.
    case syntax = "SyntaxError"
    /// Values of types that the operation does not take.
    case type = "TypeError"
    /// Values of the right type that the operation does not take.
    case argument = "ArgumentError"
    /// Division by zero and overflow.
    case arithmetic = "ArithmeticError"
    /// What the query names does not exist.
    case notFound = "EntityNotFound"
    /// A parameter is missing.
    case parameter = "ParameterMissing"
    /// A procedure does not exist or is called in the wrong way.
    case procedure = "ProcedureError"
    /// What GraphScope's coordinator does not do, by name.
    case unsupported = "Unsupported"
    /// The query took longer than it may.
    case timeout = "Timeout"
    /// Somebody ended the query.
    case cancelled = "Cancelled"
    /// The query needs more memory than it may use.
    case memory = "OutOfMemory"
    /// A fault of ours.
    case `internal` = "InternalError"
  }

  /// The class of the mistake.
  public var kind: Kind
  /// The detail that openCypher's compatibility kit names, such as `UndefinedVariable`; empty if there is none.
  public var detail: String
  /// What failed, why, and what to do.
  public var message: String
  /// The position in the query's text, counted in Unicode scalars from 0; nil if the mistake has none.
  public var offset: Int?

  /// Creates an error.
  public init(_ kind: Kind, detail: String = "", _ message: String, offset: Int? = nil) {
    self.kind = kind
    self.detail = detail
    self.message = message
    self.offset = offset
  }

  /// The class and the message.
  public var description: String { "\(kind.rawValue)\(detail.isEmpty ? "" : ".\(detail)"): \(message)" }
}
