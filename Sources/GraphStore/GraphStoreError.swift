/// An error in loading, opening or using a graph: the failure, the evidence, and the remedy.
public struct GraphStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure, for programs; people read the message.
  public enum Code: String, Sendable {
    /// A file, column, label, property or vertex of that name does not exist.
    case notFound
    /// Data (a cell, a row, a message) that cannot be read as its declared type.
    case invalidData
    /// Options that contradict each other or name something impossible.
    case invalidArgument
    /// A stored file that does not match its manifest.
    case damaged
    /// A limit of this implementation (number of vertices, sizes) was reached.
    case limitExceeded
    /// The account that memory and files are charged to has no room; see `StorageAccount`.
    case storageRefused
    /// A system call failed: no space, no permission, no such device.
    case inputOutput
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, in one sentence, naming the file, label or column.
  public let message: String
  /// What was found, such as the offending value. Empty when the message is complete.
  public let evidence: String
  /// The remedy. Empty when there is none.
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
    var text = message
    if !evidence.isEmpty { text += ": " + evidence }
    if !hint.isEmpty { text += ". " + hint }
    return text
  }
}
