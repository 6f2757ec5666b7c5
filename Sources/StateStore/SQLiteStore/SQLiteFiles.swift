import Foundation
import GRDB

/// Returns the size of a regular file in bytes; nil if there is none.
func fileSize(_ path: String) -> Int64? {
  var info = stat()
  guard stat(path, &info) == 0 else { return nil }
  return Int64(info.st_size)
}

/// Returns the same, but distinguishes a file that cannot be examined from one that does not exist.
/// - Throws: `StateStoreError`.
func existingSize(_ path: String) throws -> Int64? {
  var info = stat()
  if stat(path, &info) == 0 { return Int64(info.st_size) }
  guard errno == ENOENT else { throw fileError("cannot examine", path) }
  return nil
}

/// Creates an empty file that only its owner can read, since it will hold the data of sessions.
func makeEmptyFile(_ path: String, _ errors: SQLiteErrors) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { throw fileError("cannot create", path) }
  close(descriptor)
}

/// Moves a complete file to its final name, and flushes the file and its directory to disk.
func moveDurably(_ path: String, to final: String) throws {
  try synchronize(path)
  guard rename(path, final) == 0 else { throw fileError("cannot rename '\(path)' to", final) }
  try synchronize(String(final[..<(final.lastIndex(of: "/") ?? final.startIndex)]) + "/")
}

/// Flushes a file or a directory to disk.
func synchronize(_ path: String) throws {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw fileError("cannot open", path) }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 else { throw fileError("cannot write", path) }
}

/// Returns the error of the last failed system call.
func fileError(_ what: String, _ path: String, errno code: Int32 = errno) -> StateStoreError {
  let kind: StateStoreError.Code =
    switch code {
    case ENOSPC, EDQUOT: .full
    case EACCES, EPERM, EROFS: .permissionDenied
    case EEXIST, ENOENT, EISDIR, ENOTDIR, EINVAL, ENAMETOOLONG: .invalidArgument
    default: .unavailable
    }
  return StateStoreError(kind, "\(what) '\(path)': \(String(cString: strerror(code)))\(fileHint(code))")
}

/// Writes a consistent copy of a database while others continue to use it.
func copyDatabase(_ database: some DatabaseReader, to path: String, replacing: Bool, _ errors: SQLiteErrors) throws {
  if !replacing, fileSize(path) != nil {
    throw StateStoreError(.invalidArgument, "the file '\(path)' already exists; choose another name")
  }
  let draft = path + ".partial"
  unlink(draft)
  try makeEmptyFile(draft, errors)
  do {
    try database.unsafeRead { try $0.execute(sql: "VACUUM INTO ?", arguments: [draft]) }
    try moveDurably(draft, to: path)
  } catch {
    unlink(draft)
    throw SQLiteErrors(path: path).translated(error)
  }
}

/// Returns a hint for a system error whose message says little; empty for other errors.
func fileHint(_ code: Int32) -> String {
  switch code {
  case EMFILE, ENFILE: ". Too many files are open: raise the limit (ulimit -n, or LimitNOFILE= of systemd)"
  case EFBIG: ". The file size is limited: raise the limit (ulimit -f, or LimitFSIZE= of systemd)"
  case ENOSPC, EDQUOT: ". Free space on the disk"
  default: ""
  }
}
