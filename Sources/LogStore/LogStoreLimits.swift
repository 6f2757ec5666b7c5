extension LogStore {
  /// Limits of a store.
  public struct Limits: Sendable, Equatable {
    /// Bytes of a file, after which a new file is begun and the old one compressed.
    public var fileBytes: Int
    /// Age of a file after which a new one is begun.
    public var fileAge: Duration
    /// Disk usage in bytes of this instance's files, without the audit trail. Beyond it, the tenant with the most bytes loses its
    /// oldest complete files, then its least recently written ones. A stream uses at most a quarter of it.
    public var totalBytes: Int
    /// Disk usage in bytes of each tenant's audit trail, beyond which its oldest files are removed.
    public var auditBytes: Int
    /// Number of files, without the audit trail. Beyond it, the tenant with the most files loses its oldest ones.
    public var files: Int
    /// Number of records that may wait to be written.
    public var queuedRecords: Int
    /// Bytes of records that may wait to be written.
    public var queuedBytes: Int
    /// Number of files that are open for writing at a time.
    public var openFiles: Int
    /// Time without a write after which the files of an instance that no longer runs are removed.
    public var deadInstanceAge: Duration

    /// Creates limits with the given values or their defaults.
    public init(
      fileBytes: Int = 16 << 20, fileAge: Duration = .seconds(86400), totalBytes: Int = 1 << 30,
      auditBytes: Int = 64 << 20, files: Int = 20_000,
      queuedRecords: Int = 20_000, queuedBytes: Int = 16 << 20, openFiles: Int = 64,
      deadInstanceAge: Duration = .seconds(7 * 86400)
    ) {
      self.fileBytes = fileBytes
      self.fileAge = fileAge
      self.totalBytes = totalBytes
      self.auditBytes = auditBytes
      self.files = files
      self.queuedRecords = queuedRecords
      self.queuedBytes = queuedBytes
      self.openFiles = openFiles
      self.deadInstanceAge = deadInstanceAge
    }
    /// Returns the disk usage, in bytes, that the files of a stem may have.
    func bytes(ofStem stem: String) -> Int { LogFileName.isAudit(stem) ? auditBytes : totalBytes / 4 }

    /// Returns the size of a file of a stem: a fraction of what the stem may use, because files are removed as a whole.
    func fileBytes(ofStem stem: String) -> Int { min(fileBytes, max(4096, bytes(ofStem: stem) / 4)) }
  }
}
