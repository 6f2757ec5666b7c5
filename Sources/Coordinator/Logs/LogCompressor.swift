@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Compresses complete files in the background, one at a time. One that cannot be compressed, for want of space for
/// example, stays as it is until it is tried again.
final class LogCompressor: Sendable {
  private let directory: LogDirectory
  /// Held as long as files are being compressed.
  private let lock: InstanceLock
  private let isStopped = Mutex(false)
  private let queue = DispatchQueue(label: "logs.compress", qos: .utility)

  init(_ directory: LogDirectory, _ lock: InstanceLock) {
    self.directory = directory
    self.lock = lock
  }

  /// Queues a complete file.
  func compress(_ file: LogFileName) {
    queue.async { [self] in
      guard !isStopped.withLock({ $0 }) else { return }
      let source = directory.path + "/" + file.text
      var compressedFile = file
      compressedFile.isCompressed = true
      let target = directory.path + "/" + compressedFile.text
      guard let bytes = try? Gzip.compress(source, to: target) else { return }
      // Removed in the meantime to make room: then neither of the two may stay.
      if !directory.compressed(file.stem, file.number, bytes: bytes) { unlink(target) }
      unlink(source)
    }
  }

  /// Begins no other file, and waits for the present one, so long at most.
  func stop(within limit: Duration) {
    isStopped.withLock { $0 = true }
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds)))
  }

  /// Returns when what was queued is done.
  func wait() { queue.sync {} }
}
