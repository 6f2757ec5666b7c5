import Engines
import JSON
import Vocabulary
import Wire

/// The schema of one of the engine's property graphs, read from the graph's definition: names, numbers and visibility.
struct NativeSchema: Sendable {
  /// A label and its properties; the number of a property is its position.
  struct Label: Sendable {
    let name: String
    let properties: [(name: String, type: DataType, isValid: Bool)]
    /// The source and destination labels of an edge label.
    let relations: [(source: String, destination: String)]
    let isValid: Bool

    /// The visible properties with their numbers.
    var visible: [(id: Int, type: DataType)] {
      properties.indices.filter { properties[$0].isValid }.map { ($0, properties[$0].type) }
    }

    /// Returns the number of a visible property.
    /// - Throws: `EngineError.invalidValue` when there is none of that name.
    func property(_ name: String) throws(EngineError) -> Int {
      guard let index = properties.lastIndex(where: { $0.name == name }) else { throw EngineError(.unknownName, name) }
      guard properties[index].isValid else {
        throw EngineError(.invalidValue, "\(name) not exist in properties")
      }
      return index
    }

    func shows(_ name: String) -> Bool { properties.contains { $0.name == name && $0.isValid } }
  }

  private(set) var vertices: [Label] = []
  private(set) var edges: [Label] = []

  /// Parses the JSON of a graph's definition; empty text is an empty schema.
  init(_ json: String) throws(EngineError) {
    guard !json.isEmpty else { return }
    let value: JSONValue
    do { value = try JSONValue(parsing: json) } catch { throw Self.damaged("\(error)") }
    let validVertices = Self.flags(value["valid_vertices"])
    let validEdges = Self.flags(value["valid_edges"])
    for type in value["types"]?.elements ?? [] {
      let isVertex = type["type"]?.text == "VERTEX"
      let number = isVertex ? vertices.count : edges.count
      let flags = isVertex ? validVertices : validEdges
      let label = try Self.label(type, isValid: number < flags.count && flags[number])
      if isVertex { vertices.append(label) } else { edges.append(label) }
    }
  }

  private static func label(_ type: JSONValue, isValid: Bool) throws(EngineError) -> Label {
    guard let name = type["label"]?.text else { throw damaged("a label has no name") }
    let valid = flags(type["valid_properties"])
    let properties = (type["propertyDefList"]?.elements ?? []).enumerated().map { index, property in
      (
        name: property["name"]?.text ?? "", type: DataType(schemaName: property["data_type"]?.text ?? ""),
        isValid: index < valid.count ? valid[index] : true
      )
    }
    let relations = (type["rawRelationShips"]?.elements ?? []).map {
      (source: $0["srcVertexLabel"]?.text ?? "", destination: $0["dstVertexLabel"]?.text ?? "")
    }
    return Label(name: name, properties: properties, relations: relations, isValid: isValid)
  }

  private static func flags(_ value: JSONValue?) -> [Bool] {
    (value?.elements ?? []).map { $0 != .integer(0) }
  }

  private static func damaged(_ why: String) -> EngineError {
    EngineError(.engineFailure, "the engine's description of a graph cannot be read", evidence: why)
  }

  // MARK: Names to numbers

  /// Returns the number of a visible vertex label.
  func vertexLabel(_ name: String) throws(EngineError) -> Int { try Self.number(of: name, in: vertices, "Vertex") }

  /// Returns the number of a visible edge label.
  func edgeLabel(_ name: String) throws(EngineError) -> Int { try Self.number(of: name, in: edges, "Edge") }

  private static func number(of name: String, in labels: [Label], _ kind: String) throws(EngineError) -> Int {
    guard let index = labels.lastIndex(where: { $0.name == name }) else {
      throw EngineError(.unknownName, "\(name) not exists.")
    }
    guard labels[index].isValid else { throw EngineError(.invalidValue, "\(kind) \(name) not exists in graph") }
    return index
  }
}

extension DataType {
  /// Creates the type that a schema's JSON names. An unknown name yields a type that no algorithm accepts.
  init(schemaName: String) {
    self =
      switch schemaName.uppercased() {
      case "BOOL": .bool
      case "CHAR": .char
      case "SHORT": .short
      case "INT", "INT32": .int
      case "LONG", "INT64": .long
      case "UINT32", "UINT": .uint
      case "UINT64", "ULONG": .ulong
      case "FLOAT": .float
      case "DOUBLE": .double
      case "STRING": .string
      case "BYTES": .bytes
      case "INT_LIST", "FIXEDLISTINT": .intList
      case "LONG_LIST", "FIXEDLISTLONG": .longList
      case "FLOAT_LIST", "FIXEDLISTFLOAT": .floatList
      case "DOUBLE_LIST", "FIXEDLISTDOUBLE": .doubleList
      case "EMPTY", "NULL": .null
      default: .unknown
      }
  }

  /// Returns the name of the type in the engine's C++.
  /// - Throws: `EngineError` for types that neither ids nor the data of a simple graph can have.
  func cppName() throws(EngineError) -> String {
    switch self {
    case .int: "int32_t"
    case .long: "int64_t"
    case .uint: "uint32_t"
    case .ulong: "uint64_t"
    case .float: "float"
    case .double: "double"
    case .string: "std::string"
    case .null: "grape::EmptyType"
    case .dynamic: "dynamic::Value"
    case .unknown: ""
    default:
      throw EngineError(
        .invalidValue, "Not support type \(self)", hint: "Project a property of integers, floats or strings, or none")
    }
  }
}
