import GRDB

/// The errors of a store kept in a file, in the vocabulary of all stores.
struct SQLiteErrors: Sendable {
  /// The database file.
  var path: String

  /// What to do about a damaged store.
  static let remedy =
    "Restore a backup with 'gscoordinator state restore --from <backup>', or save what can be read with "
    + "'gscoordinator state repair'"

  /// The store is damaged.
  func damaged(_ evidence: String) -> StateStoreError {
    StateStoreError(.damaged, "the state store '\(path)' is damaged: \(evidence). \(Self.remedy)")
  }

  /// An error of SQLite, or one of ours as it is.
  func translated(_ error: any Error) -> StateStoreError {
    if let error = error as? StateStoreError { return error }
    guard let error = error as? DatabaseError else {
      return StateStoreError(.unavailable, "the state store '\(path)' failed: \(error)")
    }
    let evidence = "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))"
    switch error.resultCode {
    // An error in our SQL means that the tables are not ours.
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_MISMATCH, .SQLITE_ERROR: return damaged(evidence)
    case .SQLITE_FULL:
      return StateStoreError(
        .full,
        "the state store '\(path)' cannot grow: \(evidence). Nothing of the transaction was applied. Make room on the "
          + "disk, or raise the bound of the store's size")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
      return StateStoreError(
        .permissionDenied,
        "the state store '\(path)' cannot be opened or written: \(evidence). Check the owner and the permissions of "
          + "the file and of its directory")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return StateStoreError(
        .inUse, "the state store '\(path)' is locked by another program: \(evidence). Close that program")
    case .SQLITE_MISUSE: return storeClosed()
    case .SQLITE_TOOBIG: return StateStoreError(.invalidArgument, "too large for '\(path)': \(evidence)")
    default:
      return StateStoreError(
        .unavailable, "the state store '\(path)' failed: \(evidence). Check the disk and the system's log")
    }
  }
}
