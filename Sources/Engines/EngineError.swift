import Support

/// The failure of an operation: its kind, its cause and the remedy. Endpoints map the kind to a gRPC status, a Python
/// exception or a REST body; the text reaches the client unchanged, except that keys and passwords are redacted.
public struct EngineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure, named after what the client can do about it.
  public enum Code: String, Sendable, CaseIterable {
    /// An argument that is malformed or out of range.
    case invalidArgument
    /// A label, property, algorithm or object of that name does not exist.
    case unknownName
    /// A value that is well-formed but makes no sense in its place.
    case invalidValue
    /// A selector or expression that cannot be parsed.
    case invalidSyntax
    /// The request is well-formed, but does not apply to this kind of object.
    case notApplicable
    /// The request contradicts the state of the object.
    case illegalState
    /// The object is not in a state in which the request can be met.
    case runtimeFailure
    /// A query that the interactive engine rejects, or that yields nothing usable.
    case queryFailure
    /// Loading or computing failed.
    case engineFailure
    /// The backend does not support it.
    case unimplemented
    /// The code of a client's own application could not be built.
    case compilationFailure
    /// A quota or limit was reached.
    case resourceExhausted
    /// The principal is not allowed to do it.
    case permissionDenied
    /// The operation was stopped by its caller, a closing session or a deadline.
    case cancelled
    /// A defect of the coordinator.
    case internalFailure
  }

  /// The kind of failure.
  public let code: Code
  /// What failed and why.
  public let message: String
  /// What was found, such as the offending value. May be empty.
  public let evidence: String
  /// What to do. May be empty.
  public let hint: String

  /// Creates an error; `evidence` and `hint` may be omitted.
  public init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = Redaction.redacted(message)
    self.evidence = Redaction.redacted(evidence)
    self.hint = hint
  }

  /// Message, evidence and hint on one line.
  public var description: String {
    var text = message
    if !evidence.isEmpty { text += ": " + evidence }
    if !hint.isEmpty { text += ". " + hint }
    return text
  }
}
