import Synchronization
import Workers

/// The outcome of a pass over the cells.
private struct CSVOutcome {
  /// The value files of the stored columns, by column index in the file.
  var values: [Int: MappedFile] = [:]
  /// The character files of the string columns, by column index in the file.
  var characters: [Int: MappedFile] = [:]
  /// Columns whose inferred type was wrong.
  var refuted: Set<Int> = []
  /// The offset of the first row without a value, by column index in the file.
  var missing: [Int: Int] = [:]
  /// The first failure in the order of the file.
  var failure: CSVFailure?

  /// Merges the outcome of a second pass over the refuted columns.
  mutating func correct(by other: CSVOutcome) {
    for column in refuted {
      values[column] = other.values[column]
      characters[column] = other.characters[column]
      missing[column] = other.missing[column]
    }
    failure = [failure, other.failure].compactMap(\.self).min { ($0.rowOffset, $0.column) < ($1.rowOffset, $1.column) }
  }
}

/// Reads the requested columns of a text file in two parallel passes: the first finds the rows, the second reads the cells.
///
/// The type of a column without a declared type is guessed from rows spread over the file, and the second pass checks the guess
/// for every cell. Only a column that refutes the guess is examined again: all its cells are classified, then read.
struct CSVReader {
  /// Sizes that tests reduce.
  struct Tuning {
    /// Bytes in a block of the first pass, which becomes a chunk of the second.
    var blockBytes = 1 << 20
    /// The maximum number of bytes of a chunk from which types are guessed.
    var sampleBytes = 8 << 10
    /// Bytes of the chunks whose strings are kept in memory at a time, per thread.
    var windowBytes = 16 << 20
    /// The maximum number of bytes in a row.
    var maximumRowBytes = 64 << 20
  }

  private let file: CSVFile
  private let delimiter: UInt8
  private let header: CSVHeader
  private let layout: CSVLayout
  private let staging: ColumnFileStaging
  private let workers: Workers
  private let buffers: [CSVBuffer]
  private let meter: ProgressMeter
  private let tuning: Tuning

  /// See `TableReader.readCSV`.
  static func read(
    path: String, options: CSVOptions, staging: String, workers: Workers, tuning: Tuning = Tuning(),
    progress: (_ fraction: Double) -> Void
  ) throws -> Table {
    try read(
      try OpenedFile(path: path), options: options, staging: staging, workers: workers, tuning: tuning,
      progress: progress)
  }

  /// See `TableReader.readCSV`.
  static func read(
    _ file: OpenedFile, options: CSVOptions, staging: String, workers: Workers, tuning: Tuning = Tuning(),
    progress: (_ fraction: Double) -> Void
  ) throws -> Table {
    try checkDelimiter(options.delimiter)
    return try withoutActuallyEscaping(progress) { progress in
      let file = CSVFile(file)
      let header = try CSVHeader(
        file, delimiter: options.delimiter, hasHeader: options.hasHeader, maximumRowBytes: tuning.maximumRowBytes,
        storage: workers.storage)
      let selection = try CSVSelection(options, header: header, file: file)
      // Counting rows and joining strings are much cheaper than reading cells.
      let meter = ProgressMeter(total: file.byteCount + file.byteCount / 4, report: progress)
      let buffers = (0..<workers.width).map { _ in CSVBuffer(storage: workers.storage) }
      let layout = try CSVLayout(
        file, from: header.dataStart, delimiter: options.delimiter, tuning: tuning, workers: workers, buffers: buffers,
        meter: meter)
      let reader = CSVReader(
        file: file, delimiter: options.delimiter, header: header, layout: layout,
        staging: ColumnFileStaging(directory: staging, storage: workers.storage), workers: workers, buffers: buffers,
        meter: meter, tuning: tuning)
      return try reader.table(selection)
    }
  }

  private static func checkDelimiter(_ delimiter: UInt8) throws(GraphStoreError) {
    switch delimiter {
    case 0, UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\""), UInt8(ascii: "."), UInt8(ascii: "+"),
      UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
      throw GraphStoreError(
        .invalidArgument, "'\(CSVHeader.name(of: delimiter))' cannot be a delimiter",
        hint: "Use a comma, a tab, a bar or another ASCII character that does not occur in numbers")
    default: return
    }
  }

  // MARK: From readings to columns

  private func table(_ selection: CSVSelection) throws -> Table {
    var readings = selection.readings
    let inferred = Set(readings.indices.filter { readings[$0] == .classify })
    if !inferred.isEmpty {
      let types = try classify(inferred, sampled: true)
      for column in inferred { readings[column] = types[column].reading }
    }
    var outcome = try parse(readings, inferred: inferred, required: selection.required)
    if !outcome.refuted.isEmpty {
      meter.expect(2 * file.byteCount)
      let types = try classify(outcome.refuted, sampled: false)
      var again = readings.map { _ in CellReading.skip }
      for column in outcome.refuted {
        readings[column] = types[column].reading
        again[column] = readings[column]
      }
      outcome.correct(by: try parse(again, inferred: outcome.refuted, required: selection.required))
    }
    if let failure = outcome.failure { throw try error(of: failure, selection) }
    if let offset = layout.overlongRow {
      throw GraphStoreError(
        .limitExceeded,
        "'\(file.path)' line \(try file.lineNumber(at: offset)): the row is longer than the "
          + "\(tuning.maximumRowBytes) bytes that a row may have",
        hint: "Check that quotes are closed and that lines end with a line feed")
    }
    let missing = try lines(of: outcome.missing)
    return Table(
      columns: selection.wanted.map { column in
        Column(
          name: header.names[column], type: readings[column].columnType ?? .string, count: layout.rowCount,
          data: outcome.values[column]!, characters: outcome.characters[column], firstMissing: missing[column],
          isVacant: readings[column] == .missing || readings[column] == .missingText)
      }, rowCount: layout.rowCount, origin: file.path)
  }

  /// Describes the lines in which rows begin, for messages.
  private func lines(of offsets: [Int: Int]) throws -> [Int: String] {
    var words: [Int: String] = [:]
    var known = (offset: 0, line: 1)
    for (column, offset) in offsets.sorted(by: { $0.value < $1.value }) {
      try workers.cancellation.check()
      known = (offset, try file.lineNumber(at: offset, counting: known))
      words[column] = "line \(known.line) of '\(file.path)'"
    }
    return words
  }

  /// Returns the types that fit the cells of some columns: all cells, or those of the first rows of every chunk.
  private func classify(_ columns: Set<Int>, sampled: Bool) throws -> [CellTypes] {
    var prototype = header.names.map { _ in CSVCellTarget(reading: .skip) }
    for column in columns { prototype[column].reading = .classify }
    let types = Mutex(header.names.map { _ in CellTypes.any })
    try workers.forEach(layout.chunks.count, grain: 1) { numbers, slot in
      for number in numbers {
        let chunk = layout.chunks[number]
        let length = sampled ? min(tuning.sampleBytes, chunk.range.count) : chunk.range.count
        let range = chunk.range.lowerBound..<chunk.range.lowerBound + length
        var bytes = try buffers[slot].load(range, from: file)
        if range != chunk.range {
          // The cut row must be ignored. A quote that is cut causes a failure, which is ignored, too.
          bytes = .init(rebasing: bytes[..<((bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)])
          if bytes.isEmpty { continue }
        }
        withTargets(prototype) { targets in
          var parser = CSVRowParser(
            bytes, fileOffset: range.lowerBound, firstRow: 0, delimiter: delimiter, targets: targets)
          parser.run(rowCount: chunk.rowCount, isWhole: false)
          types.withLock { types in
            for column in columns { types[column].formIntersection(targets[column].types) }
          }
        }
        if !sampled { meter.advance(range.count, slot: slot) }
      }
    }
    return types.withLock { $0 }
  }

  /// Reads cells into new column files, up to the first failure in the order of the file.
  ///
  /// Strings are collected in memory for a window of chunks at a time; their positions in the column's file are then known.
  private func parse(_ readings: [CellReading], inferred: Set<Int>, required: Set<Int>) throws -> CSVOutcome {
    var outcome = CSVOutcome()
    var prototype = readings.map { CSVCellTarget(reading: $0) }
    var texts: [CSVTextColumn] = []
    for (column, reading) in readings.enumerated() {
      guard let type = reading.columnType else { continue }
      let values = try staging.values(column: column, type: type, count: layout.rowCount)
      outcome.values[column] = values
      prototype[column].values = values.bytes.baseAddress
      prototype[column].isDeclared = !inferred.contains(column)
      prototype[column].isRequired = required.contains(column)
      if type == .string {
        texts.append(
          CSVTextColumn(column: column, offsets: values, characters: try staging.writer(column: column)))
      }
    }
    for window in layout.windows(of: texts.isEmpty ? .max : tuning.windowBytes * workers.width)
    where outcome.failure == nil {
      try parse(window, prototype, inferred, texts, &outcome)
    }
    for text in texts { outcome.characters[text.column] = try text.characters.finish() }
    return outcome
  }

  /// Reads the cells of some chunks.
  private func parse(
    _ chunks: Range<Int>, _ prototype: [CSVCellTarget], _ inferred: Set<Int>, _ texts: [CSVTextColumn],
    _ outcome: inout CSVOutcome
  ) throws {
    let runs = TextRuns(rows: chunks.count, columns: texts.count)
    let texting = try workers.storage.reserve(0, as: .memory)
    defer { withExtendedLifetime(texting) {} }
    let firstFailed = Atomic<Int>(.max)
    let shared = Mutex((refuted: outcome.refuted, missing: outcome.missing, failures: [Int: CSVFailure]()))
    try workers.forEach(chunks.count, grain: 1) { places, slot in
      for place in places where place < firstFailed.load(ordering: .relaxed) {
        let chunk = layout.chunks[chunks.lowerBound + place]
        let bytes = try buffers[slot].load(chunk.range, from: file)
        try withTargets(prototype) { targets in
          var parser = CSVRowParser(
            bytes, fileOffset: chunk.range.lowerBound, firstRow: chunk.firstRow, delimiter: delimiter,
            targets: targets)
          parser.run(rowCount: chunk.rowCount)
          for (index, text) in texts.enumerated() { runs[place, index] = targets[text.column].text }
          try texting.extend(by: texts.reduce(0) { $0 + targets[$1.column].text.count })
          let refuted = inferred.filter { targets[$0].isRefuted }
          let missing = targets.indices.filter { targets[$0].firstMissing != nil }
          guard !refuted.isEmpty || !missing.isEmpty || parser.failure != nil else { return }
          shared.withLock { shared in
            shared.refuted.formUnion(refuted)
            for column in missing {
              shared.missing[column] = min(shared.missing[column] ?? .max, targets[column].firstMissing!)
            }
            if let failure = parser.failure { shared.failures[place] = failure }
          }
          if parser.failure != nil { firstFailed.min(place, ordering: .relaxed) }
        }
        meter.advance(chunk.range.count, slot: slot)
      }
    }
    shared.withLock { shared in
      outcome.refuted = shared.refuted
      outcome.missing = shared.missing
      outcome.failure = shared.failures.min { $0.key < $1.key }?.value
    }
    guard outcome.failure == nil, !texts.isEmpty else { return }
    try write(runs, of: chunks, to: texts)
  }

  /// Appends the characters of some chunks to those of the preceding chunks, and adjusts their offsets to count from the
  /// beginning of the file.
  private func write(_ runs: TextRuns, of chunks: Range<Int>, to texts: [CSVTextColumn]) throws {
    let starts = try texts.indices.map { index in
      let counts = chunks.indices.map { runs[$0 - chunks.lowerBound, index].count }
      return try texts[index].characters.reserve(counts)
    }
    try workers.forEach(chunks.count, grain: 1) { places, slot in
      for place in places {
        let chunk = layout.chunks[chunks.lowerBound + place]
        for (index, text) in texts.enumerated() {
          let run = runs[place, index]
          let start = starts[index][place]
          try text.characters.write(UnsafeRawBufferPointer(start: run.base, count: run.count), at: start)
          let offsets = text.offsets.mutableValues(as: UInt64.self)
          for row in chunk.firstRow + 1...chunk.firstRow + chunk.rowCount { offsets[row] += UInt64(start) }
        }
        meter.advance(chunk.range.count / 8, slot: slot)
      }
    }
  }

  private func withTargets<R>(
    _ prototype: [CSVCellTarget], _ body: (UnsafeMutableBufferPointer<CSVCellTarget>) throws -> R
  ) rethrows -> R {
    let targets = UnsafeMutableBufferPointer<CSVCellTarget>.allocate(capacity: prototype.count)
    defer { targets.deallocate() }
    _ = targets.initialize(from: prototype)
    return try body(targets)
  }

  // MARK: Errors

  private func error(of failure: CSVFailure, _ selection: CSVSelection) throws -> GraphStoreError {
    let remedy = CSVRemedy(header: header, delimiter: delimiter)
    let line = "'\(file.path)' line \(try file.lineNumber(at: failure.rowOffset))"
    let column = "column '\(header.names[min(failure.column, header.names.count - 1)])'"
    switch failure.problem {
    case .fieldCount(let count):
      return GraphStoreError(
        .invalidData, "\(line): expected \(header.names.count) fields, found \(count)", evidence: "'\(failure.row)'",
        hint: remedy.forFieldCount(count, row: failure.row))
    case .value(let reading, let text):
      return GraphStoreError(
        .invalidData, "\(line), \(column): '\(text)' is not \(reading.phrase)",
        hint: remedy.forValue(row: failure.row, isID: selection.required.contains(failure.column)))
    case .missing:
      return GraphStoreError(
        .invalidData, "\(line), \(column): the id is missing", evidence: "'\(failure.row)'",
        hint: "Give the row an id, or remove the row")
    case .invalidUTF8:
      return GraphStoreError(
        .invalidData, "\(line), \(column): the text is not valid UTF-8", evidence: "'\(failure.row)'",
        hint: "Convert the file to UTF-8")
    case .openQuote:
      return GraphStoreError(
        .invalidData, "\(line), \(column): a quote is opened but not closed", evidence: "'\(failure.row)'")
    case .changed: return file.changed
    }
  }
}

/// A string column under construction.
private struct CSVTextColumn {
  /// Its index in the text file.
  let column: Int
  let offsets: MappedFile
  let characters: ColumnFileWriter
}

/// The characters of some chunks and columns. Several threads write elements, each its own.
private final class TextRuns {
  private let runs: UnsafeMutableBufferPointer<TextRun>
  private let columns: Int

  init(rows: Int, columns: Int) {
    self.columns = columns
    runs = .allocate(capacity: rows * columns)
    runs.initialize(repeating: TextRun())
  }

  deinit {
    for index in runs.indices { runs[index].free() }
    runs.deallocate()
  }

  subscript(row: Int, column: Int) -> TextRun {
    get { runs[row * columns + column] }
    set { runs[row * columns + column] = newValue }
  }
}
