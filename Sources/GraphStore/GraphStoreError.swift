/// Why a graph could not be loaded, opened or used: what failed, the evidence, and what to do about it.
public struct GraphStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure; callers decide by it, people read the message.
  public enum Code: String, Sendable {
    /// A file, column, label, property or vertex that was named does not exist.
    case notFound
    /// Data that cannot be read as what it was declared to be (a cell, a row, a message).
    case invalidData
    /// Options that contradict each other or name something impossible.
    case invalidArgument
    /// A stored file that is not what its manifest says.
    case damaged
    /// A bound of this implementation (numbers of vertices, sizes) was reached.
    case limitExceeded
    /// The account that memory and files count for has no room; see `StorageAccount`.
    case storageRefused
    /// The operating system refused: no space, no permission, no such device.
    case inputOutput
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, in one sentence, naming the file, label or column.
  public let message: String
  /// What was found, such as the offending value; empty when the message says it all.
  public let evidence: String
  /// What the user can do; empty when nothing sensible can be said.
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
