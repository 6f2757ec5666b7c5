import Foundation
import GRDB

/// The bytes of a regular file; nil when there is none.
func fileSize(_ path: String) -> Int64? {
  var info = stat()
  guard stat(path, &info) == 0 else { return nil }
  return Int64(info.st_size)
}

/// Makes an empty file that only its owner can read: it will have what sessions hold.
func makeEmptyFile(_ path: String, _ errors: SQLiteErrors) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { throw fileError("cannot make", path) }
  close(descriptor)
}

/// Gives a complete file its final name, and both to the disk.
func moveDurably(_ path: String, to final: String, _ errors: SQLiteErrors) throws {
  try synchronize(path)
  guard rename(path, final) == 0 else { throw fileError("cannot rename '\(path)' to", final) }
  try synchronize(String(final[..<(final.lastIndex(of: "/") ?? final.startIndex)]) + "/")
}

/// Gives a file or a directory to the disk.
func synchronize(_ path: String) throws {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw fileError("cannot open", path) }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 else { throw fileError("cannot write", path) }
}

/// What the last system call failed with.
func fileError(_ what: String, _ path: String) -> StateStoreError {
  let code = errno
  let kind: StateStoreError.Code =
    switch code {
    case ENOSPC, EDQUOT: .full
    case EACCES, EPERM, EROFS: .permissionDenied
    case EEXIST, ENOENT, EISDIR, ENOTDIR, EINVAL, ENAMETOOLONG: .invalidArgument
    default: .unavailable
    }
  return StateStoreError(kind, "\(what) '\(path)': \(String(cString: strerror(code)))")
}

/// Writes a copy of a database as it is at this moment, while others go on with it.
func copyDatabase(_ database: some DatabaseReader, to path: String, replacing: Bool, _ errors: SQLiteErrors) throws {
  if !replacing, fileSize(path) != nil {
    throw StateStoreError(.invalidArgument, "the file '\(path)' is there already; choose another name")
  }
  let draft = path + ".partial"
  unlink(draft)
  try makeEmptyFile(draft, errors)
  do {
    try database.unsafeRead { try $0.execute(sql: "VACUUM INTO ?", arguments: [draft]) }
    try moveDurably(draft, to: path, errors)
  } catch {
    unlink(draft)
    throw SQLiteErrors(path: path).translated(error)
  }
}
