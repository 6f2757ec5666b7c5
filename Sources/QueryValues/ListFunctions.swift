/// Functions on lists, and those that lists and texts share.
enum ListFunctions {
  static let all: [Function] = [
    Function("size", 1...1, "(value :: LIST<ANY> | STRING) :: INTEGER", "The number of elements or characters.", size),
    Function("isEmpty", 1...1, "(value :: LIST<ANY> | MAP | STRING) :: BOOLEAN", "Whether nothing is in it.", isEmpty),
    Function("head", 1...1, "(list :: LIST<ANY>) :: ANY", "The first element.", head),
    Function("last", 1...1, "(list :: LIST<ANY>) :: ANY", "The last element.", last),
    Function("tail", 1...1, "(list :: LIST<ANY>) :: LIST<ANY>", "All elements but the first.", tail),
    Function("reverse", 1...1, "(value :: LIST<ANY> | STRING) :: LIST<ANY> | STRING", "The reverse order.", reverse),
    Function(
      "range", 2...3, "(start :: INTEGER, end :: INTEGER, step = 1 :: INTEGER) :: LIST<INTEGER>",
      "The integers from start to end, both included.", range),
    Function(
      "toIntegerList", 1...1, "(list :: LIST<ANY>) :: LIST<INTEGER>", "Elements as integers or null.", toIntegers),
    Function("toFloatList", 1...1, "(list :: LIST<ANY>) :: LIST<FLOAT>", "Elements as numbers or null.", toFloats),
    Function(
      "toBooleanList", 1...1, "(list :: LIST<ANY>) :: LIST<BOOLEAN>", "Elements as truth values or null.", toBooleans),
    Function("toStringList", 1...1, "(list :: LIST<ANY>) :: LIST<STRING>", "Elements as texts or null.", toStrings),
  ]

  private static func list(_ value: Value, _ function: String) throws(QueryError) -> [Value]? {
    switch value {
    case .null: return nil
    case .list(let values), .set(let values): return values
    default: throw .wrongType(function, takes: "a list", not: value)
    }
  }

  @Sendable private static func size(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if case .string(let text) = values[0] { return .integer(Int64(text.unicodeScalars.count)) }
    return try list(values[0], "size()").map { .integer(Int64($0.count)) } ?? .null
  }

  @Sendable private static func isEmpty(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    switch values[0] {
    case .string(let text): return .boolean(text.isEmpty)
    case .map(let map): return .boolean(map.count == 0)
    default: return try list(values[0], "isEmpty()").map { .boolean($0.isEmpty) } ?? .null
    }
  }

  @Sendable private static func head(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try list(values[0], "head()")?.first ?? .null
  }

  @Sendable private static func last(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try list(values[0], "last()")?.last ?? .null
  }

  @Sendable private static func tail(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try list(values[0], "tail()").map { .list(Array($0.dropFirst())) } ?? .null
  }

  @Sendable private static func reverse(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if case .string(let text) = values[0] {
      return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
    }
    return try list(values[0], "reverse()").map { .list($0.reversed()) } ?? .null
  }

  @Sendable private static func range(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values.contains(where: \.isNull) { return .null }
    var bounds: [Int64] = []
    for value in values {
      guard case .whole(let number) = value.number else {
        throw QueryError(
          .argument, detail: "InvalidArgumentType", "range() takes integers, not \(value.typeName); use toInteger()")
      }
      bounds.append(number)
    }
    let step = bounds.count == 3 ? bounds[2] : 1
    if step == 0 {
      throw QueryError(.argument, detail: "NumberOutOfRange", "The step of range() is 0; use a step that is not 0")
    }
    let distance = Int128(bounds[1]) - Int128(bounds[0])
    if distance.signum() * Int128(step.signum()) < 0 { return .list([]) }
    let count = distance / Int128(step) + 1
    if count > Int128(ValueLimits.listElements) {
      throw .tooLarge("A range of \(count) elements", limit: ValueLimits.listElements)
    }
    // The product may leave 64 bits where the sum does not; wrapping twice yields the sum.
    return .list((0..<Int64(count)).map { .integer(bounds[0] &+ $0 &* step) })
  }

  @Sendable private static func toIntegers(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try convert(values[0], "toIntegerList()", Conversion.integer)
  }

  @Sendable private static func toFloats(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try convert(values[0], "toFloatList()", Conversion.float)
  }

  @Sendable private static func toBooleans(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try convert(values[0], "toBooleanList()", Conversion.boolean)
  }

  @Sendable private static func toStrings(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try convert(values[0], "toStringList()", Conversion.string)
  }

  private static func convert(
    _ value: Value, _ function: String, _ conversion: (Value, String) throws(QueryError) -> Value
  ) throws(QueryError) -> Value {
    try list(value, function).map { .list($0.map { (try? conversion($0, function)) ?? .null }) } ?? .null
  }
}
