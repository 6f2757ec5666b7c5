import CPlatform
import Glibc
import Support

/// The writing side of one instance: open files, rotation, lost lines. Confined to the writer's queue.
struct LogFiles {
  /// The number of lines that were not written to disk, and why.
  struct Loss {
    var lines = 0
    var cause = ""
  }

  private struct OpenFile {
    var descriptor: Int32
    var number: Int64
    var bytes: Int
    /// A counter that identifies the least recently used file.
    var lastUse: UInt64
    /// Whether the file ends in the middle of a line.
    var isTorn: Bool
  }

  /// The maximum number of bytes written by one call.
  private static let chunkBytes = 1 << 20
  /// The maximum number of streams whose losses are counted separately; further losses are counted for the coordinator.
  private static let countedStreams = 1024

  /// The number of streams to try, and fail, before concluding that there is still no space.
  private static let attempts = 16

  private let directory: LogDirectory
  private let limits: LogStore.Limits
  private var open: [String: OpenFile] = [:]
  private var uses: UInt64 = 0
  /// Losses of each stream that are not yet recorded in it.
  private(set) var losses: [LogDestination: Loss] = [:]
  /// Files that became complete.
  private var completed: [LogFileName] = []

  init(_ directory: LogDirectory, _ limits: LogStore.Limits) {
    self.directory = directory
    self.limits = limits
  }

  /// Appends records to a stream's file and counts those that cannot be written.
  /// - Returns: the records that were not written.
  mutating func append(_ records: [LogRecord], to destination: LogDestination, at now: Int64) -> ArraySlice<LogRecord> {
    let stem = destination.stem
    let fileBytes = limits.fileBytes(ofStem: stem)
    var bytes: [UInt8] = []
    var ends: [Int] = []
    var first = 0
    for (index, record) in records.enumerated() {
      LogCodec.append(record, to: &bytes)
      ends.append(bytes.count)
      guard bytes.count >= min(Self.chunkBytes, fileBytes) || index == records.count - 1 else { continue }
      let written = write(bytes, to: stem, at: now)
      let lines = ends.count { $0 <= written.bytes }
      if lines < ends.count {
        let lost = records[(first + lines)...]
        lose(lost.count, of: destination, because: written.cause)
        return lost
      }
      bytes.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      first = index + 1
    }
    return []
  }

  /// Counts lost lines of a stream.
  mutating func lose(_ lines: Int, of destination: LogDestination, because cause: String) {
    let counted =
      losses[destination] != nil || losses.count < Self.countedStreams
      ? destination : LogDestination(stream: .coordinator)
    losses[counted, default: Loss()].lines += lines
    losses[counted]!.cause = cause
  }

  /// Tries to record in every stream with losses how many lines it lost.
  /// - Returns: the streams in which the losses were recorded.
  mutating func tellLosses(at now: Int64) -> [LogDestination] {
    var told: [LogDestination] = []
    var failures = 0
    for (destination, loss) in losses where failures < Self.attempts {
      let text = "\(loss.lines) \(loss.lines == 1 ? "line was" : "lines were") lost: \(loss.cause)"
      var record = LogRecord(timeMilliseconds: now, level: .warning, message: text)
      record.place(in: destination.stream)
      record.tenant = destination.tenant
      var bytes: [UInt8] = []
      LogCodec.append(record, to: &bytes)
      guard write(bytes, to: destination.stem, at: now).bytes == bytes.count else {
        failures += 1
        continue
      }
      losses[destination] = nil
      told.append(destination)
    }
    return told
  }

  /// Closes open files that were removed.
  mutating func removed(_ files: [LogFileName]) {
    for file in files where open[file.stem]?.number == file.number { close(file.stem) }
  }

  /// Returns the files that became complete since the last call.
  mutating func takeCompleted() -> [LogFileName] {
    defer { completed = [] }
    return completed
  }

  /// Closes all files.
  mutating func closeAll() {
    for file in open.values { Glibc.close(file.descriptor) }
    open = [:]
  }

  private mutating func close(_ stem: String) {
    if let file = open.removeValue(forKey: stem) { Glibc.close(file.descriptor) }
  }

  // MARK: Writing

  private mutating func write(_ bytes: [UInt8], to stem: String, at now: Int64) -> (bytes: Int, cause: String) {
    do throws(LogStoreError) {
      try prepare(stem, for: bytes.count, at: now)
    } catch {
      return (0, error.message)
    }
    var file = open[stem]!
    defer { directory.grew(stem, to: file.bytes, at: now) }
    defer { open[stem] = file }
    if file.isTorn {
      guard Glibc.write(file.descriptor, "\n", 1) == 1 else { return (0, Self.reason()) }
      file.bytes += 1
      file.isTorn = false
    }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        Glibc.write(file.descriptor, bytes.baseAddress! + written, bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let cause = Self.reason()
        file.isTorn = written > 0 && bytes[written - 1] != UInt8(ascii: "\n")
        return (written, cause)
      }
      written += count
      file.bytes += count
    }
    return (written, "")
  }

  private static func reason() -> String { String(cString: platform_error_text(errno)) }

  /// Ensures that the stream's file is open and has room.
  private mutating func prepare(_ stem: String, for count: Int, at now: Int64) throws(LogStoreError) {
    uses += 1
    if let file = open[stem], isUnlinked(file.descriptor) { close(stem) }
    if let file = open[stem], isFull(stem, file.number, file.bytes, count, now) { close(stem) }
    if open[stem] == nil {
      if open.count >= limits.openFiles, let oldest = open.min(by: { $0.value.lastUse < $1.value.lastUse }) {
        close(oldest.key)
      }
      open[stem] = try openFile(stem, for: count, at: now)
    }
    open[stem]!.lastUse = uses
  }

  private func isFull(_ stem: String, _ number: Int64, _ bytes: Int, _ count: Int, _ now: Int64) -> Bool {
    bytes > 0 && bytes + count > limits.fileBytes(ofStem: stem) || now - number >= limits.fileAge.wholeMilliseconds
  }

  /// Returns whether another process removed the file while it was open.
  private func isUnlinked(_ descriptor: Int32) -> Bool {
    var info = stat()
    return fstat(descriptor, &info) != 0 || info.st_nlink == 0
  }

  private mutating func openFile(_ stem: String, for count: Int, at now: Int64) throws(LogStoreError) -> OpenFile {
    var number = now
    if let last = directory.last(of: stem) {
      if !last.isCompressed, !isFull(stem, last.number, last.bytes, count, now),
        let file = try openExisting(LogFileName(stem: stem, number: last.number))
      {
        return file
      }
      if !last.isCompressed { completed.append(LogFileName(stem: stem, number: last.number)) }
      number = max(now, last.number + 1)
    }
    let path = directory.path + "/" + LogFileName(stem: stem, number: number).text
    let flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
    let descriptor = Glibc.open(path, flags, 0o600)
    guard descriptor >= 0 else { throw LogStoreError(.inputOutput, Self.reason()) }
    directory.add(stem, .init(number: number, bytes: 0, isCompressed: false), at: now)
    return OpenFile(descriptor: descriptor, number: number, bytes: 0, lastUse: uses, isTorn: false)
  }

  /// Opens a file to continue it; returns nil if it was removed. A killed process may have left an incomplete line.
  private func openExisting(_ file: LogFileName) throws(LogStoreError) -> OpenFile? {
    let path = directory.path + "/" + file.text
    let descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw LogStoreError(.inputOutput, Self.reason())
    }
    var info = stat()
    fstat(descriptor, &info)
    var last = UInt8(ascii: "\n")
    if info.st_size > 0 { pread(descriptor, &last, 1, info.st_size - 1) }
    return OpenFile(
      descriptor: descriptor, number: file.number, bytes: Int(info.st_size), lastUse: uses,
      isTorn: last != UInt8(ascii: "\n"))
  }
}
