extension LogStore {
  /// Bounds of a store.
  public struct Limits: Sendable, Equatable {
    /// Bytes of a file, after which a new one is begun and the old one compressed.
    public var fileBytes: Int
    /// Time after which a new file is begun.
    public var fileAge: Duration
    /// Bytes on the disk of this instance's files; then the oldest complete files go, then the least recently written.
    public var totalBytes: Int
    /// Records that may wait for the disk.
    public var queuedRecords: Int
    /// Bytes of records that may wait for the disk.
    public var queuedBytes: Int
    /// Files that are open for writing at a time.
    public var openFiles: Int
    /// Time without a write after which the files of an instance that is gone are removed.
    public var deadInstanceAge: Duration

    /// Bounds with their defaults.
    public init(
      fileBytes: Int = 16 << 20, fileAge: Duration = .seconds(86400), totalBytes: Int = 1 << 30,
      queuedRecords: Int = 20_000, queuedBytes: Int = 16 << 20, openFiles: Int = 64,
      deadInstanceAge: Duration = .seconds(7 * 86400)
    ) {
      self.fileBytes = fileBytes
      self.fileAge = fileAge
      self.totalBytes = totalBytes
      self.queuedRecords = queuedRecords
      self.queuedBytes = queuedBytes
      self.openFiles = openFiles
      self.deadInstanceAge = deadInstanceAge
    }
  }
}
