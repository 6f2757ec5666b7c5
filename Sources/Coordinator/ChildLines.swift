import Synchronization

/// Passes lines of children to those who asked for them, beside the log store. There is one for the process, as there is
/// one thread that reads what children write.
final class ChildLines: Sendable {
  static let shared = ChildLines()

  private let listeners = Mutex<[String: @Sendable (String) -> Void]>([:])

  private init() {}

  /// Passes the lines of the child of that name to `listener` from now on; it is called on the supervision thread.
  func listen(to child: String, _ listener: @escaping @Sendable (String) -> Void) {
    listeners.withLock { $0[child] = listener }
  }

  func stopListening(to child: String) {
    _ = listeners.withLock { $0.removeValue(forKey: child) }
  }

  /// A child wrote a line.
  func wrote(_ line: String, by child: String) {
    listeners.withLock { $0[child] }?(line)
  }
}
