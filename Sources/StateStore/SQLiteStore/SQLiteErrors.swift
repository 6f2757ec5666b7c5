import GRDB
import Glibc

/// Translates the errors of a store in a file to those common to all stores.
struct SQLiteErrors: Sendable {
  /// The path of the database file.
  var path: String

  /// The command that repairs a store that is damaged or incomplete.
  private var repair: String {
    // A backup has no workspace.
    guard path.hasSuffix("/state.db") else { return "'gscoordinator state repair'" }
    return "'gscoordinator state repair --workspace \(path.dropLast("/state.db".count))'"
  }

  /// Returns the error of a damaged store.
  func damaged(_ evidence: String) -> StateStoreError {
    StateStoreError(
      .damaged,
      "the state store '\(path)' is damaged: \(evidence). Restore a backup with "
        + "'gscoordinator state restore --from <backup>', or save what can be read with \(repair)")
  }

  /// Returns the error of a store that lacks committed data.
  func lost(_ evidence: String) -> StateStoreError {
    return StateStoreError(
      .damaged,
      "the state store '\(path)' has lost committed data: \(evidence). Nothing was changed. Put the missing files back, "
        + "restore a backup with 'gscoordinator state restore --from <backup>', or continue with the present state: "
        + "\(repair) accepts it and recovers sessions from their directories"
    )
  }

  /// Translates an error of SQLite; returns an error of the store unchanged.
  func translated(_ error: any Error) -> StateStoreError {
    if let error = error as? StateStoreError { return error }
    guard let error = error as? DatabaseError else {
      return StateStoreError(.unavailable, "the state store '\(path)' failed: \(error)")
    }
    let evidence = "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))"
    switch error.resultCode {
    // An error in the SQL of this program means that the tables are not those of a store.
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_MISMATCH, .SQLITE_ERROR: return damaged(evidence)
    case .SQLITE_FULL:
      return StateStoreError(
        .full,
        "the state store '\(path)' cannot grow: \(evidence). The transaction was not applied. Free space on the "
          + "disk, or raise the limit of the store's size")
    case .SQLITE_CANTOPEN where Self.passingCause != nil, .SQLITE_IOERR where Self.passingCause != nil:
      return StateStoreError(
        .unavailable, "the state store '\(path)' failed: \(evidence)\(Self.passingCause ?? "")")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
      return StateStoreError(
        .permissionDenied,
        "the state store '\(path)' cannot be opened or written: \(evidence). Check the owner and the permissions of "
          + "the file and of its directory")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return StateStoreError(
        .inUse, "the state store '\(path)' is locked by another program: \(evidence). Close that program")
    case .SQLITE_MISUSE: return storeClosed()
    case .SQLITE_TOOBIG:
      return StateStoreError(.invalidArgument, "a value is too large for the state store '\(path)': \(evidence)")
    default:
      return StateStoreError(
        .unavailable, "the state store '\(path)' failed: \(evidence). Check the disk and the system's log")
    }
  }

  /// Explains, more precisely than SQLite, why files could be neither opened nor written: too many open files, or a limit on file
  /// sizes. Nil if neither applies.
  private static var passingCause: String? {
    // SQLite has closed the files it could open, so try to open as many as a store needs.
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    for _ in 0..<32 {
      let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return fileHint(errno) }
      opened.append(descriptor)
    }
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur < 1 << 40 else {
      return nil
    }
    return ". Files of this process are limited to \(limit.rlim_cur) bytes\(fileHint(EFBIG))"
  }
}
