/// Why bytes from outside are not the message they should be.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure, for callers that react to them differently.
  public enum Code: Sendable, Equatable {
    /// The bytes break the wire format: cut off, a bad varint or tag, a length beyond the end, a wrong wire type.
    case malformed
    /// Messages are nested deeper than ``WireLimits/nesting``.
    case tooDeep
    /// The message would take more memory than its size justifies, or a size in it overflows.
    case tooLarge
    /// A text is not UTF-8, or holds a NUL character.
    case invalidText
    /// A number or a type name that this version of the protocol does not know.
    case unknownValue
    /// Something that must be there is not.
    case missing
  }

  /// The kind of failure.
  public let code: Code
  /// What failed and why.
  public let message: String
  /// Where, and the value found there. May be empty.
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
    let sentence = message.hasSuffix(".") ? String(message.dropLast()) : message
    return sentence + (evidence.isEmpty ? "" : " (\(evidence))") + (hint.isEmpty ? "" : ". \(hint)")
  }
}

/// Bounds on what a message may cost before anybody has looked at its contents.
public enum WireLimits {
  /// Levels of messages within messages. The deepest message of the protocol that a client sends has eleven;
  /// values may contain lists of lists without end.
  public static let nesting = 64

  /// Memory the generated structs of a message of `byteCount` bytes may take, in bytes. An empty element of two
  /// bytes becomes a struct of a hundred, so the fixed part lets a small message expand and the other keeps a large
  /// one in proportion.
  public static func memory(byteCount: Int) -> Int { (16 << 20) + 4 * byteCount }
}
