import Glibc
import Support

/// A reader's position in the files of one stream. No file is open between two reads, and at the end only the position is kept,
/// so that ten thousand cursors can wait.
struct LogCursor {
  /// The outcome of a read.
  enum Step {
    case record(LogRecord)
    /// There are no more records at the moment.
    case end
    /// The budget of bytes is used up; continue later.
    case pause
  }

  /// The directory of the instance.
  let path: String
  /// The stem of the names of the stream's files.
  let stem: String
  /// The number of lines that could not be read.
  private(set) var damagedLines = 0

  private let chunkBytes: Int
  /// The files according to their last listing. A listing is older than the bytes read after it, so every file before the last
  /// one is complete.
  private var numbers: [Int64]
  private var number: Int64?
  /// The number of uncompressed bytes of the file that were read into the buffer.
  private var offset = 0
  private var buffer: [UInt8] = []
  private var consumed = 0
  /// Whether the rest of an overlong line is being skipped.
  private var isSkipping = false
  private var gzip: GzipReader?
  /// Whether the file, a compressed one, was skipped.
  private var isPassed = false

  init(path: String, stem: String, numbers: [Int64], chunkBytes: Int) {
    self.path = path
    self.stem = stem
    self.numbers = numbers
    self.chunkBytes = chunkBytes
  }

  /// Replaces the listing with a newer one.
  mutating func refresh(_ numbers: [Int64]) { self.numbers = numbers }

  /// Reads up to the next matching record.
  /// - Throws: `LogStoreError.inputOutput` when a file cannot be read.
  mutating func next(_ matcher: LogMatcher, budget: inout Int) throws(LogStoreError) -> Step {
    while true {
      if let record = nextInBuffer(matcher) { return .record(record) }
      guard budget > 0 else { return .pause }
      guard try fill() else { return .end }
      budget -= buffer.count
    }
  }

  private mutating func nextInBuffer(_ matcher: LogMatcher) -> LogRecord? {
    while consumed < buffer.count {
      let line = buffer.withUnsafeBufferPointer { bytes -> (count: Int, record: LogRecord?)? in
        let rest = UnsafeBufferPointer(rebasing: bytes[consumed...])
        guard let end = memchr(rest.baseAddress!, 0x0a, rest.count) else { return nil }
        let count = end - UnsafeMutableRawPointer(mutating: rest.baseAddress!)
        return (count, isSkipping ? nil : LogCodec.decode(UnsafeBufferPointer(rebasing: rest[..<count])))
      }
      guard let line else { return nil }
      consumed += line.count + 1
      if line.record == nil, !isSkipping { damagedLines += 1 }
      isSkipping = false
      if let record = line.record, matcher.wants(record, stem: stem) { return record }
    }
    return nil
  }

  // MARK: Bytes

  /// Reads more bytes into the buffer; returns false if there are none at the moment.
  private mutating func fill() throws(LogStoreError) -> Bool {
    compact()
    while true {
      if number == nil {
        guard let first = numbers.first else { return false }
        number = first
      }
      if !isPassed, try readChunk() > 0 { return true }
      if let gzip, gzip.isDamaged { damagedLines += 1 }
      gzip = nil
      guard let next = numbers.first(where: { $0 > number! }) else {
        if buffer.isEmpty { buffer = [] }
        return false
      }
      number = next
      offset = 0
      isPassed = false
      guard buffer.isEmpty else {
        // The file ended in the middle of a line.
        buffer.append(0x0a)
        return true
      }
    }
  }

  private mutating func compact() {
    buffer.removeFirst(consumed)
    consumed = 0
    guard buffer.count > LogCodec.maximumLineBytes else { return }
    if !isSkipping { damagedLines += 1 }
    isSkipping = true
    buffer.removeAll()
  }

  private mutating func readChunk() throws(LogStoreError) -> Int {
    if gzip == nil {
      if let count = try readPlain() { return count }
      guard try openGzip() else { return 0 }
    }
    let count = gzip!.read(chunkBytes, into: &buffer)
    offset += count
    return count
  }

  private var plainPath: String { path + "/" + LogFileName(stem: stem, number: number!).text }

  /// Reads bytes of the uncompressed file and returns their number; nil if there is no such file.
  private mutating func readPlain() throws(LogStoreError) -> Int? {
    // Opening a pipe of that name must not block.
    let descriptor = open(plainPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw LogStoreError(SystemError("cannot open", plainPath)) }
      return nil
    }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return 0 }
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: chunkBytes) { bytes, initialized in
      count = pread(descriptor, bytes.baseAddress, chunkBytes, offset)
      initialized = max(0, count)
    }
    guard count >= 0 else { throw LogStoreError(SystemError("cannot read", plainPath)) }
    buffer = buffer.isEmpty ? bytes : buffer + bytes
    offset += count
    return count
  }

  /// Seeks to the position in the compressed file; returns false if that file is missing, too.
  private mutating func openGzip() throws(LogStoreError) -> Bool {
    let file = LogFileName(stem: stem, number: number!, isCompressed: true)
    guard access(path + "/" + file.text, F_OK) == 0 else { return false }
    let reader = try GzipReader(path: path + "/" + file.text)
    var passed: [UInt8] = []
    var left = offset
    while left > 0 {
      let count = reader.read(min(left, chunkBytes), into: &passed)
      if count == 0 { break }
      left -= count
      passed.removeAll(keepingCapacity: true)
    }
    gzip = reader
    return true
  }

  // MARK: The newest lines

  /// The files according to their last listing.
  var files: [Int64] { numbers }

  /// Returns a cursor for one of the files only, at its beginning.
  func alone(_ file: Int64) -> LogCursor {
    LogCursor(path: path, stem: stem, numbers: [file], chunkBytes: chunkBytes)
  }

  /// Moves, before the first read, to the beginning of another cursor of the same files.
  mutating func begin(where other: LogCursor) {
    number = other.number ?? other.numbers.first
    offset = other.offset
    isPassed = false
  }

  /// Returns the file system's information about a file, uncompressed or compressed.
  func status(_ file: Int64) -> (info: stat, isCompressed: Bool)? {
    var info = stat()
    for isCompressed in [false, true] {
      let name = LogFileName(stem: stem, number: file, isCompressed: isCompressed).text
      if lstat(path + "/" + name, &info) == 0 { return (info, isCompressed) }
    }
    return nil
  }

  /// Moves, before the first read, to the end that the last file had at the time of `status`.
  mutating func passAll(_ status: (info: stat, isCompressed: Bool)?) {
    number = numbers.last
    isPassed = status?.isCompressed ?? false
    offset = isPassed ? 0 : Int(status?.info.st_size ?? 0)
  }

  /// Moves, before the first read of a single uncompressed file, to the start of its last `count` lines.
  mutating func seekTail(_ count: Int) {
    number = numbers.first
    guard number != nil else { return }
    let descriptor = open(plainPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    offset = Self.place(descriptor, before: count) ?? 0
  }

  /// Returns the offset of the last `missing` lines of a file; nil if there are fewer.
  private static func place(_ descriptor: Int32, before missing: Int) -> Int? {
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    var end = Int(info.st_size)
    // The line end before the first of these lines.
    var ends = -1
    while end > 0 {
      let start = max(0, end - chunk.count)
      guard pread(descriptor, &chunk, end - start, start) == end - start else { return nil }
      for index in stride(from: end - start - 1, through: 0, by: -1) where chunk[index] == 0x0a {
        ends += 1
        if ends == missing { return start + index + 1 }
      }
      end = start
    }
    return nil
  }
}
