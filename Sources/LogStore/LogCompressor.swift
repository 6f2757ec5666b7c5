@preconcurrency import Dispatch
import Glibc
import Support
import Synchronization

/// Compresses complete files in the background, one at a time. A file that cannot be compressed, for example for lack of space,
/// is left as it is until the next attempt.
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
      // The file was removed in the meantime to free space, so its compressed form must not remain either.
      if !directory.compressed(file.stem, file.number, bytes: bytes) { unlink(target) }
      unlink(source)
    }
  }

  /// Begins no further file, and waits up to `limit` for the current one.
  func stop(within limit: Duration) {
    isStopped.withLock { $0 = true }
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds)))
  }

  /// Waits until all queued files are done.
  func wait() { queue.sync {} }
}
