/// The error of a request that received no response. A response with an error status is not such an error.
public struct HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure, for callers that react to them differently.
  public enum Code: Sendable, Equatable {
    /// The request cannot be sent because it is malformed.
    case invalidRequest
    /// The name of the host has no address.
    case resolve
    /// No server accepts connections at the address.
    case connect
    /// A certificate is missing, wrong or not trusted.
    case tls
    /// The time for connecting, or for the whole exchange, has expired.
    case timeout
    /// The response is larger than the request allows.
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
  /// Method and URL without its query, and the finding of the library. May be empty.
  public let evidence: String
  /// What to do. May be empty.
  public let hint: String

  /// Creates an error; `evidence` and `hint` may be omitted.
  public init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = message
    self.evidence = evidence
    self.hint = hint
  }

  /// Message, evidence and hint on one line.
  public var description: String {
    let sentence = message.hasSuffix(".") ? String(message.dropLast()) : message
    return sentence + (evidence.isEmpty ? "" : " (\(evidence))") + (hint.isEmpty ? "" : ". \(hint)")
  }
}
