import Synchronization
import Workers

extension TableReader {
  /// Reads the first `byteCount` bytes of a file as an Arrow IPC stream.
  ///
  /// Reads all columns. Booleans and integers of less than 32 bits become int32; dates in milliseconds, and timestamps of any
  /// unit and zone, become timestamps in milliseconds (UTC, finer fractions rounded down). A missing value becomes 0 or an empty
  /// string; a missing float keeps the contents of its slot, which is NaN in streams written from pandas. A column of type null
  /// becomes a column of empty strings.
  ///
  /// - Parameter required: Columns in which no value may be missing and no text may be empty.
  /// - Throws: `GraphStoreError` for a stream that is malformed, compressed or of unsupported types, and for a missing value in a
  ///   required column; `CancellationError`. Files made by then stay in `staging`, which the caller removes.
  public static func readArrowStream(
    path: String, byteCount: Int, staging: String, workers: Workers, required: [ColumnReference] = []
  ) throws -> Table {
    let file = try MappedFile.open(path: path)
    guard byteCount >= 0, byteCount <= file.bytes.count else {
      throw GraphStoreError(
        .invalidData,
        "'\(path)' has \(file.bytes.count) bytes, but at least \(byteCount) are required")
    }
    let stream = try ArrowStream(UnsafeRawBufferPointer(rebasing: file.bytes[..<byteCount]))
    return try withExtendedLifetime(file) {
      try stream.requireValues(in: required)
      return try ArrowTableBuilder(
        stream, staging: ColumnFileStaging(directory: staging, storage: workers.storage), workers: workers
      ).table()
    }
  }
}

extension ArrowStream {
  /// Throws `invalidData` for the first missing value or empty text in one of the columns. Columns that do not exist are ignored:
  /// the code that uses them reports them.
  fileprivate func requireValues(in columns: [ColumnReference]) throws(GraphStoreError) {
    for reference in columns {
      var column = fields.firstIndex { $0.name == reference.description }
      if case .index(let index) = reference, fields.indices.contains(index) { column = index }
      guard let column else { continue }
      let rows = [firstMissing(in: column), firstEmptyText(in: column)].compactMap(\.self)
      guard let row = rows.min() else { continue }
      throw GraphStoreError(
        .invalidData, "row \(row + 1) of the table, column '\(fields[column].name)': the id is missing",
        hint: "Give the row an id, or remove the row")
    }
  }

  /// Returns the first row of the table with an empty text in a column; nil if there is none, or the column holds no texts.
  private func firstEmptyText(in column: Int) -> Int? {
    let type = fields[column].type
    guard type.isString else { return nil }
    var place = 0
    for batch in batches {
      let part = batch[column]
      if let row = (0..<part.rowCount).first(where: { part.offset($0, type) == part.offset($0 + 1, type) }) {
        return place + row
      }
      place += part.rowCount
    }
    return nil
  }

  /// Returns the first row of the table without a value in a column; nil if all rows have one.
  fileprivate func firstMissing(in column: Int) -> Int? {
    var place = 0
    for batch in batches {
      let part = batch[column]
      if fields[column].type == .null, part.rowCount > 0 { return place }
      if let validity = part.validity,
        let row = (0..<part.rowCount).first(where: { validity[$0 / 8] >> ($0 % 8) & 1 == 0 })
      {
        return place + row
      }
      place += part.rowCount
    }
    return nil
  }
}

/// Copies the columns of a stream into column files, in pieces distributed over the workers.
private struct ArrowTableBuilder {
  /// Some rows of one column in one batch.
  private struct Piece {
    let column: Int
    let part: ArrowStream.Part
    let rows: Range<Int>
    /// The index in the table of its first row.
    let place: Int
  }

  /// The maximum number of rows in a piece.
  private static let grain = 1 << 17

  private let stream: ArrowStream
  private let staging: ColumnFileStaging
  private let workers: Workers
  private let pieces: [Piece]

  init(_ stream: ArrowStream, staging: ColumnFileStaging, workers: Workers) {
    self.stream = stream
    self.staging = staging
    self.workers = workers
    var pieces: [Piece] = []
    var place = 0
    for batch in stream.batches {
      let rowCount = batch.first?.rowCount ?? 0
      for start in stride(from: 0, to: rowCount, by: Self.grain) {
        let rows = start..<min(rowCount, start + Self.grain)
        for (column, part) in batch.enumerated() where stream.fields[column].type != .null {
          pieces.append(Piece(column: column, part: part, rows: rows, place: place + start))
        }
      }
      place += rowCount
    }
    self.pieces = pieces
  }

  func table() throws -> Table {
    let count = stream.rowCount
    let values = try makeValues()
    let textBytes = try measureTexts()
    // The offsets at which the characters of the pieces go; used for pieces of strings only.
    var starts: [Int] = []
    var totals = stream.fields.map { _ in 0 }
    for (piece, bytes) in zip(pieces, textBytes) {
      starts.append(totals[piece.column])
      totals[piece.column] += bytes
    }
    let characters = try makeCharacters(totals)
    try forEachPiece { piece, number in
      let destination = values[piece.column].bytes
      if let text = characters[piece.column], stream.fields[piece.column].type.isString {
        copyTexts(piece, to: destination, characters: text.bytes, start: starts[number])
      } else {
        try copyValues(piece, to: destination)
      }
    }
    return Table(
      columns: stream.fields.enumerated().map { column, field in
        Column(
          name: field.name, type: field.type.columnType, count: count, data: values[column],
          characters: characters[column],
          firstMissing: stream.firstMissing(in: column).map { "row \($0 + 1) of the data frame" },
          isVacant: field.type == .null)
      }, rowCount: count)
  }

  /// Creates files of zeros for all columns. Columns of type null are equal and share one file.
  private func makeValues() throws -> [MappedFile] {
    var shared: MappedFile?
    return try stream.fields.enumerated().map { column, field in
      if field.type == .null, let shared { return shared }
      let file = try staging.values(column: column, type: field.type.columnType, count: stream.rowCount)
      if field.type == .null { shared = file }
      return file
    }
  }

  private func makeCharacters(_ totals: [Int]) throws -> [MappedFile?] {
    var shared: MappedFile?
    return try stream.fields.enumerated().map { column, field in
      guard field.type.columnType == .string else { return nil }
      if field.type == .null, let shared { return shared }
      let file = try staging.characters(column: column, byteCount: totals[column])
      if field.type == .null { shared = file }
      return file
    }
  }

  /// Runs `body` for all pieces. Throws the error of the first failed piece in the order of the stream.
  private func forEachPiece(_ body: (_ piece: Piece, _ number: Int) throws -> Void) throws {
    let firstFailed = Atomic<Int>(.max)
    let failures = Mutex<[Int: any Error]>([:])
    try workers.forEach(pieces.count, grain: 1) { numbers, _ in
      for number in numbers where number < firstFailed.load(ordering: .relaxed) {
        do { try body(pieces[number], number) } catch {
          failures.withLock { $0[number] = error }
          firstFailed.min(number, ordering: .relaxed)
        }
      }
    }
    if let failure = failures.withLock({ $0.min { $0.key < $1.key }?.value }) { throw failure }
  }

  private func fault(_ piece: Piece, _ row: Int, _ evidence: String) -> GraphStoreError {
    GraphStoreError(
      .invalidData,
      "row \(piece.place + row - piece.rows.lowerBound) of column '\(stream.fields[piece.column].name)' of the Arrow "
        + "stream cannot be loaded", evidence: evidence)
  }

  // MARK: Strings

  /// Validates the strings of all pieces and returns the number of their characters.
  private func measureTexts() throws -> [Int] {
    let sizes = UnsafeMutableBufferPointer<Int>.allocate(capacity: pieces.count)
    defer { sizes.deallocate() }
    sizes.initialize(repeating: 0)
    try forEachPiece { piece, number in
      switch stream.fields[piece.column].type {
      case .string: sizes[number] = try measure(piece, offsets: Int32.self)
      case .largeString: sizes[number] = try measure(piece, offsets: Int64.self)
      default: break
      }
    }
    return Array(sizes)
  }

  private func measure<Offset: FixedWidthInteger & BitwiseCopyable>(
    _ piece: Piece, offsets: Offset.Type
  ) throws -> Int {
    let values = piece.part.values
    let characters = piece.part.characters
    let width = MemoryLayout<Offset>.size
    var total = 0
    var start = Int(values.loadUnaligned(fromByteOffset: piece.rows.lowerBound * width, as: Offset.self))
    for row in piece.rows {
      let end = Int(values.loadUnaligned(fromByteOffset: (row + 1) * width, as: Offset.self))
      guard start >= 0, start <= end, end <= characters.count else {
        throw fault(piece, row, "its characters lie outside their buffer")
      }
      if piece.part.hasValue(row) {
        let text = UnsafeRawBufferPointer(rebasing: characters[start..<end]).bindMemory(to: UInt8.self)
        guard (try? UTF8Span(validating: text.span)) != nil else { throw fault(piece, row, "it is not valid UTF-8") }
        total += end - start
      }
      start = end
    }
    return total
  }

  private func copyTexts(
    _ piece: Piece, to offsets: UnsafeMutableRawBufferPointer, characters: UnsafeMutableRawBufferPointer, start: Int
  ) {
    let ends = offsets.assumingMemoryBound(to: UInt64.self)
    let isLarge = stream.fields[piece.column].type == .largeString
    func offset(_ row: Int) -> Int {
      isLarge
        ? Int(piece.part.values.loadUnaligned(fromByteOffset: row * 8, as: Int64.self))
        : Int(piece.part.values.loadUnaligned(fromByteOffset: row * 4, as: Int32.self))
    }
    var next = start
    var place = piece.place
    for row in piece.rows {
      let source = offset(row)
      let count = piece.part.hasValue(row) ? offset(row + 1) - source : 0
      if count > 0 {
        (characters.baseAddress! + next).copyMemory(
          from: piece.part.characters.baseAddress! + source, byteCount: count)
      }
      next += count
      place += 1
      ends[place] = UInt64(next)
    }
  }

  // MARK: Fixed-width values

  private func copyValues(_ piece: Piece, to destination: UnsafeMutableRawBufferPointer) throws {
    switch stream.fields[piece.column].type {
    case .null, .string, .largeString: break
    case .boolean: copyBits(piece, to: destination)
    case .int8: convert(piece, to: destination) { (value: Int8) in Int32(value) }
    case .int16: convert(piece, to: destination) { (value: Int16) in Int32(value) }
    case .uint8: convert(piece, to: destination) { (value: UInt8) in Int32(value) }
    case .uint16: convert(piece, to: destination) { (value: UInt16) in Int32(value) }
    case .int32, .uint32, .date32: convert(piece, to: destination) { (value: UInt32) in value }
    case .int64, .uint64, .date64, .timestamp(.millisecond):
      convert(piece, to: destination) { (value: UInt64) in value }
    // A slot without a value holds NaN if the stream comes from pandas; otherwise its contents do not matter.
    case .float, .double: copyBytes(piece, to: destination, width: stream.fields[piece.column].type.valueBytes)
    case .timestamp(.second): try copySeconds(piece, to: destination)
    case .timestamp(.microsecond):
      convert(piece, to: destination) { (value: Int64) in value.flooredQuotient(by: 1000) }
    case .timestamp(.nanosecond):
      convert(piece, to: destination) { (value: Int64) in value.flooredQuotient(by: 1_000_000) }
    }
  }

  @inline(__always)
  private func convert<Source: BitwiseCopyable, Value: BitwiseCopyable>(
    _ piece: Piece, to destination: UnsafeMutableRawBufferPointer, _ value: (Source) -> Value
  ) {
    let source = piece.part.values.baseAddress! + piece.rows.lowerBound * MemoryLayout<Source>.size
    let target = destination.assumingMemoryBound(to: Value.self).baseAddress! + piece.place
    for index in 0..<piece.rows.count {
      target[index] = value(source.loadUnaligned(fromByteOffset: index * MemoryLayout<Source>.size, as: Source.self))
    }
    guard piece.part.validity != nil else { return }
    for (index, row) in piece.rows.enumerated() where !piece.part.hasValue(row) {
      UnsafeMutableRawPointer(target + index).initializeMemory(
        as: UInt8.self, repeating: 0, count: MemoryLayout<Value>.size)
    }
  }

  private func copyBytes(_ piece: Piece, to destination: UnsafeMutableRawBufferPointer, width: Int) {
    (destination.baseAddress! + piece.place * width).copyMemory(
      from: piece.part.values.baseAddress! + piece.rows.lowerBound * width, byteCount: piece.rows.count * width)
  }

  private func copyBits(_ piece: Piece, to destination: UnsafeMutableRawBufferPointer) {
    let target = destination.assumingMemoryBound(to: Int32.self)
    for (index, row) in piece.rows.enumerated() where piece.part.hasValue(row) {
      target[piece.place + index] = Int32(piece.part.values[row >> 3] >> UInt8(row & 7) & 1)
    }
  }

  private func copySeconds(_ piece: Piece, to destination: UnsafeMutableRawBufferPointer) throws {
    let target = destination.assumingMemoryBound(to: Int64.self)
    for (index, row) in piece.rows.enumerated() where piece.part.hasValue(row) {
      let seconds = piece.part.values.loadUnaligned(fromByteOffset: row * 8, as: Int64.self)
      let (value, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
      guard !isTooLarge else { throw fault(piece, row, "\(seconds) seconds do not fit a timestamp in milliseconds") }
      target[piece.place + index] = value
    }
  }
}

extension ArrowType {
  var isString: Bool { self == .string || self == .largeString }
}

extension ArrowStream.Part {
  /// Returns whether a row has a value.
  @inline(__always)
  fileprivate func hasValue(_ row: Int) -> Bool {
    guard let validity else { return true }
    return validity[row >> 3] >> UInt8(row & 7) & 1 == 1
  }
}

extension Int64 {
  /// The quotient rounded down, so that times before 1970 are rounded like later ones.
  fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
