import Glibc
import Support
import Synchronization

/// Locks the directory of an instance of the log store, so that no file has two writers. The kernel releases the lock when the
/// process ends, however it ends.
final class InstanceLock: Sendable {
  private let descriptor: Mutex<Int32?>

  /// Creates the directory if necessary and locks it.
  /// - Throws: `LogStoreError.inputOutput` that names the holder when another process has the lock.
  init(directory: String) throws(LogStoreError) {
    while true {
      do { try Directories.make(directory) } catch { throw LogStoreError(error) }
      let path = directory + "/lock"
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else {
        // Another process that removes dead instances may have removed it in between.
        if errno == ENOENT { continue }
        throw LogStoreError(SystemError("cannot open", path))
      }
      guard FileLock.take(descriptor) else {
        let holder = Self.holder(descriptor)
        close(descriptor)
        throw LogStoreError(
          .inputOutput,
          "the logs in '\(directory)' are being written by process \(holder). "
            + "Stop that process, or start this instance with another name")
      }
      var info = stat()
      guard fstat(descriptor, &info) == 0, info.st_nlink > 0 else {
        close(descriptor)
        continue
      }
      ftruncate(descriptor, 0)
      let text = Array("\(getpid())".utf8)
      pwrite(descriptor, text, text.count, 0)
      self.descriptor = Mutex(descriptor)
      return
    }
  }

  deinit { release() }

  /// Releases the lock.
  func release() {
    descriptor.withLock { descriptor in
      if let open = descriptor { FileLock.release(open) }
      descriptor = nil
    }
  }

  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    return text.isEmpty ? "?" : text
  }

  /// Removes the directories of instances that no process has locked and whose files were last written longer ago than `age`.
  static func removeDeadInstances(below root: String, except own: String, olderThan age: Duration) {
    for name in (try? Directories.entries(root)) ?? [] {
      let directory = root + "/" + name
      guard directory != own else { continue }
      let descriptor = open(directory + "/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      defer { FileLock.release(descriptor) }
      guard FileLock.takeNow(descriptor),
        newestChange(directory) < nowMilliseconds() - age.wholeMilliseconds
      else { continue }
      try? Directories.remove(directory)
    }
  }

  private static func newestChange(_ directory: String) -> Int64 {
    var newest: Int64 = 0
    for name in (try? Directories.entries(directory)) ?? [] {
      var info = stat()
      guard lstat(directory + "/" + name, &info) == 0 else { continue }
      newest = max(newest, Int64(info.st_mtim.tv_sec) * 1000)
    }
    return newest
  }
}
