/// What the beginning of a text file says: its columns, and where its rows begin.
struct CSVHeader: Sendable, Equatable {
  /// The names in the header, or `f0`, `f1`, ….
  let names: [String]
  /// Where the first row after the header may begin.
  let dataStart: Int

  /// The most columns that a file can have.
  static let maximumColumns = 8192

  /// Reads the header, or counts the fields of the first row. A byte order mark and blank lines before it are skipped.
  init(
    _ file: CSVFile, delimiter: UInt8, hasHeader: Bool, maximumRowBytes: Int,
    storage: any StorageAccount = UnboundedStorage()
  ) throws(GraphStoreError) {
    let buffer = CSVBuffer(storage: storage)
    var window = 64 << 10
    while true {
      let bytes = try buffer.load(0..<min(window, file.byteCount), from: file)
      let isAll = bytes.count == file.byteCount
      if let (fields, start, end) = Self.firstRow(bytes, delimiter: delimiter, isAll: isAll) {
        guard fields.count <= Self.maximumColumns else {
          throw GraphStoreError(
            .limitExceeded, "'\(file.path)' has \(fields.count) columns; at most \(Self.maximumColumns) can be read",
            hint: "Check the delimiter '\(CSVHeader.name(of: delimiter))'")
        }
        names = try hasHeader ? Self.names(fields, file) : fields.indices.map { "f\($0)" }
        dataStart = hasHeader ? end : start
        return
      }
      guard !isAll else {
        throw GraphStoreError(
          .invalidData, "'\(file.path)' is empty", hint: "A header or at least one row is needed to know its columns")
      }
      guard window < maximumRowBytes else {
        throw GraphStoreError(
          .limitExceeded,
          "the first row of '\(file.path)' is longer than the \(maximumRowBytes) bytes a row can have",
          hint: "Check that quotes are closed and that lines end with a line feed")
      }
      window *= 2
    }
  }

  /// The fields of the first row that is not blank, without quotes, and where it begins and ends; nil if the bytes do
  /// not hold all of it.
  private static func firstRow(
    _ bytes: UnsafeBufferPointer<UInt8>, delimiter: UInt8, isAll: Bool
  ) -> (fields: [[UInt8]], start: Int, end: Int)? {
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while start < bytes.count, bytes[start] == UInt8(ascii: "\n") || bytes[start] == UInt8(ascii: "\r") { start += 1 }
    guard start < bytes.count else { return nil }
    var scanner = RowEndScanner(delimiter: delimiter)
    var fields: [[UInt8]] = [[]]
    for index in start..<bytes.count {
      let byte = bytes[index]
      let before = scanner.state
      if scanner.take(byte) { return (fields, start, index + 1) }
      if scanner.state == .fieldStart {
        fields.append([])
      } else if scanner.state == .unquoted || before == .quoted && scanner.state == .quoted
        || before == .quoteInQuoted && scanner.state == .quoted
      {
        fields[fields.count - 1].append(byte)
      }
    }
    return isAll ? (fields, start, bytes.count) : nil
  }

  private static func names(_ fields: [[UInt8]], _ file: CSVFile) throws(GraphStoreError) -> [String] {
    var names: [String] = []
    for (index, field) in fields.enumerated() {
      guard let name = String(validating: field, as: UTF8.self) else {
        throw GraphStoreError(
          .invalidData, "the name of column \(index) of '\(file.path)' is not valid UTF-8",
          evidence: "'\(String(decoding: field, as: UTF8.self))'", hint: "Convert the file to UTF-8")
      }
      names.append(name)
    }
    return names
  }

  /// The place of the column that is meant. Throws an error that lists the columns and names the nearest one.
  func index(of reference: ColumnReference, in file: CSVFile) throws(GraphStoreError) -> Int {
    if case .index(let index) = reference, names.indices.contains(index) { return index }
    // A header may hold names that are numbers, such as years.
    let name = reference.description
    if let index = names.firstIndex(of: name) {
      guard names.lastIndex(of: name) == index else {
        throw GraphStoreError(
          .invalidArgument, "'\(file.path)' has several columns named '\(name)'", evidence: listing,
          hint: "Choose one by its index, counted from 0")
      }
      return index
    }
    if case .index = reference {
      throw GraphStoreError(
        .notFound, "'\(file.path)' has no column \(name)", evidence: listing, hint: "Columns are counted from 0")
    }
    let hint =
      if let nearest = NearestName.of(name, among: names) {
        "Did you mean '\(nearest)'?"
      } else if names.count == 1 {
        "Check the delimiter: with this one, all of the first line is one column"
      } else {
        "Names are compared letter by letter, also blanks and capitals"
      }
    throw GraphStoreError(.notFound, "'\(file.path)' has no column '\(name)'", evidence: listing, hint: hint)
  }

  /// The columns that exist, for messages.
  private var listing: String {
    let shown = names.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
    return "its columns are \(shown)\(names.count > 20 ? " and \(names.count - 20) more" : "")"
  }

  /// A delimiter, fit to be shown.
  static func name(of delimiter: UInt8) -> String {
    switch delimiter {
    case 0x09: "tab"
    case 0x20: "blank"
    case 0x21...0x7E: String(UnicodeScalar(delimiter))
    default: "byte \(delimiter)"
    }
  }
}
