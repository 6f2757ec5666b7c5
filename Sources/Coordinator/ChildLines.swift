import Synchronization

/// Passes the output lines of children to listeners, in addition to the log store. There is a single instance per process, like
/// the thread that reads the output.
final class ChildLines: Sendable {
  static let shared = ChildLines()

  private let listeners = Mutex<[String: @Sendable (String) -> Void]>([:])

  private init() {}

  /// Passes further lines of the child of that name to `listener`, which is called on the supervision thread.
  func listen(to child: String, _ listener: @escaping @Sendable (String) -> Void) {
    listeners.withLock { $0[child] = listener }
  }

  func stopListening(to child: String) {
    _ = listeners.withLock { $0.removeValue(forKey: child) }
  }

  /// Passes on a line written by a child.
  func wrote(_ line: String, by child: String) {
    listeners.withLock { $0[child] }?(line)
  }
}
