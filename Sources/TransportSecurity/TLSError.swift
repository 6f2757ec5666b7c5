/// Why TLS cannot be set up, or a handshake failed.
public struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Hashable {
    /// A file cannot be read.
    case unreadable
    /// A file holds something else than it should.
    case malformed
    /// A certificate is not valid at this time.
    case expired
    /// A key belongs to another certificate.
    case mismatch
    /// A peer was refused, or refuses us.
    case handshake
  }

  /// The kind.
  public var code: Code
  /// What failed, with the file or the reason.
  public var message: String
  /// What the system or the library said.
  public var evidence: String
  /// What to do about it.
  public var hint: String

  init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = message
    self.evidence = evidence
    self.hint = hint
  }

  /// One line with all parts that are present.
  public var description: String {
    message + (evidence.isEmpty ? "" : " (\(evidence))") + (hint.isEmpty ? "" : ". \(hint)")
  }
}
