import CNghttp2

/// A failure on an HTTP/2 connection, in the terms of RFC 9113, section 7.
public struct HTTP2Error: Error, Sendable, CustomStringConvertible {
  /// An HTTP/2 error code, as sent in RST_STREAM and GOAWAY frames (RFC 9113, section 7).
  public struct Code: RawRepresentable, Hashable, Sendable {
    /// The 32-bit value on the wire.
    public var rawValue: UInt32
    /// Creates a code from any value: peers may send undefined codes.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No error.
    public static let noError = Code(rawValue: 0x0)
    /// The peer violated the protocol.
    public static let protocolError = Code(rawValue: 0x1)
    /// An internal error of the sender of this code.
    public static let internalError = Code(rawValue: 0x2)
    /// The peer exceeded the flow-control window.
    public static let flowControlError = Code(rawValue: 0x3)
    /// The peer did not acknowledge SETTINGS in time.
    public static let settingsTimeout = Code(rawValue: 0x4)
    /// A frame was received for a half-closed stream.
    public static let streamClosed = Code(rawValue: 0x5)
    /// A frame has an invalid size.
    public static let frameSizeError = Code(rawValue: 0x6)
    /// The stream was not processed; it may be retried.
    public static let refusedStream = Code(rawValue: 0x7)
    /// The stream is no longer wanted.
    public static let cancel = Code(rawValue: 0x8)
    /// The state of header compression is invalid.
    public static let compressionError = Code(rawValue: 0x9)
    /// The peer causes excessive load.
    public static let enhanceYourCalm = Code(rawValue: 0xb)
  }

  /// The code sent to the peer.
  public var code: Code
  /// What failed.
  public var message: String
  /// The facts behind the error: counts, sizes, the library's own message.
  public var evidence: String
  /// What to do about it.
  public var hint: String

  /// Creates an error.
  public init(_ code: Code, _ message: String, evidence: String = "", hint: String = "") {
    self.code = code
    self.message = message
    self.evidence = evidence
    self.hint = hint
  }

  /// One line with all non-empty parts.
  public var description: String {
    var text = message
    if !evidence.isEmpty { text += " (\(evidence))" }
    if !hint.isEmpty { text += "; \(hint)" }
    return text
  }

  /// Makes the error for a negative return value of nghttp2, with the library's explanation as evidence.
  static func library(_ returned: Int, doing action: String) -> HTTP2Error {
    let reason = nghttp2_strerror(Int32(clamping: returned)).map { String(cString: $0) } ?? "code \(returned)"
    let code: Code =
      switch Int32(clamping: returned) {
      case NGHTTP2_ERR_FLOODED.rawValue, NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: .enhanceYourCalm
      case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: .protocolError
      default: .internalError
      }
    return HTTP2Error(code, "HTTP/2 session failed while \(action)", evidence: reason)
  }
}
