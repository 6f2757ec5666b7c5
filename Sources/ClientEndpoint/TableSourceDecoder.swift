import Coordinator
import Engines
import GraphStore
import Wire

/// Reads what a DATA_SOURCE operation says about one of its tables.
struct TableSourceDecoder {
  private let item: ChunkMeta
  private let attributes: [ParamKey: AttributeValue]
  private let spool: Spool?

  /// `spool` holds the data that came for this table, if any came.
  init(_ item: ChunkMeta, spool: Spool?) {
    self.item = item
    attributes = item.attributes
    self.spool = spool
  }

  /// What the rows are and where.
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
      throw EngineError(.invalidArgument, "DATA_SOURCE: CHUNK_NAME is '\(other)', neither vertex nor edge")
    }
  }

  private func location(idColumnCount: Int) throws(EngineError) -> TableSource.Location {
    switch try text(.protocol) {
    case "pandas":
      guard let spool else { throw EngineError(.invalidArgument, "DATA_SOURCE: a table came without its data") }
      return .arrowStream(path: spool.path, byteCount: spool.byteCount)
    case "file":
      let source = try text(.source)
      guard let file = CSVSource(source) else { return .other(protocol: "file", source: source) }
      var options = file.options
      // The client writes the id columns first.
      options.requiredColumnCount = idColumnCount
      return .csv(path: file.path, options)
    case let other:
      return .other(protocol: other, source: (try? text(.source)) ?? "")
    }
  }

  private func text(_ key: ParamKey) throws(EngineError) -> String {
    guard let text = attributes[key]?.text else {
      throw EngineError(.invalidArgument, "DATA_SOURCE: \(key) of a table is missing or not text")
    }
    return text
  }
}

/// A delimited file as the client writes it: `path#delimiter=,&header_row=True&schema=id,name&column_types=int64_t,&…`.
/// Nothing is escaped, so options are found by their names, in the order in which the client writes them.
struct CSVSource {
  /// The file, as the user typed it.
  let path: String
  /// How it is to be read.
  let options: CSVOptions

  private static let first = "#delimiter="
  private static let names = ["header_row", "schema", "column_types", "include_all_columns", "filetype"]

  /// Reads the text; nil when it is not of that form or names another file type.
  init?(_ source: String) {
    guard let start = source.ranges(of: Self.first).last else { return nil }
    path = String(source[..<start.lowerBound])
    var values: [String: Substring] = [:]
    var name = "delimiter"
    var rest = source[start.upperBound...]
    for next in Self.names {
      // The delimiter itself may be '&' or '=': it is never empty.
      let offset = name == "delimiter" && !rest.isEmpty ? rest.index(after: rest.startIndex) : rest.startIndex
      guard let marker = rest[offset...].firstRange(of: "&\(next)=") else { continue }
      values[name] = rest[..<marker.lowerBound]
      name = next
      rest = rest[marker.upperBound...]
    }
    values[name] = rest
    guard values["filetype"] ?? "CSV" == "CSV", let delimiter = values["delimiter"]?.utf8.first,
      values["delimiter"]?.utf8.count == 1
    else { return nil }
    let references = Self.list(values["schema"])
    let types = Self.list(values["column_types"])
    options = CSVOptions(
      delimiter: delimiter, hasHeader: values["header_row"] != "False",
      columns: references.enumerated().map { index, reference in
        (ColumnReference(reference), index < types.count && !types[index].isEmpty ? types[index] : nil)
      },
      includesAllColumns: values["include_all_columns"] == "True")
  }

  private static func list(_ text: Substring?) -> [String] {
    guard let text, !text.isEmpty else { return [] }
    return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}
