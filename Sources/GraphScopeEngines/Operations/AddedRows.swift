import Engines
import GraphStore
import Vocabulary
import Wire

/// Tables with more rows for existing labels of a graph. The engine takes their columns by position, and crashes if one is not of
/// its property's type, so they are reordered or rejected before.
struct AddedRows {
  private let schema: NativeSchema
  /// Whether the last property of vertex labels holds the ids, and the first one of edge labels is a generated id.
  private let retainsIDs: Bool
  private let generatesEdgeIDs: Bool
  private let places: any Places

  /// Prepares to add rows to a graph.
  init(_ graph: GraphDef, _ places: any Places) throws(EngineError) {
    self.places = places
    schema = try NativeSchema(of: graph)
    guard case .vineyard(let info) = graph.info else {
      (retainsIDs, generatesEdgeIDs) = (false, false)
      return
    }
    (retainsIDs, generatesEdgeIDs) = (info.retainOID, info.generateEID)
  }

  /// Returns the tables of an operation in the form that the engine requires. Tables that add rows to labels of a graph are
  /// changed accordingly. Text files are read through `places`.
  /// - Throws: The errors of `fitted(_:)`.
  static func fitted(
    _ tables: [TableSource], by operation: OperationType, to graph: GraphDef?, _ places: any Places
  ) throws(EngineError) -> [TableSource] {
    guard operation == .addLabels, let graph else { return tables }
    return try AddedRows(graph, places).fitted(tables)
  }

  /// Returns the tables in the form that the engine requires.
  /// - Throws: `EngineError` with code `invalidArgument` for a table whose columns do not match its label.
  func fitted(_ tables: [TableSource]) throws(EngineError) -> [TableSource] {
    var fitted: [TableSource] = []
    for table in tables {
      guard let label = label(of: table.role) else {
        fitted.append(table)
        continue
      }
      fitted.append(try Fitting(table, label, places).fitted())
    }
    return fitted
  }

  private func label(of role: TableSource.Role) -> (subject: String, properties: ArraySlice<Fitting.Property>)? {
    switch role {
    case .vertices(let name, _):
      guard let label = schema.vertices.last(where: { $0.name == name }) else { return nil }
      let properties = label.properties.map { Fitting.Property(name: $0.name, type: $0.type) }
      return ("vertex label '\(name)'", properties.dropLast(retainsIDs ? 1 : 0))
    case .edges(let name, _, _, _, _):
      guard let label = schema.edges.last(where: { $0.name == name }) else { return nil }
      let properties = label.properties.map { Fitting.Property(name: $0.name, type: $0.type) }
      return ("edge label '\(name)'", properties.dropFirst(generatesEdgeIDs ? 1 : 0))
    }
  }
}

/// A table, and the properties of its label.
private struct Fitting {
  struct Property {
    let name: String
    let type: DataType
  }

  let table: TableSource
  let subject: String
  let properties: ArraySlice<Property>
  let places: any Places

  init(
    _ table: TableSource, _ label: (subject: String, properties: ArraySlice<Property>), _ places: any Places
  ) {
    (self.table, subject, properties, self.places) = (table, label.subject, label.properties, places)
  }

  func fitted() throws(EngineError) -> TableSource {
    let ids = table.role.idColumns
    switch table.location {
    case .other, .unreadable: return table
    case .arrowStream(let path, let byteCount):
      // The engine reports tables that cannot be read.
      guard let sketch = try? TableReader.sketchArrowStream(path: path, byteCount: byteCount, ids: ids) else {
        return table
      }
      let columns = sketch.columnsBeside(ids)
      try requireNames(columns.map(\.name))
      try requireTypes(columns.map { ($0.name, $0.type) })
      guard columns.elementsEqual(properties, by: { $0.name == $1.name }) else {
        throw unfit(
          "its columns are in a different order", evidence: list(columns.map(\.name)),
          hint: "Put them in this order: \(list(properties.map(\.name)))")
      }
      return table
    case .csv(let path, let options):
      guard let file = try? places.open(path),
        let sketch = try? TableReader.sketchCSV(file, options: options, ids: ids)
      else { return table }
      let columns = sketch.columnsBeside(ids)
      try requireNames(columns.map(\.name))
      let declared = options.columns.filter { $0.type != nil }
      try requireTypes(
        columns.filter { column in declared.contains { $0.reference.description == column.name } }
          .map { ($0.name, $0.type) })
      return typed(options)
    }
  }

  private func requireNames(_ names: [String]) throws(EngineError) {
    guard Set(names) != Set(properties.map(\.name)) || names.count != properties.count else { return }
    throw unfit(
      "its columns other than the ids are \(list(names))", evidence: "the label has \(list(properties.map(\.name)))",
      hint: "Specify the properties to load, so that they match those of the label")
  }

  private func requireTypes(_ columns: [(name: String, type: ColumnType)]) throws(EngineError) {
    for (name, type) in columns {
      guard let property = properties.first(where: { $0.name == name }), !property.type.mayHold(type) else { continue }
      let wanted = property.type.userName
      throw unfit(
        "column '\(name)' is of type \(type.rawValue), but the label's property is of type \(wanted)",
        hint:
          "Convert the column, as with .astype({'\(name)': '\(wanted)'}), or declare its type: ('\(name)', '\(wanted)')"
      )
    }
  }

  /// Returns the text file with the label's properties in their order, each declared as its property's type.
  private func typed(_ options: CSVOptions) -> TableSource {
    let ids = options.columns.prefix(table.role.idColumns.count)
    let types = properties.map { (try? $0.type.cppName()) ?? "" }
    // This is the path that the engine receives, not the client's.
    guard var original = table.original, let source = original.attributes[.source]?.text,
      let path = source.ranges(of: "#delimiter=").last.map({ source[..<$0.lowerBound] }),
      ids.count == table.role.idColumns.count,
      !properties.contains(where: { $0.name.contains(",") || $0.name.contains("&") })
    else { return table }
    let names = ids.map(\.reference.description) + properties.map(\.name)
    original.attributes[.source] = .text(
      "\(path)#delimiter=\(Character(UnicodeScalar(options.delimiter)))&header_row=\(options.hasHeader ? "True" : "False")"
        + "&schema=\(names.joined(separator: ","))"
        + "&column_types=\((ids.map { $0.type ?? "" } + types).joined(separator: ","))&filetype=CSV")
    return TableSource(role: table.role, location: table.location, original: original)
  }

  private func unfit(_ why: String, evidence: String = "", hint: String) -> EngineError {
    EngineError(.invalidArgument, "rows cannot be added to \(subject): \(why)", evidence: evidence, hint: hint)
  }

  private func list(_ names: [String]) -> String { "[" + names.joined(separator: ", ") + "]" }
}

extension TableSketch {
  /// Returns names and types of the columns that are not ids.
  fileprivate func columnsBeside(_ ids: [ColumnReference]) -> [(name: String, type: ColumnType)] {
    let places = Set(ids.compactMap { position(of: $0) })
    return columnTypes.enumerated().filter { !places.contains($0.offset) }.map(\.element)
  }
}

extension DataType {
  /// Returns whether a column read as this type fits a property of the given type of the engine, which has more types.
  fileprivate func mayHold(_ type: ColumnType) -> Bool {
    switch self {
    case .int, .bool, .char, .short: type == .int32
    case .long: type == .int64
    case .uint: type == .uint32
    case .ulong: type == .uint64
    case .float: type == .float
    case .double: type == .double
    case .string: type == .string
    case .date32: type == .date32
    default: true
    }
  }

  /// The name of the type as clients write it.
  fileprivate var userName: String {
    switch self {
    case .int: "int32"
    case .long: "int64"
    case .uint: "uint32"
    case .ulong: "uint64"
    case .string: "str"
    default: "\(self)"
    }
  }
}
