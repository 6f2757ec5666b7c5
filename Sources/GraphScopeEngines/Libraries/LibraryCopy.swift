import CPlatform
import Engines
import Glibc
import GraphStore

/// A copy of a library that a compiler made as another user, in a place where that user can read it but only the coordinator can
/// change it.
struct LibraryCopy {
  let user: EngineUser

  /// Creates a directory that contains the copy.
  /// - Throws: `EngineError` or `GraphStoreError` when the file does not exist or cannot be copied.
  func make(of built: String, in directory: String, _ name: String) throws {
    let descriptor = EngineUser?.some(user).opening {
      let descriptor = open(built, OpenedFile.flags | O_NOFOLLOW)
      return descriptor < 0 ? -errno : descriptor
    }
    guard descriptor >= 0 else { throw failure(built, -descriptor) }
    let library = try OpenedFile(taking: descriptor, path: built)
    try EngineDirectories.makeReadable(directory, by: user)
    let path = "\(directory)/\(name)"
    let target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw failure(path, errno) }
    defer { close(target) }
    try copy(library.descriptor, to: target, path)
    guard fchmod(target, 0o644) == 0 else { throw failure(path, errno) }
  }

  private func copy(_ source: Int32, to target: Int32, _ path: String) throws(EngineError) {
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = read(source, &buffer, buffer.count)
      guard count >= 0 else { throw failure(path, errno) }
      if count == 0 { return }
      var done = 0
      while done < count {
        let written = buffer.withUnsafeBytes { write(target, $0.baseAddress! + done, count - done) }
        guard written >= 0 || errno == EINTR else { throw failure(path, errno) }
        done += max(0, written)
      }
    }
  }

  private func failure(_ path: String, _ code: Int32) -> EngineError {
    EngineError(
      .internalFailure, "a compiled library cannot be copied: '\(path)': \(String(cString: platform_error_text(code)))")
  }
}
