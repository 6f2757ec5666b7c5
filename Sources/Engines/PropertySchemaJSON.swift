import GraphStore

/// Writes the schema of a property graph as the JSON texts that clients and query engines read (contract "client-behaviour",
/// 5.2 and 5.3).
public enum PropertySchemaJSON {
  /// Returns the text for the Python client. Hidden labels and properties keep their positions and are marked as not valid.
  public static func text(_ schema: GraphSchema, partitions: Int) -> String {
    Renderer(schema: schema, partitions: partitions, edgeIDOffset: 0, propertyIDs: nil).text
  }

  /// Returns the text of the file for query engines. Ids of edge labels follow those of vertex labels. The id of a property is
  /// the position of its name, from 1, among all property names of the graph in alphabetical order.
  public static func fileText(_ schema: GraphSchema, partitions: Int) -> String {
    let properties = schema.vertexLabels.flatMap(\.properties) + schema.edgeLabels.flatMap(\.properties)
    let names = Set(properties.map(\.name)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let ids = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 + 1) })
    return Renderer(
      schema: schema, partitions: partitions, edgeIDOffset: schema.vertexLabels.count, propertyIDs: ids
    ).text
  }
}

/// Writes the JSON of a schema.
private struct Renderer {
  let schema: GraphSchema
  let partitions: Int
  let edgeIDOffset: Int
  /// Ids of properties by name; nil to use their positions.
  let propertyIDs: [String: Int]?

  var text: String {
    let types = schema.vertexLabels.enumerated().map(vertexType) + schema.edgeLabels.enumerated().map(edgeType)
    return """
      {"partitionNum":\(partitions),"types":[\(types.joined(separator: ","))],\
      "valid_edges":\(flags(schema.edgeLabels.map(\.isValid))),\
      "valid_vertices":\(flags(schema.vertexLabels.map(\.isValid)))}
      """
  }

  private func vertexType(_ id: Int, _ label: GraphSchema.VertexLabel) -> String {
    let index = label.idProperty.map { #"{"propertyNames":[\#(quoted(label.properties[$0].name))]}"# } ?? ""
    return type(id, label.name, "VERTEX", label.properties, indexes: index, relations: [])
  }

  private func edgeType(_ id: Int, _ label: GraphSchema.EdgeLabel) -> String {
    let relations = schema.shownRelations(of: label).map { relation in
      let destination = quoted(schema.vertexLabels[relation.destination].name)
      let source = quoted(schema.vertexLabels[relation.source].name)
      return #"{"dstVertexLabel":\#(destination),"srcVertexLabel":\#(source)}"#
    }
    return type(id + edgeIDOffset, label.name, "EDGE", label.properties, indexes: "", relations: relations)
  }

  private func type(
    _ id: Int, _ label: String, _ kind: String, _ properties: [GraphSchema.Property], indexes: String,
    relations: [String]
  ) -> String {
    let definitions = properties.enumerated().map { position, property in
      let id = propertyIDs?[property.name] ?? position
      return #"{"data_type":"\#(property.type.clientName)","id":\#(id),"name":\#(quoted(property.name))}"#
    }
    return """
      {"id":\(id),"indexes":[\(indexes)],"label":\(quoted(label)),\
      "propertyDefList":[\(definitions.joined(separator: ","))],\
      "rawRelationShips":[\(relations.joined(separator: ","))],"type":"\(kind)",\
      "valid_properties":\(flags(properties.map(\.isValid)))}
      """
  }

  private func flags(_ values: [Bool]) -> String { "[" + values.map { $0 ? "1" : "0" }.joined(separator: ",") + "]" }

  /// Returns a JSON string (RFC 8259, section 7).
  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension ColumnType {
  /// The type name that the client maps to one of its own types.
  fileprivate var clientName: String {
    switch self {
    case .int32: "INT"
    case .int64: "LONG"
    case .uint32: "UINT32"
    case .uint64: "UINT64"
    case .float: "FLOAT"
    case .double: "DOUBLE"
    case .string: "STRING"
    case .date32: "DATE32[DAY]"
    case .timestampMilliseconds: "TIMESTAMP[MS][UTC]"
    case .int32List: "INT_LIST"
    case .int64List: "LONG_LIST"
    case .floatList: "FLOAT_LIST"
    case .doubleList: "DOUBLE_LIST"
    }
  }
}
