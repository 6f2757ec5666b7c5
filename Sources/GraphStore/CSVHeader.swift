import Support
import Workers

/// The beginning of a text file: its columns, and the position of its rows.
struct CSVHeader: Sendable, Equatable {
  /// The names in the header, or `f0`, `f1`, … without one.
  let names: [String]
  /// The earliest offset of the first row after the header.
  let dataStart: Int
  /// The first non-blank row, as far as it is needed for messages.
  let firstLine: String
  /// The byte between fields.
  let delimiter: UInt8

  /// The maximum number of columns in a file.
  static let maximumColumns = 8192

  /// Reads the header, or counts the fields of the first row. Skips a byte order mark and blank lines before it.
  init(
    _ file: CSVFile, delimiter: UInt8, hasHeader: Bool, maximumRowBytes: Int,
    storage: any StorageAccount = UnboundedStorage()
  ) throws(GraphStoreError) {
    let buffer = CSVBuffer(storage: storage)
    var window = 64 << 10
    while true {
      let bytes = try buffer.load(0..<min(window, file.byteCount), from: file)
      if window == 64 << 10 { try CSVDisguise.check(bytes, of: file) }
      let isAll = bytes.count == file.byteCount
      if let (fields, start, end) = Self.firstRow(bytes, delimiter: delimiter, isAll: isAll) {
        guard fields.count <= Self.maximumColumns else {
          throw GraphStoreError(
            .limitExceeded, "'\(file.path)' has \(fields.count) columns; at most \(Self.maximumColumns) can be read",
            hint: "Check the delimiter '\(CSVHeader.name(of: delimiter))'")
        }
        names = try hasHeader ? Self.names(fields, file) : fields.indices.map { "f\($0)" }
        dataStart = hasHeader ? end : start
        firstLine = CSVRowParser.excerpt(CellBytes(rebasing: bytes[start..<end].prefix { $0 != 0x0A && $0 != 0x0D }))
        self.delimiter = delimiter
        return
      }
      guard !isAll else {
        throw GraphStoreError(
          .invalidData, "'\(file.path)' is empty", hint: "A header or at least one row is needed to know its columns")
      }
      guard window < maximumRowBytes else {
        throw GraphStoreError(
          .limitExceeded,
          "the first row of '\(file.path)' is longer than the \(maximumRowBytes) bytes that a row may have",
          hint: "Check that quotes are closed and that lines end with a line feed")
      }
      window *= 2
    }
  }

  /// Returns the unquoted fields of the first non-blank row, and its range; nil if the bytes do not contain all of it.
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

  /// Returns the index of the referenced column. Throws an error that lists the columns and suggests the nearest name.
  func index(of reference: ColumnReference, in file: CSVFile) throws(GraphStoreError) -> Int {
    if case .index(let index) = reference, names.indices.contains(index) { return index }
    // A header may contain names that are numbers, such as years, and names that differ only in their code points.
    let name = reference.description
    let alike = names.indices.filter { names[$0] == name }
    let same = alike.filter { names[$0].utf8.elementsEqual(name.utf8) }
    let meant = same.isEmpty ? alike : same
    if let index = meant.first {
      guard meant.count == 1 else {
        throw GraphStoreError(
          .invalidArgument, "'\(file.path)' has several columns named '\(name)'", evidence: listing,
          hint: "Choose one by its index, counted from 0")
      }
      return index
    }
    let remedy = CSVRemedy(header: self, delimiter: delimiter)
    if case .index = reference {
      throw GraphStoreError(
        .notFound, "'\(file.path)' has no column \(name)", evidence: listing,
        hint: remedy.forHeader ?? "Columns are counted from 0")
    }
    let hint =
      if names.count == 1, let remedy = remedy.forHeader {
        remedy
      } else if let nearest = NearestName.of(name, among: names) {
        "Did you mean '\(nearest)'?"
      } else {
        remedy.forHeader ?? "Names are compared exactly, including spaces and capitals"
      }
    throw GraphStoreError(.notFound, "'\(file.path)' has no column '\(name)'", evidence: listing, hint: hint)
  }

  /// The existing columns, for messages.
  private var listing: String {
    let shown = names.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
    return "its columns are \(shown)\(names.count > 20 ? " and \(names.count - 20) more" : "")"
  }

  /// Returns a printable form of a delimiter.
  static func name(of delimiter: UInt8) -> String {
    switch delimiter {
    case 0x09: "tab"
    case 0x20: "blank"
    case 0x21...0x7E: String(UnicodeScalar(delimiter))
    default: "byte \(delimiter)"
    }
  }
}
