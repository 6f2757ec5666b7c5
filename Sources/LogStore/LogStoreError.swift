import Support

/// An error in writing or reading logs.
public struct LogStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: String, Sendable {
    /// The pattern or position in a query is invalid.
    case invalidArgument
    /// A system call failed.
    case inputOutput
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why, and what to do.
  public let message: String

  /// Creates an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = Redaction.redacted(message)
  }

  /// Creates the error for a failed system call.
  init(_ error: SystemError) { self.init(.inputOutput, error.description) }

  /// The message.
  public var description: String { message }

  /// Returns the names in a directory.
  static func entries(_ path: String) throws(LogStoreError) -> [String] {
    do { return try Directories.entries(path) } catch { throw LogStoreError(error) }
  }
}
