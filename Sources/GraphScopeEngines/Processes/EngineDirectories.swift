import CPlatform
import Engines
import Glibc
import Support

/// Manages the directories of a session's processes. If these run as another user, the directories belong to that user, who may
/// change their contents at any time: the coordinator creates, reads and writes files there as that user, and removes them
/// without following links.
enum EngineDirectories {
  /// Creates an empty directory that only its user can access. Removes what was at the path.
  /// - Throws: `EngineError.internalFailure` when it cannot be created.
  static func make(_ path: String, for user: EngineUser?) throws(EngineError) {
    remove(path)
    let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    do { try Directories.make(parent) } catch { throw failure(parent, code: error.code) }
    guard mkdir(path, 0o700) == 0 else { throw failure(path) }
    if let user { try give(path, to: user) }
  }

  /// Gives a directory of the coordinator to a user.
  static func give(_ path: String, to user: EngineUser) throws(EngineError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    guard fchown(descriptor, user.number, user.group) == 0 else { throw failure(path) }
  }

  /// Creates a directory of the coordinator that only the user's group may read. Does nothing if it exists.
  static func makeReadable(_ path: String, by user: EngineUser) throws(EngineError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure(path) }
    guard chown(path, geteuid(), user.group) == 0, chmod(path, 0o750) == 0 else { throw failure(path) }
  }

  /// Removes a file, or a directory with its contents. What cannot be removed remains until the session is removed.
  static func remove(_ path: String) { try? Directories.remove(path) }

  private static func failure(_ path: String, code: Int32 = errno) -> EngineError {
    EngineError(
      .internalFailure,
      "the directory '\(path)' of the session's engines cannot be created: "
        + "\(String(cString: platform_error_text(code)))")
  }
}
