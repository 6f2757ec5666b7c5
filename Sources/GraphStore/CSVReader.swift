import Synchronization

/// Reads the wanted columns of one text file, in two passes of parallel work: where the rows are, then what they hold.
///
/// The type of a column without a declared one is guessed from rows spread over the file; the second pass proves the
/// guess for every cell. Only a column that refutes it is looked at again: all its cells are classified, then read.
struct CSVReader {
  /// Sizes that tests make small.
  struct Tuning {
    /// Bytes in a block of the first pass, which become a chunk of the second.
    var blockBytes = 1 << 20
    /// Bytes of a chunk from which types are guessed, at most.
    var sampleBytes = 8 << 10
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
    try checkDelimiter(options.delimiter)
    return try withoutActuallyEscaping(progress) { progress in
      let file = try CSVFile(path: path)
      let header = try CSVHeader(file, delimiter: options.delimiter, hasHeader: options.hasHeader)
      let selection = try CSVSelection(options, header: header, file: file)
      // Counting rows and joining strings are much cheaper than reading cells.
      let meter = ProgressMeter(total: file.byteCount + file.byteCount / 4, report: progress)
      let buffers = (0..<workers.width).map { _ in CSVBuffer() }
      let layout = try CSVLayout(
        file, from: header.dataStart, delimiter: options.delimiter, blockBytes: tuning.blockBytes, workers: workers,
        buffers: buffers, meter: meter)
      let reader = CSVReader(
        file: file, delimiter: options.delimiter, header: header, layout: layout,
        staging: ColumnFileStaging(directory: staging), workers: workers, buffers: buffers, meter: meter,
        tuning: tuning)
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
        hint: "Use a comma, a tab, a bar or another ASCII sign that occurs in no number")
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
    var outcome = try parse(readings, inferred: inferred)
    defer { outcome.free() }
    if !outcome.refuted.isEmpty {
      meter.expect(2 * file.byteCount)
      let types = try classify(outcome.refuted, sampled: false)
      var again = readings.map { _ in CellReading.skip }
      for column in outcome.refuted {
        readings[column] = types[column].reading
        again[column] = readings[column]
      }
      var second = try parse(again, inferred: outcome.refuted)
      outcome.replaceRefuted(by: &second)
    }
    if let failure = outcome.failure { throw try error(of: failure) }
    if let offset = layout.overlongRow {
      throw GraphStoreError(
        .limitExceeded,
        "'\(file.path)' line \(try file.lineNumber(at: offset)): the row is longer than the "
          + "\(CSVLayout.maximumRowBytes >> 20) MiB a row can have",
        hint: "Check that quotes are closed and that lines end with a line feed")
    }
    let characters = try joinStrings(&outcome)
    return Table(
      columns: selection.wanted.map { column in
        Column(
          name: header.names[column], type: readings[column].columnType ?? .string, count: layout.rowCount,
          data: outcome.values[column]!, characters: characters[column])
      }, rowCount: layout.rowCount)
  }

  /// What the cells of some columns can be: all of them, or those of the first rows of every chunk.
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
          // The row that is cut must not be looked at, and a cut quote makes a failure that nobody looks at.
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
  private func parse(_ readings: [CellReading], inferred: Set<Int>) throws -> CSVOutcome {
    var outcome = CSVOutcome(chunkCount: layout.chunks.count)
    var prototype = readings.map { CSVCellTarget(reading: $0) }
    for (column, reading) in readings.enumerated() {
      guard let type = reading.columnType else { continue }
      let values = try staging.values(column: column, type: type, count: layout.rowCount)
      outcome.values[column] = values
      prototype[column].values = values.bytes.baseAddress
      prototype[column].isDeclared = !inferred.contains(column)
      if type == .string { outcome.textColumns.append(column) }
    }
    outcome.reserveTexts()
    let results = outcome
    let firstFailed = Atomic<Int>(.max)
    let shared = Mutex((refuted: Set<Int>(), failures: [Int: CSVFailure]()))
    do {
      try workers.forEach(layout.chunks.count, grain: 1) { numbers, slot in
        for number in numbers where number < firstFailed.load(ordering: .relaxed) {
          let chunk = layout.chunks[number]
          let bytes = try buffers[slot].load(chunk.range, from: file)
          withTargets(prototype) { targets in
            var parser = CSVRowParser(
              bytes, fileOffset: chunk.range.lowerBound, firstRow: chunk.firstRow, delimiter: delimiter,
              targets: targets)
            parser.run(rowCount: chunk.rowCount)
            for (place, column) in results.textColumns.enumerated() {
              results.setText(targets[column].text, chunk: number, place: place)
            }
            let refuted = inferred.filter { targets[$0].isRefuted }
            guard !refuted.isEmpty || parser.failure != nil else { return }
            shared.withLock { shared in
              shared.refuted.formUnion(refuted)
              if let failure = parser.failure { shared.failures[number] = failure }
            }
            if parser.failure != nil { firstFailed.min(number, ordering: .relaxed) }
          }
          meter.advance(chunk.range.count, slot: slot)
        }
      }
    } catch {
      outcome.free()
      throw error
    }
    shared.withLock { shared in
      outcome.refuted = shared.refuted
      outcome.failure = shared.failures.min { $0.key < $1.key }?.value
    }
    return outcome
  }

  /// Puts the characters of the chunks one behind the other and makes their offsets count from the beginning.
  private func joinStrings(_ outcome: inout CSVOutcome) throws -> [Int: MappedFile] {
    var characters: [Int: MappedFile] = [:]
    var starts: [[Int]] = []
    for (place, column) in outcome.textColumns.enumerated() {
      var total = 0
      starts.append(
        layout.chunks.indices.map { chunk in
          defer { total += outcome.text(chunk: chunk, place: place).count }
          return total
        })
      characters[column] = try staging.characters(column: column, byteCount: total)
    }
    guard !characters.isEmpty else { return [:] }
    let results = outcome
    try workers.forEach(layout.chunks.count, grain: 1) { numbers, slot in
      for number in numbers {
        let chunk = layout.chunks[number]
        for (place, column) in results.textColumns.enumerated() {
          var text = results.text(chunk: number, place: place)
          results.setText(TextRun(), chunk: number, place: place)
          let start = starts[place][number]
          if text.count > 0 {
            (characters[column]!.bytes.baseAddress! + start).copyMemory(from: text.base!, byteCount: text.count)
          }
          text.free()
          let offsets = results.values[column]!.mutableValues(as: UInt64.self)
          for row in chunk.firstRow + 1...chunk.firstRow + chunk.rowCount { offsets[row] += UInt64(start) }
        }
        meter.advance(chunk.range.count / 8, slot: slot)
      }
    }
    return characters
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

  private func error(of failure: CSVFailure) throws -> GraphStoreError {
    let line = "'\(file.path)' line \(try file.lineNumber(at: failure.rowOffset))"
    let column = "column '\(header.names[min(failure.column, header.names.count - 1)])'"
    switch failure.problem {
    case .fieldCount(let count):
      return GraphStoreError(
        .invalidData, "\(line): expected \(header.names.count) fields, found \(count)", evidence: "'\(failure.row)'",
        hint: count == 1 ? "Check the delimiter '\(CSVHeader.name(of: delimiter))'" : "")
    case .value(let reading, let text):
      return GraphStoreError(
        .invalidData, "\(line), \(column): '\(text)' is not \(reading.phrase)",
        hint: "Correct the value, or give the column another type")
    case .invalidUTF8:
      return GraphStoreError(
        .invalidData, "\(line), \(column): the text is not valid UTF-8", evidence: "'\(failure.row)'",
        hint: "Convert the file to UTF-8")
    case .openQuote:
      return GraphStoreError(
        .invalidData, "\(line), \(column): a quote is opened and never closed", evidence: "'\(failure.row)'")
    case .changed: return file.changed
    }
  }
}
