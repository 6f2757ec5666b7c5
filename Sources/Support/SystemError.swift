import CPlatform
import Glibc

/// A failed system call on a path.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was attempted, worded so that a path can follow: `cannot list`.
  public let action: String
  /// The path.
  public let path: String
  /// The error number (`errno`).
  public let code: Int32

  /// Creates an error; `code` defaults to the current `errno`.
  public init(_ action: String, _ path: String, code: Int32 = errno) {
    self.action = action
    self.path = path
    self.code = code
  }

  /// The system's description of the error.
  public var reason: String { String(cString: platform_error_text(code)) }

  /// Action, path and reason in one sentence, followed by the remedy if the disk is full.
  public var description: String {
    let hint = code == ENOSPC ? ". Free space there, or start the coordinator with another --workspace" : ""
    return "\(action) '\(path)': \(reason)\(hint)"
  }
}
