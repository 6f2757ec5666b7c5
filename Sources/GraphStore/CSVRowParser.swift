import Glibc

/// How the cells of one column of the file are processed.
struct CSVCellTarget {
  var reading: CellReading
  /// Whether the client declared the type. If so, a cell that does not fit is an error; otherwise it refutes the type.
  var isDeclared = false
  /// Whether a missing value is an error.
  var isRequired = false
  /// The column's values (offsets for strings) for all rows of the table.
  var values: UnsafeMutableRawPointer?
  /// The characters of the chunk's strings.
  var text = TextRun()
  /// The types that fit the classified cells.
  var types = CellTypes.any
  /// Whether a cell did not fit the inferred type. The rest of the chunk then skips the column.
  var isRefuted = false
  /// The offset in the file of the first row without a value, in a column other than text; nil if all rows have one.
  var firstMissing: Int?
}

/// A growing byte buffer, owned by its target until `free`.
struct TextRun {
  private(set) var base: UnsafeMutableRawPointer?
  private(set) var count = 0
  private var capacity = 0

  @inline(__always)
  mutating func append(_ source: UnsafePointer<UInt8>, _ bytes: Int) {
    guard bytes > 0 else { return }
    if count + bytes > capacity { grow(by: bytes) }
    memcpy(base! + count, source, bytes)
    count += bytes
  }

  @inline(never)
  private mutating func grow(by bytes: Int) {
    capacity = max(4096, capacity * 2, count + bytes)
    base = realloc(base, capacity)!
  }

  mutating func clear() { count = 0 }

  mutating func free() {
    Glibc.free(base)
    self = TextRun()
  }
}

/// A fault in a row, and its position.
struct CSVFailure: Sendable, Equatable {
  enum Problem: Sendable, Equatable {
    /// The number of fields differs from the header or the first row.
    case fieldCount(Int)
    /// The cell does not fit its declared type.
    case value(CellReading, String)
    case invalidUTF8
    case openQuote
    /// A required value is missing.
    case missing
    /// The number of rows differs from the first pass.
    case changed
  }

  let problem: Problem
  /// The offset of the row in the file.
  let rowOffset: Int
  /// The index of the column in the file.
  let column: Int
  /// The beginning of the row.
  let row: String
}

/// Reads the rows of one chunk into their places in the columns.
///
/// The bytes end with a line end and are followed by one more readable byte. Cells of the common forms are read in the hot loop,
/// in one pass from their first byte; all others (quotes, blanks, missing values, hexadecimal numbers) are read by `readCell`.
struct CSVRowParser {
  let delimiter: UInt8
  /// One target per column of the file.
  let targets: UnsafeMutableBufferPointer<CSVCellTarget>
  private let start: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>
  private let fileOffset: Int
  private let firstRow: Int
  private var scratch = TextRun()
  private(set) var failure: CSVFailure?

  init(
    _ bytes: UnsafeBufferPointer<UInt8>, fileOffset: Int, firstRow: Int, delimiter: UInt8,
    targets: UnsafeMutableBufferPointer<CSVCellTarget>
  ) {
    start = bytes.baseAddress!
    end = start + bytes.count
    self.fileOffset = fileOffset
    self.firstRow = firstRow
    self.delimiter = delimiter
    self.targets = targets
  }

  /// Reads `rowCount` rows, or up to the first failure. If `isWhole`, the bytes must contain exactly as many rows.
  mutating func run(rowCount: Int, isWhole: Bool = true) {
    let (delimiter, targets, columnCount) = (delimiter, targets, targets.count)
    defer { scratch.free() }
    var next = start
    var row = 0
    while true {
      while next < end, next.pointee == 0x0A || next.pointee == 0x0D { next += 1 }
      guard next < end, row < rowCount else { break }
      let rowStart = next
      var column = 0
      while true {
        let place = firstRow + row
        switch targets[column].reading {
        case .int64:
          if let (value, fieldEnd) = shortInteger(next, digits: 18) {
            store(value, column, place)
            next = fieldEnd
          } else {
            guard let fieldEnd = readCell(next, rowStart, column, place) else { return }
            next = fieldEnd
          }
        case .int32:
          if let (value, fieldEnd) = shortInteger(next, digits: 9) {
            store(Int32(truncatingIfNeeded: value), column, place)
            next = fieldEnd
          } else {
            guard let fieldEnd = readCell(next, rowStart, column, place) else { return }
            next = fieldEnd
          }
        case .double:
          if let decimal = DecimalText(next), endsField(decimal.end) {
            store(decimal.double(), column, place)
            next = decimal.end
          } else {
            guard let fieldEnd = readCell(next, rowStart, column, place) else { return }
            next = fieldEnd
          }
        case .string:
          var fieldEnd = next
          var all: UInt8 = 0
          while !endsField(fieldEnd) {
            all |= fieldEnd.pointee
            fieldEnd += 1
          }
          if all < 0x80, next.pointee != UInt8(ascii: "\""), fieldEnd > next || !targets[column].isRequired {
            targets[column].text.append(next, fieldEnd - next)
            store(UInt64(targets[column].text.count), column, place + 1)
            next = fieldEnd
          } else {
            guard let fieldEnd = readCell(next, rowStart, column, place) else { return }
            next = fieldEnd
          }
        case .skip where next.pointee != UInt8(ascii: "\""):
          while !endsField(next) { next += 1 }
        default:
          guard let fieldEnd = readCell(next, rowStart, column, place) else { return }
          next = fieldEnd
        }
        column += 1
        guard next.pointee == delimiter else { break }
        guard column < columnCount else { return fail(.fieldCount(fieldCount(rowStart)), rowStart, column) }
        next += 1
      }
      guard column == columnCount else { return fail(.fieldCount(column), rowStart, column) }
      row += 1
    }
    if isWhole, row != rowCount || next < end { fail(.changed, next, 0) }
  }

  /// Returns whether an unquoted field ends before this byte.
  @inline(__always)
  private func endsField(_ byte: UnsafePointer<UInt8>) -> Bool {
    let value = byte.pointee
    return value == delimiter || value == 0x0A || value == 0x0D
  }

  /// Reads a field that consists of an optional minus sign and of digits, too few to overflow. Returns it with the position after
  /// it.
  @inline(__always)
  private func shortInteger(_ field: UnsafePointer<UInt8>, digits limit: Int) -> (Int64, UnsafePointer<UInt8>)? {
    let isNegative = field.pointee == UInt8(ascii: "-")
    let firstDigit = isNegative ? field + 1 : field
    var next = firstDigit
    var value: Int64 = 0
    while next.pointee.digit < 10 {
      value = value &* 10 &+ Int64(next.pointee.digit)
      next += 1
    }
    guard next != firstDigit, next - firstDigit <= limit, endsField(next) else { return nil }
    return (isNegative ? 0 &- value : value, next)
  }

  @inline(__always)
  private func store<T>(_ value: T, _ column: Int, _ place: Int) {
    targets[column].values!.assumingMemoryBound(to: T.self)[place] = value
  }

  // MARK: Cells of all other forms

  /// Reads one cell and returns the position after it; nil after a failure.
  @inline(never)
  private mutating func readCell(
    _ field: UnsafePointer<UInt8>, _ rowStart: UnsafePointer<UInt8>, _ column: Int, _ place: Int
  ) -> UnsafePointer<UInt8>? {
    guard field.pointee == UInt8(ascii: "\"") else {
      var fieldEnd = field
      while !endsField(fieldEnd) { fieldEnd += 1 }
      let cell = CellBytes(start: field, count: fieldEnd - field)
      return take(cell, rowStart, column, place) ? fieldEnd : nil
    }
    guard let (cell, fieldEnd) = unquote(field) else {
      fail(.openQuote, rowStart, column)
      return nil
    }
    return take(cell, rowStart, column, place) ? fieldEnd : nil
  }

  /// Returns the content of a quoted field and the position after it; nil if the field is not closed. The content is copied to
  /// `scratch` if it contains doubled quotes, or if bytes follow the closing quote: as in Arrow, these belong to the field.
  private mutating func unquote(_ field: UnsafePointer<UInt8>) -> (CellBytes, UnsafePointer<UInt8>)? {
    guard var quote = nextQuote(field + 1) else { return nil }
    if endsField(quote + 1) { return (CellBytes(start: field + 1, count: quote - field - 1), quote + 1) }
    scratch.clear()
    var next = field + 1
    while true {
      scratch.append(next, quote - next)
      next = quote + 1
      guard next < end, next.pointee == UInt8(ascii: "\"") else { break }
      scratch.append(next, 1)
      next += 1
      guard let following = nextQuote(next) else { return nil }
      quote = following
    }
    let rest = next
    while !endsField(next) { next += 1 }
    scratch.append(rest, next - rest)
    withUnsafePointer(to: 0) { scratch.append($0, 1) }
    let content = scratch.base!.assumingMemoryBound(to: UInt8.self)
    return (CellBytes(start: content, count: scratch.count - 1), next)
  }

  private func nextQuote(_ start: UnsafePointer<UInt8>) -> UnsafePointer<UInt8>? {
    guard start < end, let found = memchr(start, 0x22, end - start) else { return nil }
    return UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
  }

  /// Stores a cell, or narrows the types that fit it; returns false after a failure.
  private mutating func take(_ cell: CellBytes, _ rowStart: UnsafePointer<UInt8>, _ column: Int, _ place: Int) -> Bool {
    let reading = targets[column].reading
    switch reading {
    case .skip: return true
    case .classify:
      targets[column].types.formIntersection(.of(cell))
      if targets[column].types == .text { targets[column].reading = .skip }
      return true
    case .string:
      if targets[column].isRequired, cell.isEmpty {
        fail(.missing, rowStart, column)
        return false
      }
      guard (try? UTF8Span(validating: cell.span)) != nil else {
        fail(.invalidUTF8, rowStart, column)
        return false
      }
      append(cell, column, place)
      return true
    case .missing where !cell.isEmpty, .missingText where !CellTypes.isMissing(cell):
      targets[column].isRefuted = true
      targets[column].reading = .skip
      return true
    default:
      if CellTypes.isMissing(cell) {
        if targets[column].isRequired, cell.isEmpty || reading != .missingText {
          fail(.missing, rowStart, column)
          return false
        }
        if targets[column].firstMissing == nil { targets[column].firstMissing = fileOffset + (rowStart - start) }
        // The files consist of zeros, so a missing value need not be written.
        if reading == .missingText { append(cell, column, place) }
        return true
      }
      if storeValue(cell, reading, column, place) { return true }
      if targets[column].isDeclared {
        fail(.value(reading, Self.excerpt(cell)), rowStart, column)
        return false
      }
      targets[column].isRefuted = true
      targets[column].reading = .skip
      return true
    }
  }

  private func append(_ text: CellBytes, _ column: Int, _ place: Int) {
    if let base = text.baseAddress { targets[column].text.append(base, text.count) }
    store(UInt64(targets[column].text.count), column, place + 1)
  }

  /// Reads and stores a value of a type other than string; returns false if the cell does not fit.
  private func storeValue(_ cell: CellBytes, _ reading: CellReading, _ column: Int, _ place: Int) -> Bool {
    func put<T>(_ value: T?) -> Bool {
      guard let value else { return false }
      store(value, column, place)
      return true
    }
    switch reading {
    case .int32: return put(CellText.integer(cell, as: Int32.self))
    case .int64: return put(CellText.integer(cell, as: Int64.self))
    case .uint32: return put(CellText.integer(cell, as: UInt32.self))
    case .uint64: return put(CellText.integer(cell, as: UInt64.self))
    case .float: return put(CellText.float(cell))
    case .double: return put(CellText.double(cell))
    case .boolean: return put(CellText.boolean(cell).map { Int32($0 ? 1 : 0) })
    case .date32: return put(CellText.days(cell))
    case .timestamp: return put(CellText.milliseconds(cell)?.value)
    case .localTimestamp: return put(CellText.milliseconds(cell).flatMap { $0.isZoned ? nil : $0.value })
    case .zonedTimestamp: return put(CellText.milliseconds(cell).flatMap { $0.isZoned ? $0.value : nil })
    case .missing, .missingText, .skip, .classify, .string: return false
    }
  }

  // MARK: Failures

  private mutating func fail(_ problem: CSVFailure.Problem, _ rowStart: UnsafePointer<UInt8>, _ column: Int) {
    let line = CellBytes(start: rowStart, count: max(0, end - rowStart)).prefix { $0 != 0x0A && $0 != 0x0D }
    failure = CSVFailure(
      problem: problem, rowOffset: fileOffset + (rowStart - start), column: column,
      row: Self.excerpt(CellBytes(rebasing: line)))
  }

  /// Returns the number of fields in the row.
  private func fieldCount(_ rowStart: UnsafePointer<UInt8>) -> Int {
    var scanner = RowEndScanner(delimiter: delimiter)
    var count = 1
    var next = rowStart
    while next < end, !scanner.take(next.pointee) {
      if scanner.state == .fieldStart { count += 1 }
      next += 1
    }
    return count
  }

  /// Returns the beginning of a text for display: in UTF-8, without control characters other than tabs.
  static func excerpt(_ bytes: CellBytes) -> String {
    let text = String(decoding: bytes.prefix(80), as: UTF8.self)
    let shown = text.unicodeScalars.map {
      $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F ? "\u{FFFD}" : String($0)
    }.joined()
    return bytes.count > 80 ? shown + "…" : shown
  }
}
