import Glibc
import Support
import Synchronization

/// Locks a store's directory for one process. The kernel releases the lock when the process ends, however it ends.
///
/// While locked, the lock file holds the id of the process; after an orderly close, it holds the size and modification time of
/// the database, from which the next process detects whether the database has been touched since.
final class SQLiteLock: Sendable {
  private let held: Mutex<Int32?>
  /// The note left by the previous holder.
  let lastNote: String

  /// Locks a directory.
  /// - Throws: `StateStoreError` of code `inUse`, with the holder's process id, or `permissionDenied`.
  init(directory: String) throws(StateStoreError) {
    let path = directory + "/state.lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      let code = errno
      guard [EACCES, EPERM, EROFS, ENOTDIR, ELOOP, EISDIR].contains(code) else {
        throw fileError("cannot open", path, errno: code)
      }
      throw StateStoreError(
        .permissionDenied,
        "cannot write '\(path)': \(String(cString: strerror(code))). The state's directory must be writable by user "
          + "\(geteuid())")
    }
    let note = Self.read(descriptor)
    guard FileLock.take(descriptor) else {
      Glibc.close(descriptor)
      throw StateStoreError(
        .inUse,
        "the state in '\(directory)' is in use by process \(Int(note) == nil ? "?" : note). Stop that process, or start "
          + "this one with another directory")
    }
    // Read again: the holder may have closed the store in between.
    lastNote = Self.read(descriptor)
    held = Mutex(descriptor)
    Self.write("\(getpid())", descriptor)
  }

  deinit { release(note: nil) }

  /// Unlocks the directory and leaves a note for the next holder.
  func release(note: String?) {
    held.withLock { descriptor in
      guard let open = descriptor else { return }
      if let note { Self.write(note, open) }
      FileLock.release(open)
      descriptor = nil
    }
  }

  private static func write(_ note: String, _ descriptor: Int32) {
    let bytes = Array(note.utf8)
    // On a full disk, the note is not written; the next holder then checks the database, which does no harm.
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, bytes, bytes.count, 0)
  }

  private static func read(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}

/// Returns a fingerprint that detects whether a file was touched; nil if there is none.
func fileFingerprint(_ path: String) -> String? {
  var info = stat()
  guard stat(path, &info) == 0 else { return nil }
  return "closed \(info.st_size) \(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec) \(info.st_ino)"
}
