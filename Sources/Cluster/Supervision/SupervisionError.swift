/// Why the supervisor did not do what it was asked.
public struct SupervisionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: String, Sendable {
    /// The specification cannot be followed.
    case invalidSpecification
    /// There is such a child already.
    case exists
    /// There is no such child.
    case unknownChild
    /// There are as many children as there may be, or no descriptors or processes are left.
    case exhausted
    /// The process could not be started.
    case notStarted
    /// The child ended or was given up while somebody waited for it.
    case ended
    /// A file of the supervisor cannot be read or written.
    case file
    /// The supervisor starts nothing any more.
    case closed
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why and what to do.
  public let message: String

  /// Makes an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }

  static func file(_ path: String, _ failure: Int32) -> SupervisionError {
    SupervisionError(.file, "Cannot use \(path): \(describe(errno: failure)).")
  }
}
