/// The error for bytes from outside that are not a valid message.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure, for callers that react to them differently.
  public enum Code: Sendable, Equatable {
    /// The bytes violate the wire format: truncated data, a bad varint or tag, a length beyond the end, a wrong wire type.
    case malformed
    /// Messages are nested deeper than ``WireLimits/nesting``.
    case tooDeep
    /// The message would take more memory than its size justifies, or a size in it overflows.
    case tooLarge
    /// A text is not UTF-8, or holds a NUL character.
    case invalidText
    /// A number or type name that this version of the protocol does not define.
    case unknownValue
    /// A required element is missing.
    case missing
  }

  /// The kind of failure.
  public let code: Code
  /// What failed and why.
  public let message: String
  /// Where, and the value found there. May be empty.
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

/// Limits on what a message may cost before its contents are examined.
public enum WireLimits {
  /// The maximum depth of nested messages. The deepest message that a client of this protocol sends has eleven levels, but values
  /// may contain lists of lists of any depth.
  public static let nesting = 64

  /// Returns the maximum memory, in bytes, for the generated structs of a message of `byteCount` bytes. An empty element of two
  /// bytes becomes a struct of a hundred bytes: the constant part lets a small message expand, the other keeps a large one in
  /// proportion.
  public static func memory(byteCount: Int) -> Int { (16 << 20) + 4 * byteCount }
}
