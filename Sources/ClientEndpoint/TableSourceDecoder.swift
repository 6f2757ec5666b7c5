import Engines
import GraphStore
import Vocabulary
import Wire

/// Decodes the description of a table in a DATA_SOURCE operation.
struct TableSourceDecoder {
  private let item: Payload

  /// Makes a decoder. `item` is the client's description of the table, with its data if any was sent.
  init(_ item: Payload) { self.item = item }

  /// Returns the source of the rows.
  func source() throws(EngineError) -> TableSource {
    let role = try role()
    return TableSource(
      role: role, location: try location(idColumnCount: role.idColumns.count), original: item)
  }

  private func role() throws(EngineError) -> TableSource.Role {
    switch try text(.chunkName) {
    case "vertex":
      return .vertices(label: try text(.label), id: ColumnReference(try text(.vid)))
    case "edge":
      return .edges(
        label: try text(.label), sourceLabel: try text(.srcLabel), destinationLabel: try text(.dstLabel),
        source: ColumnReference(try text(.srcVid)), destination: ColumnReference(try text(.dstVid)))
    case let other:
      throw EngineError(.invalidArgument, "DATA_SOURCE: CHUNK_NAME is '\(other)', but must be vertex or edge")
    }
  }

  private func location(idColumnCount: Int) throws(EngineError) -> TableSource.Location {
    switch try text(.protocol) {
    case "pandas":
      guard let file = item.file else {
        throw EngineError(.invalidArgument, "DATA_SOURCE: the data of a table is missing")
      }
      return .arrowStream(path: file.path, byteCount: file.byteCount)
    case "file":
      let source = try text(.source)
      let file: CSVSource
      do { file = try CSVSource(source) } catch { return .unreadable(error) }
      var options = file.options
      // The client writes the id columns first.
      options.requiredColumnCount = idColumnCount
      return .csv(path: file.path, options)
    case let other:
      return .other(protocol: other, source: (try? text(.source)) ?? "")
    }
  }

  private func text(_ key: ParamKey) throws(EngineError) -> String {
    guard let text = item.attributes[key]?.text else {
      throw EngineError(.invalidArgument, "DATA_SOURCE: \(key) of a table is missing or not a string")
    }
    return text
  }
}

/// A delimited file in the client's notation: `path#delimiter=,&header_row=True&schema=id,name&column_types=int64_t,&…`.
/// Nothing is escaped, so options are found by their names, in the order in which the client writes them. Bytes are compared
/// instead of characters: a column's name may begin with a combining accent, which would merge with the comma before it.
struct CSVSource {
  /// The path as the user wrote it.
  let path: String
  /// The options for reading the file.
  let options: CSVOptions

  private static let first = Array("#delimiter=".utf8)
  private static let names = ["header_row", "schema", "column_types", "include_all_columns", "filetype"]

  /// Parses the text.
  /// - Throws: `EngineError` when it is malformed, or specifies something that is not supported.
  init(_ source: String) throws(EngineError) {
    let bytes = Array(source.utf8)
    guard let start = bytes.ranges(of: Self.first).last else { throw Self.columnar(source) }
    path = String(decoding: bytes[..<start.lowerBound], as: UTF8.self)
    let values = Self.values(in: bytes[start.upperBound...])
    if let type = values["filetype"], type != "CSV" {
      throw EngineError(
        .unimplemented, "'\(path)' cannot be loaded as a file of type '\(type)' by the embedded analytical engine",
        hint: "It reads filetype=\"CSV\"; read other files with pandas and load the data frame")
    }
    let delimiter = values["delimiter"] ?? ""
    guard let byte = delimiter.utf8.first, delimiter.utf8.count == 1 else {
      throw EngineError(
        .invalidArgument, "'\(path)' cannot be read with the delimiter '\(delimiter)'",
        evidence: "it has \(delimiter.utf8.count) bytes in UTF-8",
        hint: "A delimiter must be a single byte, such as a comma, a tab or a vertical bar. Replace it in the file")
    }
    let references = Self.list(values["schema"])
    let types = Self.list(values["column_types"])
    options = CSVOptions(
      delimiter: byte, hasHeader: try Self.hasHeader(values["header_row"], path),
      columns: references.enumerated().map { index, reference in
        (ColumnReference(reference), index < types.count && !types[index].isEmpty ? types[index] : nil)
      },
      includesAllColumns: values["include_all_columns"] == "True")
  }

  /// Returns the options by name.
  private static func values(in bytes: ArraySlice<UInt8>) -> [String: String] {
    var values: [String: String] = [:]
    var name = "delimiter"
    var rest = bytes
    for next in names {
      // The delimiter itself may be '&' or '=', but is never empty.
      let search = name == "delimiter" ? rest.dropFirst() : rest
      guard let marker = search.firstRange(of: Array("&\(next)=".utf8)) else { continue }
      values[name] = String(decoding: rest[..<marker.lowerBound], as: UTF8.self)
      name = next
      rest = rest[marker.upperBound...]
    }
    values[name] = String(decoding: rest, as: UTF8.self)
    return values
  }

  /// Returns whether the first row contains the names of the columns. The text is what Python writes for the value that the
  /// user specified: a Boolean, a number or a word.
  private static func hasHeader(_ text: String?, _ path: String) throws(EngineError) -> Bool {
    switch text?.lowercased() {
    case nil, "true", "yes", "1", "1.0": return true
    case "false", "no", "none", "0", "0.0", "": return false
    default:
      throw EngineError(
        .invalidArgument, "'\(path)' cannot be read with header_row=\(text ?? "")",
        hint: "Use True if the first row names the columns, or False")
    }
  }

  /// Returns the error for a columnar file. The client recognizes such a file by its name or `filetype`, and writes no options.
  private static func columnar(_ source: String) -> EngineError {
    EngineError(
      .unimplemented,
      "'\(source)' cannot be loaded as a Parquet or ORC file by the embedded analytical engine",
      hint:
        "Read it with pandas, for example with pandas.read_parquet(path), and load the data frame; write it as CSV; or use a "
        + "coordinator that was started with --engine graphscope")
  }

  private static func list(_ text: String?) -> [String] {
    guard let text, !text.isEmpty else { return [] }
    return text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { String($0) ?? "" }
  }
}
