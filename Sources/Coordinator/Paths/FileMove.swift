import Engines
import Glibc

/// Moves files between open directories, regardless of changes to the directories' names, and without following links.
struct FileMove {
  let own: OwnFiles
  /// The user on whose behalf to move; nil for that of the coordinator. Files that the user may not read or replace are not
  /// moved.
  var user: EngineUser?

  /// Why a file was not moved.
  enum Failure: Error {
    /// It would have replaced a file of the coordinator.
    case ours
    /// A system call failed for a name, with an errno.
    case system(String, Int32)
  }

  private static let directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

  /// Moves the contents of `source`, which belongs to the session, into `target`, including directories.
  func move(contentsOf source: Int32, to target: Int32, depth: Int) throws(Failure) {
    let names: [String]
    do { names = try user.files { try directoryEntries("/proc/self/fd/\(source)") } } catch {
      throw .system(".", errno)
    }
    for name in names.sorted() {
      var info = stat()
      guard fstatat(source, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { throw .system(name, errno) }
      switch info.st_mode & S_IFMT {
      case S_IFREG: try moveFile(name, from: source, to: target)
      case S_IFDIR where depth > 0: try moveDirectory(name, from: source, to: target, depth: depth)
      default: throw .system(name, EPERM)
      }
    }
  }

  private func moveDirectory(_ name: String, from source: Int32, to target: Int32, depth: Int) throws(Failure) {
    let made = user.opening { mkdirat(target, name, 0o777) == 0 || errno == EEXIST ? 0 : -errno }
    guard made == 0 else { throw .system(name, -made) }
    let inner = opened(source, name, Self.directoryFlags)
    let outer = opened(target, name, Self.directoryFlags)
    defer { for descriptor in [inner, outer] where descriptor >= 0 { close(descriptor) } }
    guard inner >= 0, outer >= 0 else { throw .system(name, -min(inner, outer)) }
    guard !own.include(outer) else { throw .ours }
    try move(contentsOf: inner, to: outer, depth: depth - 1)
  }

  private func moveFile(_ name: String, from source: Int32, to target: Int32) throws(Failure) {
    var info = stat()
    if fstatat(target, name, &info, AT_SYMLINK_NOFOLLOW) == 0 {
      let old = OwnFiles.Identity(info)
      guard !own.files.contains(where: { OwnFiles.Identity(path: $0) == old }) else { throw .ours }
    }
    let moved = user.opening { renameat(source, name, target, name) == 0 ? 0 : -errno }
    if moved == 0 { return }
    guard moved == -EXDEV else { throw .system(name, -moved) }
    try copyFile(name, from: source, to: target)
  }

  /// Opens a file; returns a descriptor or a negative errno.
  private func opened(_ directory: Int32, _ name: String, _ flags: Int32) -> Int32 {
    user.opening {
      let descriptor = openat(directory, name, flags, 0o666)
      return descriptor < 0 ? -errno : descriptor
    }
  }

  /// Copies a file to another file system: under an unguessable name, then atomically renamed.
  private func copyFile(_ name: String, from source: Int32, to target: Int32) throws(Failure) {
    // What was a regular file may have become a pipe, on which opening would block.
    let from = opened(source, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard from >= 0 else { throw .system(name, -from) }
    defer { close(from) }
    var info = stat()
    guard fstat(from, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { throw .system(name, EPERM) }
    let passing = ".\(UInt64.random(in: 0...(.max))).part"
    let to = opened(target, passing, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
    guard to >= 0 else { throw .system(name, -to) }
    var failure = copyBytes(from, to)
    close(to)
    if failure == 0 { failure = -user.opening { renameat(target, passing, target, name) == 0 ? 0 : -errno } }
    guard failure == 0 else {
      unlinkat(target, passing, 0)
      throw .system(name, failure)
    }
    unlinkat(source, name, 0)
  }
}

/// Copies all bytes of a file; returns 0 or an errno.
func copyBytes(_ from: Int32, _ to: Int32) -> Int32 {
  withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 16) { buffer in
    while true {
      let count = read(from, buffer.baseAddress!, buffer.count)
      if count == 0 { return 0 }
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      var done = 0
      while done < count {
        let written = write(to, buffer.baseAddress! + done, count - done)
        if written < 0, errno != EINTR { return errno }
        done += max(0, written)
      }
    }
  }
}
