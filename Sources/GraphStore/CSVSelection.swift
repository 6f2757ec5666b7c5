/// Which columns of a file are wanted, and how their cells are read.
struct CSVSelection: Equatable {
  /// Places of columns in the file, in the order of the table; one may occur twice.
  private(set) var wanted: [Int] = []
  /// One for every column of the file: `.skip` if it is not wanted, `.classify` if its type is to be inferred.
  private(set) var readings: [CellReading]

  /// Finds the columns of the options in the header. Throws if one does not exist, if a type is unknown, or if one
  /// column is wanted with two types.
  init(_ options: CSVOptions, header: CSVHeader, file: CSVFile) throws(GraphStoreError) {
    readings = header.names.map { _ in .skip }
    for (reference, typeName) in options.columns {
      let column = try header.index(of: reference, in: file)
      wanted.append(column)
      let reading = try Self.reading(typeName, of: header.names[column], in: file)
      if readings[column] == .skip || readings[column] == .classify {
        readings[column] = reading
      } else if reading != .classify, reading != readings[column] {
        throw GraphStoreError(
          .invalidArgument, "column '\(header.names[column])' of '\(file.path)' is wanted with two types",
          evidence: "\(readings[column]) and \(reading)", hint: "Give it one type")
      }
    }
    guard options.includesAllColumns else { return }
    for column in readings.indices where readings[column] == .skip {
      wanted.append(column)
      readings[column] = .classify
    }
  }

  private static func reading(
    _ typeName: String?, of column: String, in file: CSVFile
  ) throws(GraphStoreError) -> CellReading {
    guard let typeName, !typeName.isEmpty else { return .classify }
    guard let reading = CellReading(typeName: typeName) else {
      throw GraphStoreError(
        .invalidArgument, "column '\(column)' of '\(file.path)' cannot have the type '\(typeName)'",
        hint: "Use one of \(CellReading.typeNames), or none to infer it")
    }
    return reading
  }
}

/// What a pass over the cells has made.
struct CSVOutcome {
  /// The files of the columns that are stored, by their place in the file.
  var values: [Int: MappedFile] = [:]
  /// The columns that are strings.
  var textColumns: [Int] = []
  /// Columns whose inferred type was wrong.
  var refuted: Set<Int> = []
  /// The first failure in the order of the file.
  var failure: CSVFailure?
  private let chunkCount: Int
  /// The characters of every chunk and string column. Chunks are written by different threads, each its own.
  private var texts = UnsafeMutableBufferPointer<TextRun>(start: nil, count: 0)

  init(chunkCount: Int) { self.chunkCount = chunkCount }

  /// Makes room for the characters of `textColumns`.
  mutating func reserveTexts() {
    texts = .allocate(capacity: chunkCount * textColumns.count)
    texts.initialize(repeating: TextRun())
  }

  func text(chunk: Int, place: Int) -> TextRun { texts[place * chunkCount + chunk] }

  func setText(_ text: TextRun, chunk: Int, place: Int) { texts[place * chunkCount + chunk] = text }

  /// Takes over what a second pass has made of the refuted columns.
  mutating func replaceRefuted(by other: inout CSVOutcome) {
    var joined = CSVOutcome(chunkCount: chunkCount)
    let kept = textColumns.enumerated().filter { !refuted.contains($0.element) }
    joined.textColumns = kept.map(\.element) + other.textColumns
    joined.reserveTexts()
    for chunk in 0..<chunkCount {
      let runs =
        kept.map { text(chunk: chunk, place: $0.offset) }
        + other.textColumns.indices.map { other.text(chunk: chunk, place: $0) }
      for (place, run) in runs.enumerated() { joined.setText(run, chunk: chunk, place: place) }
    }
    texts.deallocate()
    other.texts.deallocate()
    texts = joined.texts
    textColumns = joined.textColumns
    values.merge(other.values) { $1 }
    failure = [failure, other.failure].compactMap(\.self).min { ($0.rowOffset, $0.column) < ($1.rowOffset, $1.column) }
    refuted = []
  }

  /// Gives back the memory of all characters.
  mutating func free() {
    for place in texts.indices { texts[place].free() }
    texts.deallocate()
    texts = .init(start: nil, count: 0)
  }
}
