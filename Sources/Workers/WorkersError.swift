/// The error for a job that could not be started because the operating system has no thread for it.
public struct WorkersError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What failed and what to do.
  public let description: String

  /// The error for a thread that could not be started.
  static let noThread = WorkersError(
    description: "the system could not start a thread for a job. Raise the limit on threads (ulimit -u), or try "
      + "again later")
}
