/// A failure to set up TLS, or of a handshake.
public struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Hashable {
    /// A file cannot be read.
    case unreadable
    /// A file has unexpected contents.
    case malformed
    /// A certificate is not valid at this time.
    case expired
    /// A key belongs to another certificate.
    case mismatch
    /// A peer was rejected, or rejected this side.
    case handshake
  }

  /// The kind of failure.
  public var code: Code
  /// What failed, with the file or the reason.
  public var message: String
  /// The error reported by the system or the library.
  public var evidence: String
  /// What to do about it.
  public var hint: String

  init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = message
    self.evidence = evidence
    self.hint = hint
  }

  /// One line with all non-empty parts.
  public var description: String {
    message + (evidence.isEmpty ? "" : " (\(evidence))") + (hint.isEmpty ? "" : ". \(hint)")
  }
}
