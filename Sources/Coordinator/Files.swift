import CPlatform
import Glibc

// The few operations on directories that sessions need, with errors that name the path.

extension CoordinatorError {
  /// The error of a failed system call on a path.
  static func system(_ action: String, _ path: String, errno code: Int32 = Glibc.errno) -> CoordinatorError {
    let hint = code == ENOSPC ? ". Free space there or give the coordinator another --workspace" : ""
    return CoordinatorError(.inputOutput, "\(action) '\(path)': \(String(cString: strerror(code)))\(hint)")
  }
}

/// Makes a directory and its missing parents, readable by us alone; one that exists is kept.
func makeDirectory(_ path: String) throws(CoordinatorError) {
  if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
  guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
    throw .system("cannot make the directory", path)
  }
  try makeDirectory(String(path[..<slash]))
  guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("cannot make the directory", path) }
}

/// Refuses a directory that another user made, or a link to one: in a shared place such as /tmp it may be a trap.
func requireOwnDirectory(_ path: String) throws(CoordinatorError) {
  var info = stat()
  guard lstat(path, &info) == 0 else { throw .system("cannot examine", path) }
  guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == getuid() else {
    throw CoordinatorError(
      .inputOutput, "'\(path)' is not a directory of this user. Remove it or give the coordinator a --workspace")
  }
}

/// Names in a directory, without `.` and `..`.
func directoryEntries(_ path: String) throws(CoordinatorError) -> [String] {
  guard let directory = opendir(path) else { throw .system("cannot list", path) }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names
}

/// Removes a file, or a directory with everything in it; links are removed, not followed. What is not there is fine.
func removeTree(_ path: String) throws(CoordinatorError) {
  let code = platform_remove_tree(path)
  guard code == 0 else { throw .system("cannot remove", path, errno: code) }
}
