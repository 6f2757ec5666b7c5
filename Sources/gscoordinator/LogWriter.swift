@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Writes log lines in the background. Whoever reads our output may stop reading and leave its pipe full: then lines are
/// dropped and counted, and the coordinator goes on.
final class LogWriter: Sendable {
  static let shared = LogWriter()

  /// Lines that may wait.
  private static let capacity = 10_000

  private struct State {
    var waiting = 0
    var dropped = 0
    /// Lines of standard output that wait for its first line; nil when none is expected.
    var heldBack: [String]?
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "log")

  /// Keeps what goes to standard output back until `writeFirst` or `flush`: whoever starts a coordinator reads the first
  /// line, and a recovery has much to tell before there is an address.
  func expectFirstLine() { state.withLock { $0.heldBack = $0.heldBack ?? [] } }

  /// Queues the first line of standard output, with its line end, and then what was kept back.
  func writeFirst(_ line: String) {
    release(line)
  }

  /// Queues a line, with its line end, for a file descriptor.
  func write(_ line: String, to descriptor: Int32) {
    let lost: Int? = state.withLock { state in
      if descriptor == STDOUT_FILENO, let count = state.heldBack?.count, count < Self.capacity {
        state.heldBack?.append(line)
        return nil
      }
      guard state.waiting < Self.capacity else {
        state.dropped += 1
        return nil
      }
      state.waiting += 1
      defer { state.dropped = 0 }
      return state.dropped
    }
    guard let lost else { return }
    queue.async { [self] in
      if lost > 0 { put("(\(lost) log lines were dropped: nobody read them)\n", descriptor) }
      put(line, descriptor)
      state.withLock { $0.waiting -= 1 }
    }
  }

  /// Queues `first` and what was kept back, with nothing in between; from now on nothing is kept back.
  private func release(_ first: String) {
    state.withLock { state in
      let lines = first + (state.heldBack ?? []).joined()
      state.heldBack = nil
      queue.async { [self] in put(lines, STDOUT_FILENO) }
    }
  }

  private func put(_ line: String, _ descriptor: Int32) {
    var rest = Array(line.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
      if count < 0 && errno != EINTR { return }
      rest = rest.dropFirst(max(0, count))
    }
  }

  /// Waits until what was queued is written, half a second at most.
  func flush() {
    release("")
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + .milliseconds(500))
  }
}
