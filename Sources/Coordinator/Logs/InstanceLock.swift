import Cluster
import Glibc
import Synchronization

/// Holds the directory of an instance of the log store, so that no file has two writers. The kernel lets go when the
/// process ends, however it ends.
final class InstanceLock: Sendable {
  private let descriptor: Mutex<Int32?>

  /// Makes the directory if need be and takes it.
  /// - Throws: `CoordinatorError.inputOutput`, naming the holder when another process has it.
  init(directory: String) throws(CoordinatorError) {
    while true {
      try makeDirectory(directory)
      let path = directory + "/lock"
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else {
        // Somebody who removes dead instances may have come between.
        if errno == ENOENT { continue }
        throw .system("cannot open", path)
      }
      guard FileLock.take(descriptor) else {
        let holder = Self.holder(descriptor)
        close(descriptor)
        throw CoordinatorError(
          .inputOutput,
          "the logs in '\(directory)' are being written by process \(holder). "
            + "Stop that process or give this instance another name")
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

  /// Lets another process have the instance.
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

  /// Removes the directories of instances that nobody holds and whose files were not written for so long.
  static func removeDeadInstances(below root: String, except own: String, olderThan age: Duration) {
    for name in (try? directoryEntries(root)) ?? [] {
      let directory = root + "/" + name
      guard directory != own else { continue }
      let descriptor = open(directory + "/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      defer { FileLock.release(descriptor) }
      guard FileLock.takeNow(descriptor),
        newestChange(directory) < nowMilliseconds() - age.wholeMilliseconds
      else { continue }
      try? removeTree(directory)
    }
  }

  private static func newestChange(_ directory: String) -> Int64 {
    var newest: Int64 = 0
    for name in (try? directoryEntries(directory)) ?? [] {
      var info = stat()
      guard lstat(directory + "/" + name, &info) == 0 else { continue }
      newest = max(newest, Int64(info.st_mtim.tv_sec) * 1000)
    }
    return newest
  }
}
