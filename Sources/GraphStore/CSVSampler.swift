/// Estimates the number of rows and the contents of a text file from samples.
struct CSVSampler {
  /// Sizes of the samples.
  struct Tuning {
    /// Bytes of a sample. Samples are spread evenly from the first to the last byte.
    var pieceBytes = 32 << 10
    /// The minimum and maximum number of samples; in between, it is proportional to the size of the file. A file no larger than
    /// the minimum is read completely.
    var pieces = 16...128
    var bytesPerPiece = 8 << 20
    /// Bytes of a sample from which types are guessed.
    var typedBytes = 4 << 10
    /// The maximum size of a header in bytes.
    var headerBytes = 1 << 20
  }

  private let delimiter: UInt8
  private let tuning: Tuning
  private let columnCount: Int
  private let wanted: [Int]
  private let ids: [Int]
  /// The number of row ends and bytes seen.
  private var rowEnds = 0
  private var seenBytes = 0
  /// Bytes of the complete rows, and of the texts in each of their columns.
  private var rowBytes = 0
  private var textBytes: [Int]
  private var types: [CellTypes]
  private var samples: [IDSample]
  private var cells: [CellBytes] = []

  static func sketch(
    _ file: OpenedFile, options: CSVOptions, ids: [ColumnReference], tuning: Tuning = Tuning()
  ) throws(GraphStoreError) -> TableSketch {
    let file = CSVFile(file)
    let header = try CSVHeader(
      file, delimiter: options.delimiter, hasHeader: options.hasHeader, maximumRowBytes: tuning.headerBytes)
    let selection = try CSVSelection(options, header: header, file: file)
    var places: [Int] = []
    for id in ids { places.append(try header.index(of: id, in: file)) }
    var sampler = CSVSampler(options.delimiter, header, selection, ids: places, tuning)
    let data = header.dataStart..<file.byteCount
    let isWhole = data.count <= tuning.pieces.lowerBound * tuning.pieceBytes
    let buffer = CSVBuffer()
    if isWhole {
      if !data.isEmpty { sampler.look(at: try buffer.load(data, from: file), startsRow: true, endsRow: true) }
    } else {
      let pieces = min(max(data.count / tuning.bytesPerPiece, tuning.pieces.lowerBound), tuning.pieces.upperBound)
      for piece in 0..<pieces {
        let start = data.lowerBound + (data.count - tuning.pieceBytes) / (pieces - 1) * piece
        let bytes = try buffer.load(start..<start + tuning.pieceBytes, from: file)
        sampler.look(at: bytes, startsRow: piece == 0, endsRow: false)
      }
    }
    return sampler.sketch(of: file, dataBytes: Double(data.count), selection, header, isWhole: isWhole)
  }

  private init(
    _ delimiter: UInt8, _ header: CSVHeader, _ selection: CSVSelection, ids: [Int], _ tuning: Tuning
  ) {
    self.delimiter = delimiter
    self.tuning = tuning
    columnCount = header.names.count
    wanted = Array(Set(selection.wanted))
    self.ids = ids
    textBytes = [Int](repeating: 0, count: columnCount)
    types = [CellTypes](repeating: .any, count: columnCount)
    samples = ids.map { _ in IDSample() }
    cells.reserveCapacity(columnCount)
  }

  // MARK: Sampling

  /// Examines the rows of a sample. A row that begins before it or ends after it is only counted.
  private mutating func look(at bytes: UnsafeBufferPointer<UInt8>, startsRow: Bool, endsRow: Bool) {
    seenBytes += bytes.count
    var next = bytes.baseAddress!
    let start = next
    let end = next + bytes.count
    for index in samples.indices { samples[index].startRun() }
    if !startsRow {
      while next < end, next.pointee != 0x0A { next += 1 }
      guard next < end else { return }
      rowEnds += 1
    }
    while true {
      while next < end, next.pointee == 0x0A || next.pointee == 0x0D { next += 1 }
      guard next < end else { return }
      let row = next
      next = split(row, end)
      guard next < end || endsRow else { return }
      // Lines that are not rows, such as a line of a quoted text, do not count.
      guard cells.count == columnCount else { continue }
      rowEnds += 1
      rowBytes += next - row + 1
      for column in wanted { textBytes[column] += cells[column].count }
      for (index, column) in ids.enumerated() { samples[index].add(UnsafeRawBufferPointer(cells[column])) }
      guard row - start < tuning.typedBytes else { continue }
      for column in wanted where types[column] != .text { types[column].formIntersection(.of(cells[column])) }
    }
  }

  /// Splits a row into its cells and returns its end. Doubled quotes within a quoted cell stay doubled.
  private mutating func split(_ row: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
    cells.removeAll(keepingCapacity: true)
    var next = row
    while true {
      let isQuoted = next < end && next.pointee == UInt8(ascii: "\"")
      let cell = isQuoted ? next + 1 : next
      var cellEnd: UnsafePointer<UInt8>?
      if isQuoted {
        next += 1
        while next < end {
          if next.pointee == UInt8(ascii: "\"") {
            guard next + 1 < end, next[1] == UInt8(ascii: "\"") else { break }
            next += 1
          }
          next += 1
        }
        cellEnd = next
      }
      while next < end, next.pointee != delimiter, next.pointee != 0x0A, next.pointee != 0x0D { next += 1 }
      cells.append(CellBytes(start: cell, count: (cellEnd ?? next) - cell))
      guard next < end, next.pointee == delimiter, cells.count < columnCount else { return next }
      next += 1
    }
  }

  // MARK: Estimates

  private func sketch(
    of file: CSVFile, dataBytes: Double, _ selection: CSVSelection, _ header: CSVHeader, isWhole: Bool
  ) -> TableSketch {
    let rows = isWhole ? Double(rowEnds) : max(1, Double(rowEnds) / Double(max(1, seenBytes)) * dataBytes)
    var columns: [TableSketch.Column] = []
    var textShare = 0.0
    for column in selection.wanted {
      let reading = selection.readings[column] == .classify ? types[column].reading : selection.readings[column]
      // If no row ends in a sample, all of it may be text.
      let share = rowBytes > 0 ? Double(textBytes[column]) / Double(rowBytes) : 1 / Double(columnCount)
      var ids = self.ids.firstIndex(of: column).map { samples[$0] }
      ids?.rowCount = rows
      ids?.isWhole = isWhole
      let type = reading.columnType ?? .string
      columns.append(.init(name: header.names[column], type: type, textBytes: share * dataBytes, ids: ids))
      if type == .string { textShare += share }
    }
    let tuning = CSVReader.Tuning()
    return TableSketch(rowCount: rows, columns: columns, byteCount: file.byteCount) { [textShare] threads in
      LoadFormulas.csvReading(
        dataBytes: dataBytes, textShare: textShare, blockBytes: Double(tuning.blockBytes),
        windowBytes: Double(tuning.windowBytes), threads: Double(threads))
    }
  }
}
