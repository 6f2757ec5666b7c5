import Glibc
import Support

// Operations on directories that throw `CoordinatorError`.

extension CoordinatorError {
  /// Creates the error of a failed system call.
  init(_ error: SystemError) { self.init(.inputOutput, error.description) }

  /// Returns the error of a failed system call on a path.
  static func system(_ action: String, _ path: String, errno code: Int32 = Glibc.errno) -> CoordinatorError {
    CoordinatorError(SystemError(action, path, code: code))
  }
}

/// Creates a directory and its missing parents; see `Directories.make`.
func makeDirectory(_ path: String) throws(CoordinatorError) {
  do { try Directories.make(path) } catch { throw CoordinatorError(error) }
}

/// Rejects a directory created by another user, and a link to one: in a shared directory such as /tmp, it may be a trap.
func requireOwnDirectory(_ path: String) throws(CoordinatorError) {
  var info = stat()
  guard lstat(path, &info) == 0 else { throw .system("cannot examine", path) }
  guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == getuid() else {
    throw CoordinatorError(
      .inputOutput,
      "'\(path)' is not a directory that this user owns. Remove it, or start the coordinator with another --workspace")
  }
}

/// Returns the names in a directory; see `Directories.entries`.
func directoryEntries(_ path: String) throws(CoordinatorError) -> [String] {
  do { return try Directories.entries(path) } catch { throw CoordinatorError(error) }
}

/// Removes a file, or a directory with everything in it; see `Directories.remove`.
func removeTree(_ path: String) throws(CoordinatorError) {
  do { try Directories.remove(path) } catch { throw CoordinatorError(error) }
}
