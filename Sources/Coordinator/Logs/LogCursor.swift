import Glibc

/// A reader's place in the files of one stream. Between two reads no file is open, and at the end nothing is held but the
/// place, so that ten thousand of them may wait.
struct LogCursor {
  /// What is found at the place.
  enum Step {
    case record(LogRecord)
    /// Nothing more at the moment.
    case end
    /// Bytes were read as far as the budget went; go on.
    case pause
  }

  /// The directory of the instance.
  let path: String
  /// The stem of the stream's files.
  let stem: String
  /// Lines that could not be read.
  private(set) var damagedLines = 0

  private let chunkBytes: Int
  /// The files by their last listing. A listing is older than the bytes that are read behind it: a file before
  /// its last has come to its end.
  private var numbers: [Int64]
  private var number: Int64?
  /// Plain bytes of the file that were taken into the buffer.
  private var offset = 0
  private var buffer: [UInt8] = []
  private var consumed = 0
  /// Whether the rest of an overlong line is being passed over.
  private var isSkipping = false
  private var gzip: GzipReader?

  init(path: String, stem: String, numbers: [Int64], chunkBytes: Int) {
    self.path = path
    self.stem = stem
    self.numbers = numbers
    self.chunkBytes = chunkBytes
  }

  /// Takes a newer listing.
  mutating func refresh(_ numbers: [Int64]) { self.numbers = numbers }

  /// The next wanted record.
  /// - Throws: `CoordinatorError.inputOutput`.
  mutating func next(_ matcher: LogMatcher, budget: inout Int) throws(CoordinatorError) -> Step {
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

  /// Reads more bytes into the buffer; false when there are none at the moment.
  private mutating func fill() throws(CoordinatorError) -> Bool {
    compact()
    while true {
      if number == nil {
        guard let first = numbers.first else { return false }
        number = first
      }
      if try readChunk() > 0 { return true }
      if let gzip, gzip.isDamaged { damagedLines += 1 }
      gzip = nil
      guard let next = numbers.first(where: { $0 > number! }) else {
        if buffer.isEmpty { buffer = [] }
        return false
      }
      number = next
      offset = 0
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

  private mutating func readChunk() throws(CoordinatorError) -> Int {
    if gzip == nil {
      if let count = try readPlain() { return count }
      guard try openGzip() else { return 0 }
    }
    let count = gzip!.read(chunkBytes, into: &buffer)
    offset += count
    return count
  }

  private var plainPath: String { path + "/" + LogFileName(stem: stem, number: number!).text }

  /// Bytes of the plain file; nil when there is none.
  private mutating func readPlain() throws(CoordinatorError) -> Int? {
    // A pipe by that name must not hold us.
    let descriptor = open(plainPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw .system("cannot open", plainPath) }
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
    guard count >= 0 else { throw .system("cannot read", plainPath) }
    buffer = buffer.isEmpty ? bytes : buffer + bytes
    offset += count
    return count
  }

  /// Goes to the place in the compressed file; false when that is gone as well.
  private mutating func openGzip() throws(CoordinatorError) -> Bool {
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

  /// Goes, before the first read, to a place behind which there are at least `count` lines, and not many more.
  mutating func seekTail(_ count: Int) {
    guard number == nil else { return }
    var missing = count
    for candidate in numbers.reversed() {
      number = candidate
      let descriptor = open(plainPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else {
        missing -= compressedLines(candidate)
        if missing <= 0 { return }
        continue
      }
      defer { close(descriptor) }
      if let place = Self.place(descriptor, before: &missing) {
        offset = place
        return
      }
    }
  }

  /// The start of the last `missing` lines of a file; nil when there are fewer, by which `missing` becomes less.
  private static func place(_ descriptor: Int32, before missing: inout Int) -> Int? {
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { return nil }
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    var end = Int(info.st_size)
    // The line end of the last of the lines before those that are wanted.
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
    missing -= max(0, ends)
    return nil
  }

  private func compressedLines(_ number: Int64) -> Int {
    let file = LogFileName(stem: stem, number: number, isCompressed: true)
    guard let reader = try? GzipReader(path: path + "/" + file.text) else { return 0 }
    var bytes: [UInt8] = []
    var lines = 0
    while reader.read(64 << 10, into: &bytes) > 0 {
      lines += bytes.count { $0 == 0x0a }
      bytes.removeAll(keepingCapacity: true)
    }
    return lines
  }
}
