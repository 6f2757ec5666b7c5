import Workers

/// A run of complete rows of a text file.
struct CSVChunk: Sendable, Equatable {
  /// Its range of bytes in the file, which may begin with blank lines.
  var range: Range<Int>
  /// The index of its first row, and the number of its rows.
  var firstRow: Int
  var rowCount: Int
}

/// The positions of the rows of a text file: the outcome of the first of the two passes over it.
///
/// The file is cut into blocks of equal size, which are examined in parallel; a chunk is a run of complete rows that ends with
/// the last row end of a block. In a block without quotes and lone carriage returns, every line feed ends a row, and line feeds
/// are counted at the speed of memory. In all other blocks, rows are followed byte by byte, in the order of the file: a quoted
/// field may contain line ends, and only the preceding bytes tell whether a quote opens or closes. Arrow cuts blocks at any line
/// end and therefore rejects such fields when they happen to span a cut; here the result never depends on where a cut is.
struct CSVLayout: Sendable, Equatable {
  /// The chunks in file order; together they contain all rows.
  private(set) var chunks: [CSVChunk] = []
  /// Number of rows.
  private(set) var rowCount = 0
  /// The offset of a row, after the last chunk, that is longer than the tuning allows; nil if there is none.
  private(set) var overlongRow: Int?

  /// Finds the rows from `start` to the end of the file.
  init(
    _ file: CSVFile, from start: Int, delimiter: UInt8, tuning: CSVReader.Tuning, workers: Workers,
    buffers: [CSVBuffer],
    meter: ProgressMeter
  ) throws {
    let blockBytes = tuning.blockBytes
    let blockCount = (file.byteCount - start + blockBytes - 1) / blockBytes
    let blocks = UnsafeMutableBufferPointer<CSVBlock>.allocate(capacity: blockCount)
    defer { blocks.deallocate() }
    blocks.initialize(repeating: CSVBlock())
    func range(_ block: Int) -> Range<Int> {
      start + block * blockBytes..<min(file.byteCount, start + (block + 1) * blockBytes)
    }
    try workers.forEach(blockCount, grain: 1) { numbers, slot in
      for number in numbers {
        blocks[number] = try CSVBlock(file, range: range(number), dataStart: start, buffer: buffers[slot])
        meter.advance(blockBytes / 8, slot: slot)
      }
    }
    var walk = RowEndScanner(delimiter: delimiter)
    var chunkStart = start
    for number in 0..<blockCount {
      let block = blocks[number]
      let range = range(number)
      var lastRowEnd: Int?
      var rows = 0
      if block.isPlain, !walk.isInsideQuotes, !(walk.state == .rowStart && block.previous == UInt8(ascii: "\r")) {
        rows = block.rowEnds
        lastRowEnd = block.lastLineFeed.map { range.lowerBound + $0 + 1 }
        walk.state = block.stateAfter(walk.state, delimiter: delimiter)
      } else {
        try workers.cancellation.check()
        let bytes = try buffers[0].load(range, from: file)
        (rows, lastRowEnd) = walk.scan(bytes)
        lastRowEnd = lastRowEnd.map { range.lowerBound + $0 }
      }
      if let lastRowEnd {
        append(chunkStart..<lastRowEnd, rows: rows)
        chunkStart = lastRowEnd
      }
      if range.upperBound - chunkStart > tuning.maximumRowBytes {
        overlongRow = chunkStart
        return
      }
    }
    if walk.state != .rowStart { append(chunkStart..<file.byteCount, rows: 1) }
  }

  /// Groups the chunks into runs of at most `byteCount` bytes each, or of a single larger chunk.
  func windows(of byteCount: Int) -> [Range<Int>] {
    var windows: [Range<Int>] = []
    for (number, chunk) in chunks.enumerated() {
      if let last = windows.last, chunk.range.upperBound - chunks[last.lowerBound].range.lowerBound <= byteCount {
        windows[windows.count - 1] = last.lowerBound..<number + 1
      } else {
        windows.append(number..<number + 1)
      }
    }
    return windows
  }

  private mutating func append(_ range: Range<Int>, rows: Int) {
    guard rows > 0 else { return }
    chunks.append(CSVChunk(range: range, firstRow: rowCount, rowCount: rows))
    rowCount += rows
  }
}

/// The facts about a block of a text file that do not depend on the bytes before it.
private struct CSVBlock {
  /// Whether the block has no quotes, and carriage returns only before line feeds. The other facts hold for such blocks only.
  var isPlain = true
  /// The number of line feeds that end rows, that is, non-empty lines.
  var rowEnds = 0
  /// The position of the last line feed in the block.
  var lastLineFeed: Int?
  /// The byte before the block, and the last two bytes up to its end.
  var previous = UInt8(ascii: "\n")
  var lastTwo = (UInt8(ascii: "\n"), UInt8(ascii: "\n"))

  init() {}

  /// Examines a block, the two bytes before it and the byte after it. Line feeds stand for bytes beyond the data.
  init(_ file: CSVFile, range: Range<Int>, dataStart: Int, buffer: CSVBuffer) throws(GraphStoreError) {
    let before = min(2, range.lowerBound - dataStart)
    let after = range.upperBound < file.byteCount ? 1 : 0
    let bytes = try buffer.load(range.lowerBound - before..<range.upperBound + after, from: file)
    let count = range.count
    func byte(_ index: Int) -> UInt8 { index + before < 0 ? UInt8(ascii: "\n") : bytes[index + before] }

    // A carriage return at the end of the file is not followed by a line feed.
    if after == 0, byte(count - 1) == UInt8(ascii: "\r") { isPlain = false }
    let base = bytes.baseAddress! + before
    // The first two bytes look back beyond what the buffer may hold.
    for index in 0..<min(2, count) { examine(byte(index), byte(index - 1), byte(index - 2), next: base[index + 1]) }
    let rest = examineInBulk(base, from: 2, to: count)
    for index in stride(from: rest, to: count, by: 1) {
      examine(base[index], base[index - 1], base[index - 2], next: base[index + 1])
    }
    lastLineFeed = (0..<count).last { base[$0] == UInt8(ascii: "\n") }
    previous = byte(-1)
    lastTwo = (byte(count - 2), byte(count - 1))
  }

  private mutating func examine(_ byte: UInt8, _ previous: UInt8, _ beforeThat: UInt8, next: UInt8) {
    if byte == UInt8(ascii: "\"") || (byte == UInt8(ascii: "\r") && next != UInt8(ascii: "\n")) { isPlain = false }
    guard byte == UInt8(ascii: "\n") else { return }
    let isBlank = previous == UInt8(ascii: "\n") || (previous == UInt8(ascii: "\r") && beforeThat == UInt8(ascii: "\n"))
    if !isBlank { rowEnds += 1 }
  }

  /// Examines as many bytes as fill vectors, and returns the position after them.
  ///
  /// The compiler turns vectors of 16 bytes into single instructions; it splits wider ones.
  private mutating func examineInBulk(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
    typealias Vector = SIMD16<UInt8>
    let lineFeed = Vector(repeating: UInt8(ascii: "\n"))
    let carriageReturn = Vector(repeating: UInt8(ascii: "\r"))
    let quote = Vector(repeating: UInt8(ascii: "\""))
    let (zero, one) = (Vector(repeating: 0), Vector(repeating: 1))
    func load(_ place: Int) -> Vector { UnsafeRawPointer(base + place).loadUnaligned(as: Vector.self) }

    var isOther = SIMDMask<SIMD16<Int8>>(repeating: false)
    var rowEnds = 0
    var next = start
    while next + 16 <= end {
      var counts = zero
      let last = min(next + 255 * 16, end - 15)  // No count overflows in 255 steps.
      while next < last {
        let bytes = load(next)
        let previous = load(next - 1)
        isOther .|= (bytes .== quote) .| ((bytes .== carriageReturn) .& (load(next + 1) .!= lineFeed))
        let isFilled = (previous .!= lineFeed) .& ((previous .!= carriageReturn) .| (load(next - 2) .!= lineFeed))
        counts &+= zero.replacing(with: one, where: (bytes .== lineFeed) .& isFilled)
        next += 16
      }
      for lane in 0..<16 { rowEnds += Int(counts[lane]) }
    }
    self.rowEnds += rowEnds
    if any(isOther) { isPlain = false }
    return next
  }

  /// Returns the state of the scanner after a plain block.
  func stateAfter(_ state: RowEndScanner.State, delimiter: UInt8) -> RowEndScanner.State {
    switch lastTwo {
    case (_, UInt8(ascii: "\n")), (UInt8(ascii: "\n"), UInt8(ascii: "\r")): .rowStart
    case (_, delimiter): .fieldStart
    default: .unquoted
    }
  }
}

/// Follows rows from byte to byte. A pure state machine:
///
/// | state | line end | `"` | delimiter | other |
/// |---|---|---|---|---|
/// | rowStart | rowStart | quoted | fieldStart | unquoted |
/// | fieldStart | **row**, rowStart | quoted | fieldStart | unquoted |
/// | unquoted | **row**, rowStart | unquoted | fieldStart | unquoted |
/// | quoted | quoted | quoteInQuoted | quoted | quoted |
/// | quoteInQuoted | **row**, rowStart | quoted | fieldStart | unquoted |
struct RowEndScanner {
  enum State {
    /// At the beginning of a line. A line end here belongs to a blank line.
    case rowStart
    /// After a delimiter.
    case fieldStart
    /// In a field outside quotes.
    case unquoted
    /// Between quotes.
    case quoted
    /// After a quote inside quotes: the closing quote, or the first of a doubled quote.
    case quoteInQuoted
  }

  let delimiter: UInt8
  var state: State = .rowStart

  init(delimiter: UInt8) { self.delimiter = delimiter }

  /// Whether a line end may be part of a field in this state.
  var isInsideQuotes: Bool { state == .quoted || state == .quoteInQuoted }

  /// Consumes one byte and returns whether it ends a row.
  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    if state == .quoted {
      if byte == UInt8(ascii: "\"") { state = .quoteInQuoted }
      return false
    }
    switch byte {
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      let endsRow = state != .rowStart
      state = .rowStart
      return endsRow
    case UInt8(ascii: "\""): state = state == .unquoted ? .unquoted : .quoted
    case delimiter: state = .fieldStart
    default: state = .unquoted
    }
    return false
  }

  /// Consumes bytes. Returns the number of rows that end in them, and the last position at which a row can begin.
  mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> (rows: Int, lastRowEnd: Int?) {
    var scanner = self
    var rows = 0
    var last: Int?
    for (index, byte) in bytes.enumerated() {
      if scanner.take(byte) { rows += 1 }
      if scanner.state == .rowStart { last = index + 1 }
    }
    self = scanner
    return (rows, last)
  }
}
