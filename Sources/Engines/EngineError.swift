/// Why an operation failed: the kind, the cause and the remedy. Endpoints map the kind to a gRPC status, a Python
/// exception or a REST body; the text reaches the user as it is.
public struct EngineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure, named after what the user can do about it.
  public enum Code: String, Sendable, CaseIterable {
    /// An argument that is malformed or out of range.
    case invalidArgument
    /// A label, property, algorithm or object that was named does not exist.
    case unknownName
    /// A value that is well-formed but makes no sense here.
    case invalidValue
    /// A selector or expression that cannot be parsed.
    case invalidSyntax
    /// What is asked for is well-formed, but this kind of object does not have it.
    case notApplicable
    /// The request contradicts the state of the object.
    case illegalState
    /// The object is not in a shape in which the request can be met.
    case runtimeFailure
    /// A query that the interactive engine refuses, or that gives nothing that can be used.
    case queryFailure
    /// Loading or computing failed.
    case engineFailure
    /// This backend does not offer it.
    case unimplemented
    /// The code of a user's application could not be built.
    case compilationFailure
    /// A quota or bound was reached.
    case resourceExhausted
    /// The caller is not allowed to.
    case permissionDenied
    /// The operation was stopped by its caller, a closing session or a deadline.
    case cancelled
    /// A defect of ours.
    case internalFailure
  }

  /// The kind of failure.
  public let code: Code
  /// What failed and why.
  public let message: String
  /// What was found, such as the offending value; may be empty.
  public let evidence: String
  /// What to do; may be empty.
  public let hint: String

  /// Makes an error; `evidence` and `hint` may be left out.
  public init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = message
    self.evidence = evidence
    self.hint = hint
  }

  /// Message, evidence and hint in one line of text.
  public var description: String {
    var text = message
    if !evidence.isEmpty { text += ": " + evidence }
    if !hint.isEmpty { text += ". " + hint }
    return text
  }
}
