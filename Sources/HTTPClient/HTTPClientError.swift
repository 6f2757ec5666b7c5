/// Why a request got no answer. Answers with a status of failure are no errors here: their status says it.
public struct HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure, for callers that react to them differently.
  public enum Code: Sendable, Equatable {
    /// The request cannot be sent as it is.
    case invalidRequest
    /// The name of the host has no address.
    case resolve
    /// Nobody answers at the address.
    case connect
    /// A certificate is missing, wrong or not trusted.
    case tls
    /// The time for connecting or for the whole exchange is over.
    case timeout
    /// The answer is larger than the request allows.
    case tooLarge
    /// The connection broke or the server does not speak HTTP.
    case transfer
    /// More requests are open than ``HTTPClientConfiguration/maximumOpenRequests``.
    case busy
    /// The client is closed.
    case closed
  }

  /// The kind of failure.
  public let code: Code
  /// What failed and why.
  public let message: String
  /// Method and URL, without its query, and what the library found. May be empty.
  public let evidence: String
  /// What to do about it. May be empty.
  public let hint: String

  /// An error with its evidence and the remedy.
  public init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = message
    self.evidence = evidence
    self.hint = hint
  }

  /// Message, evidence and hint in one line.
  public var description: String {
    message + (evidence.isEmpty ? "" : " (\(evidence))") + (hint.isEmpty ? "" : ". \(hint)")
  }
}
