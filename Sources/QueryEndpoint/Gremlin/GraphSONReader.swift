import FoundationEssentials
import JSON
import QueryAlgebra
import QueryValues

/// Reads values in GraphSON 2 and 3: JSON, in which an object with `@type` and `@value` has a type. The parser of JSON bounds the
/// nesting, and the size of the message bounds the number of elements.
struct GraphSONReader {
  /// Why a value that is well formed cannot be used; the first such reason. Null stands for it.
  private(set) var problem: QueryError?

  private static let enumerations: Set<String> = [
    "Barrier", "Cardinality", "Column", "Direction", "Operator", "Order", "Pick", "Pop", "Scope", "T", "Merge", "DT",
  ]

  mutating func value(_ json: JSONValue) throws(GremlinFormatError) -> Bytecode.Argument {
    switch json {
    case .null: return .value(.null)
    case .bool(let value): return .value(.boolean(value))
    case .integer(let value): return .value(.integer(value))
    case .double(let value): return .value(.float(value))
    case .string(let text): return .value(.string(text))
    case .array(let elements): return .composed(list: try values(elements))
    case .object(let members):
      if case .string(let type)? = json["@type"] { return try typed(type, json["@value"] ?? .null) }
      var entries: [(key: Bytecode.Argument, value: Bytecode.Argument)] = []
      for (key, content) in members { entries.append((.value(.string(key)), try value(content))) }
      return .composed(map: entries)
    }
  }

  private mutating func values(_ elements: [JSONValue]) throws(GremlinFormatError) -> [Bytecode.Argument] {
    var values: [Bytecode.Argument] = []
    for element in elements { values.append(try value(element)) }
    return values
  }

  private mutating func refuse(_ why: String) -> Bytecode.Argument {
    if problem == nil { problem = QueryError(.argument, why) }
    return .value(.null)
  }

  private mutating func typed(_ type: String, _ json: JSONValue) throws(GremlinFormatError) -> Bytecode.Argument {
    let name = type.split(separator: ":", maxSplits: 1).last.map(String.init) ?? type
    switch name {
    case "Int32", "Int16", "Byte": return .value(.integer32(try integer(json)))
    case "Int64": return .value(.integer(try integer(json)))
    case "Double": return .value(.float(try number(json)))
    case "Float": return .value(.float32(Float(try number(json))))
    case "UUID", "Char": return .value(.string(try text(json)))
    case "Date", "Timestamp": return .composed(milliseconds: try integer(json))
    case "BigInteger": return bigInteger(json)
    case "BigDecimal": return bigDecimal(json)
    case "List", "BulkSet": return .composed(list: try values(try elements(json)))
    case "Set": return .composed(set: try values(try elements(json)))
    case "Map": return try map(try elements(json))
    case "Vertex", "Edge", "VertexProperty", "Property": return try element(name, json)
    case "Bytecode": return .traversal(try bytecode(json))
    case "P", "TextP": return try predicate(name, json)
    case "Binding": return .binding(name: try text(json["key"]), try value(json["value"] ?? .null))
    case "Lambda": return .lambda(language: json["language"]?.text ?? "unknown")
    case "Class": return .composed(strategy: try text(json), [])
    case _ where Self.enumerations.contains(name): return .composed(constant: try text(json), of: name)
    case _ where name.hasSuffix("Strategy"): return try strategy(name, json)
    default: return refuse("Values of the type \(type) are not supported")
    }
  }

  // MARK: Scalars

  private func text(_ json: JSONValue?) throws(GremlinFormatError) -> String {
    guard let text = json?.text else { throw GremlinFormatError(reason: "a text is missing") }
    return text
  }

  private func integer<Number: FixedWidthInteger>(_ json: JSONValue) throws(GremlinFormatError) -> Number {
    guard case .integer(let value) = json, let number = Number(exactly: value) else {
      throw GremlinFormatError(reason: "an integer does not fit its type")
    }
    return number
  }

  private func number(_ json: JSONValue) throws(GremlinFormatError) -> Double {
    switch json {
    case .double(let value): return value
    case .integer(let value): return Double(value)
    case .string("NaN"): return .nan
    case .string("Infinity"): return .infinity
    case .string("-Infinity"): return -.infinity
    default: throw GremlinFormatError(reason: "a number is missing")
    }
  }

  private mutating func bigInteger(_ json: JSONValue) -> Bytecode.Argument {
    if case .integer(let value) = json { return .value(.integer(value)) }
    return json.text.flatMap { Int64($0) }.map { .value(.integer($0)) }
      ?? refuse("Integers of more than 64 bits are not supported")
  }

  private mutating func bigDecimal(_ json: JSONValue) -> Bytecode.Argument {
    switch json {
    case .integer(let value): return .value(.integer(value))
    case .double(let value): return .value(.float(value))
    case .string(let text) where text.filter(\.isNumber).count <= 15:
      if let number = Double(text), number.isFinite { return .value(.float(number)) }
    default: break
    }
    return refuse("Decimal numbers of more than 15 digits are not supported; send a floating-point number")
  }

  private func elements(_ json: JSONValue) throws(GremlinFormatError) -> [JSONValue] {
    guard let elements = json.elements else { throw GremlinFormatError(reason: "a list is missing") }
    return elements
  }

  private mutating func map(_ flat: [JSONValue]) throws(GremlinFormatError) -> Bytecode.Argument {
    guard flat.count % 2 == 0 else { throw GremlinFormatError(reason: "a map has a key without a value") }
    var entries: [(key: Bytecode.Argument, value: Bytecode.Argument)] = []
    for index in stride(from: 0, to: flat.count, by: 2) {
      entries.append((try value(flat[index]), try value(flat[index + 1])))
    }
    return .composed(map: entries)
  }

  // MARK: Elements and traversals

  private mutating func element(_ type: String, _ json: JSONValue) throws(GremlinFormatError) -> Bytecode.Argument {
    if type.hasSuffix("Property") {
      let key = try text(json["label"] ?? json["key"])
      guard let value = try value(json["value"] ?? .null).plain else {
        return refuse("A property holds what is no value")
      }
      return .value(.property(Property(owner: .null, key: key, value: value)))
    }
    guard let id = try value(json["id"] ?? .null).elementID else { return refuseID() }
    if type == "Vertex" { return .value(.vertex(Vertex(id: id))) }
    guard let source = try value(json["outV"] ?? .null).elementID,
      let target = try value(json["inV"] ?? .null).elementID
    else { return refuseID() }
    return .value(.edge(Edge(id: id, source: Vertex(id: source), target: Vertex(id: target))))
  }

  private mutating func refuseID() -> Bytecode.Argument { refuse("The identifier of an element is no integer") }

  private mutating func bytecode(_ json: JSONValue) throws(GremlinFormatError) -> Bytecode {
    Bytecode(source: try instructions(json["source"]), steps: try instructions(json["step"]))
  }

  private mutating func instructions(_ json: JSONValue?) throws(GremlinFormatError) -> [Bytecode.Instruction] {
    guard let json else { return [] }
    var instructions: [Bytecode.Instruction] = []
    for instruction in try elements(json) {
      let parts = try elements(instruction)
      instructions.append(Bytecode.Instruction(try text(parts.first), try values(Array(parts.dropFirst()))))
    }
    return instructions
  }

  /// Reads a predicate; several operands are a list without a type, while one operand may be a typed list.
  private mutating func predicate(_ type: String, _ json: JSONValue) throws(GremlinFormatError) -> Bytecode.Argument {
    let name = try text(json["predicate"])
    let operand = json["value"] ?? .null
    let isTypedList = operand["@type"] == .string("g:List")
    let operands = operand.elements ?? (isTypedList ? operand["@value"]?.elements : nil) ?? [operand]
    return .predicate(type: type, name: name, try values(operands))
  }

  private mutating func strategy(_ name: String, _ json: JSONValue) throws(GremlinFormatError) -> Bytecode.Argument {
    // Java writes the name of the class and the settings; Python writes the settings alone.
    var settings: [(key: String, value: Bytecode.Argument)] = []
    for (key, content) in (json["conf"] ?? json).members ?? [] { settings.append((key, try value(content))) }
    return .composed(strategy: json["fqcn"]?.text ?? name, settings)
  }
}
