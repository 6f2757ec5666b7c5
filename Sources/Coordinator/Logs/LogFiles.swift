import Glibc

/// The writing side of one instance: open files, rotation, losses. Confined to the writer's queue.
struct LogFiles {
  /// Lines that never reached the disk, and why.
  struct Loss {
    var lines = 0
    var cause = ""
  }

  private struct OpenFile {
    var descriptor: Int32
    var number: Int64
    var bytes: Int
    /// A rank by which the least recently used one is found.
    var lastUse: UInt64
    /// Whether the file ends in the middle of a line.
    var isTorn: Bool
  }

  /// Most bytes that are written by one call.
  private static let chunkBytes = 1 << 20
  /// Streams whose losses are counted one by one; the others' are counted as the coordinator's.
  private static let countedStreams = 1024

  /// Streams that are tried, and fail, before it is clear that there is still no space.
  private static let attempts = 16

  private let directory: LogDirectory
  private let limits: LogStore.Limits
  private var open: [String: OpenFile] = [:]
  private var uses: UInt64 = 0
  /// What each stream has lost and was not yet told.
  private(set) var losses: [LogStream: Loss] = [:]
  /// Files that became complete.
  private var completed: [LogFileName] = []

  init(_ directory: LogDirectory, _ limits: LogStore.Limits) {
    self.directory = directory
    self.limits = limits
  }

  /// Appends records to a stream's file; what does not get there is counted.
  /// - Returns: the records that did not get there.
  mutating func append(_ records: [LogRecord], to stream: LogStream, at now: Int64) -> ArraySlice<LogRecord> {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    var first = 0
    for (index, record) in records.enumerated() {
      LogCodec.append(record, to: &bytes)
      ends.append(bytes.count)
      guard bytes.count >= min(Self.chunkBytes, limits.fileBytes) || index == records.count - 1 else { continue }
      let written = write(bytes, to: LogFileName.stem(of: stream), at: now)
      let lines = ends.count { $0 <= written.bytes }
      if lines < ends.count {
        let lost = records[(first + lines)...]
        lose(lost.count, of: stream, because: written.cause)
        return lost
      }
      bytes.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      first = index + 1
    }
    return []
  }

  /// Counts lines of a stream that are lost.
  mutating func lose(_ lines: Int, of stream: LogStream, because cause: String) {
    let stream = losses[stream] != nil || losses.count < Self.countedStreams ? stream : .coordinator
    losses[stream, default: Loss()].lines += lines
    losses[stream]!.cause = cause
  }

  /// Tries to write into every stream with losses how many there were.
  /// - Returns: the streams that were told.
  mutating func tellLosses(at now: Int64) -> [LogStream] {
    var told: [LogStream] = []
    var failures = 0
    for (stream, loss) in losses where failures < Self.attempts {
      let text = "\(loss.lines) \(loss.lines == 1 ? "line was" : "lines were") lost: \(loss.cause)"
      var record = LogRecord(timeMilliseconds: now, level: .warning, message: text)
      record.place(in: stream)
      var bytes: [UInt8] = []
      LogCodec.append(record, to: &bytes)
      guard write(bytes, to: LogFileName.stem(of: stream), at: now).bytes == bytes.count else {
        failures += 1
        continue
      }
      losses[stream] = nil
      told.append(stream)
    }
    return told
  }

  /// Forgets open files of streams whose files were removed.
  mutating func removed(_ files: [LogFileName]) {
    for file in files where open[file.stem]?.number == file.number { close(file.stem) }
  }

  /// Files that became complete since the last call.
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

  // MARK: One write

  private mutating func write(_ bytes: [UInt8], to stem: String, at now: Int64) -> (bytes: Int, cause: String) {
    do throws(CoordinatorError) {
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

  private static func reason() -> String { String(cString: strerror(errno)) }

  /// Sees to it that the stream's file is open and has room.
  private mutating func prepare(_ stem: String, for count: Int, at now: Int64) throws(CoordinatorError) {
    uses += 1
    if let file = open[stem], isUnlinked(file.descriptor) { close(stem) }
    if let file = open[stem], isFull(file.number, file.bytes, count, now) { close(stem) }
    if open[stem] == nil {
      if open.count >= limits.openFiles, let oldest = open.min(by: { $0.value.lastUse < $1.value.lastUse }) {
        close(oldest.key)
      }
      open[stem] = try openFile(stem, for: count, at: now)
    }
    open[stem]!.lastUse = uses
  }

  private func isFull(_ number: Int64, _ bytes: Int, _ count: Int, _ now: Int64) -> Bool {
    bytes > 0 && bytes + count > limits.fileBytes || now - number >= limits.fileAge.wholeMilliseconds
  }

  /// Whether somebody removed the file under our hands.
  private func isUnlinked(_ descriptor: Int32) -> Bool {
    var info = stat()
    return fstat(descriptor, &info) != 0 || info.st_nlink == 0
  }

  private mutating func openFile(_ stem: String, for count: Int, at now: Int64) throws(CoordinatorError) -> OpenFile {
    var number = now
    if let last = directory.last(of: stem) {
      if !last.isCompressed, !isFull(last.number, last.bytes, count, now),
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
    guard descriptor >= 0 else { throw CoordinatorError(.inputOutput, Self.reason()) }
    directory.add(stem, .init(number: number, bytes: 0, isCompressed: false), at: now)
    return OpenFile(descriptor: descriptor, number: number, bytes: 0, lastUse: uses, isTorn: false)
  }

  /// Opens a file to go on with it; nil when somebody removed it. A killed process may have left half a line.
  private func openExisting(_ file: LogFileName) throws(CoordinatorError) -> OpenFile? {
    let path = directory.path + "/" + file.text
    let descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw CoordinatorError(.inputOutput, Self.reason())
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
