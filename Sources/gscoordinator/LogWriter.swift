@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Writes log lines in the background. If the process that reads the output stops reading and the pipe is full, lines are
/// dropped and counted, and the coordinator is not delayed.
final class LogWriter: Sendable {
  static let shared = LogWriter()

  /// The maximum number of lines that wait.
  private static let capacity = 10_000

  private struct State {
    var waiting = 0
    var dropped = 0
    /// The file descriptor whose first line is expected, and the lines that wait for it.
    var heldBack: (descriptor: Int32, lines: [String])?
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "log")

  /// Delays the lines for a file descriptor until `writeFirst` or `flush`. The program that starts a coordinator reads the
  /// address from the first line, and a recovery logs lines before there is one.
  func expectFirstLine(on descriptor: Int32) { state.withLock { $0.heldBack = $0.heldBack ?? (descriptor, []) } }

  /// Queues the first line, including its line end, for the file descriptor that expects it, directly followed by the delayed
  /// lines. Later lines are not delayed.
  func writeFirst(_ line: String) {
    state.withLock { state in
      guard let heldBack = state.heldBack.take() else { return }
      let lines = line + heldBack.lines.joined()
      queue.async { [self] in put(lines, heldBack.descriptor) }
    }
  }

  /// Queues a line, including its line end, for a file descriptor.
  func write(_ line: String, to descriptor: Int32) {
    let lost: Int? = state.withLock { state in
      if let heldBack = state.heldBack, heldBack.descriptor == descriptor, heldBack.lines.count < Self.capacity {
        state.heldBack?.lines.append(line)
        return nil
      }
      guard state.heldBack?.descriptor != descriptor, state.waiting < Self.capacity else {
        state.dropped += 1
        return nil
      }
      state.waiting += 1
      defer { state.dropped = 0 }
      return state.dropped
    }
    guard let lost else { return }
    queue.async { [self] in
      if lost > 0 { put("(\(lost) log lines were dropped because they were not read in time)\n", descriptor) }
      put(line, descriptor)
      state.withLock { $0.waiting -= 1 }
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

  /// Waits until the queued lines are written, at most half a second.
  func flush() {
    writeFirst("")
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + .milliseconds(500))
  }
}
