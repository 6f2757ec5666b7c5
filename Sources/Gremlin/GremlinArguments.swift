import QueryAlgebra
import QueryValues

extension GremlinParser {
  /// Reads an argument of a step.
  mutating func readArgument() throws(QueryError) -> Bytecode.Argument {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw error("The script is nested deeper than \(Self.depthLimit) levels.") }
    let argument = try readOperand()
    if isSymbol("."), case .predicate = argument { return try readConnectives(argument) }
    if peek.kind == .range { return try readRange(from: argument) }
    if case .name("as") = peek.kind { return try readConversion(argument) }
    return argument
  }

  private mutating func readOperand() throws(QueryError) -> Bytecode.Argument {
    let token = peek
    switch token.kind {
    case .text(let text):
      position += 1
      return .value(.string(text))
    case .integer(.min): throw error("The number needs more than 64 bits.")
    case .integer32, .integer, .float, .float32:
      position += 1
      return .value(Self.number(token.kind))
    case .symbol("-"), .symbol("+"): return try readSigned()
    case .symbol("["): return try readCollection()
    case .symbol("{"): return try readSet()
    case .symbol("("):
      position += 1
      let argument = try readArgument()
      try expect(")")
      return argument
    case .name(let name): return try readNamed(name)
    default: throw unexpected("an argument")
    }
  }

  private static func number(_ kind: GremlinToken.Kind) -> Value {
    switch kind {
    case .integer32(let number): .integer32(number)
    case .integer(let number): .integer(number)
    case .float(let number): .float(number)
    case .float32(let number): .float32(number)
    default: .null
    }
  }

  private mutating func readSigned() throws(QueryError) -> Bytecode.Argument {
    let isNegative = isSymbol("-")
    position += 1
    if case .name("Infinity") = peek.kind {
      position += 1
      return .value(.float(isNegative ? -.infinity : .infinity))
    }
    if case .name("NaN") = peek.kind {
      position += 1
      return .value(.float(.nan))
    }
    let number = Self.number(peek.kind)
    if case .null = number { throw unexpected("a number") }
    if case .integer(.min) = number, !isNegative { throw error("The number needs more than 64 bits.") }
    position += 1
    guard isNegative else { return .value(number) }
    switch number {
    case .integer32(let number): return .value(.integer32(-number))
    case .integer(1 << 31): return .value(.integer32(.min))
    case .integer(let number): return .value(.integer(0 &- number))
    case .float(let number): return .value(.float(-number))
    case .float32(let number): return .value(.float32(-number))
    default: return .value(number)
    }
  }

  /// Reads a list or a map.
  private mutating func readCollection() throws(QueryError) -> Bytecode.Argument {
    try expect("[")
    if takeSymbol("]") { return .value(.list([])) }
    if takeSymbol(":") {
      try expect("]")
      return .value(.map(ValueMap()))
    }
    var elements: [Bytecode.Argument] = []
    var entries: [(key: Bytecode.Argument, value: Bytecode.Argument)] = []
    repeat {
      if isSymbol("]") { break }
      let key = try readKey()
      if takeSymbol(":") { entries.append((key: key, value: try readArgument())) } else { elements.append(key) }
    } while takeSymbol(",")
    try expect("]")
    guard entries.isEmpty || elements.isEmpty else { throw error("A list and a map are mixed. Give each entry a key.") }
    return entries.isEmpty ? Self.list(elements) { .list($0) } : Self.map(entries)
  }

  /// Reads an element of a list, or a key of a map: a name in front of a colon is text.
  private mutating func readKey() throws(QueryError) -> Bytecode.Argument {
    if case .name(let name) = peek.kind, tokens[position + 1].kind == .symbol(":") {
      position += 1
      return .value(.string(name))
    }
    return try readArgument()
  }

  private mutating func readSet() throws(QueryError) -> Bytecode.Argument {
    if case .name("it") = tokens[position + 1].kind { throw lambda() }
    if case .name = tokens[position + 1].kind, tokens[position + 2].kind == .symbol("-") { throw lambda() }
    let start = self
    position += 1
    var elements: [Bytecode.Argument] = []
    if takeSymbol("}") { return .value(.set([])) }
    repeat { elements.append(try readArgument()) } while takeSymbol(",")
    guard takeSymbol("}") else { throw start.lambda() }
    return Self.list(elements) { .set(Self.distinct($0)) }
  }

  /// Makes a value of arguments that are all values.
  private static func list(_ elements: [Bytecode.Argument], _ make: ([Value]) -> Value) -> Bytecode.Argument {
    let values = elements.compactMap { if case .value(let value) = $0 { value } else { nil } }
    return values.count == elements.count ? .value(make(values)) : .list(elements)
  }

  private static func map(_ entries: [(key: Bytecode.Argument, value: Bytecode.Argument)]) -> Bytecode.Argument {
    var map = ValueMap()
    for entry in entries {
      guard case .value(let key) = entry.key, case .value(let value) = entry.value else { return .map(entries) }
      map[key] = value
    }
    return .value(.map(map))
  }

  private static func distinct(_ values: [Value]) -> [Value] {
    var seen: Set<GroupingKey> = []
    return values.filter { seen.insert(GroupingKey($0)).inserted }
  }

  /// Reads the rest of `1..3`.
  private mutating func readRange(from argument: Bytecode.Argument) throws(QueryError) -> Bytecode.Argument {
    position += 1
    let last = try readOperand()
    guard case .value(.integer32(let first)) = argument, case .value(.integer32(let last)) = last else {
      throw error("The ends of a range must be whole numbers.")
    }
    guard abs(Int64(first) - Int64(last)) < 10_000 else { throw error("A range has more than 10000 numbers.") }
    let numbers = first <= last ? Array(first...last) : (last...first).reversed()
    return .value(.list(numbers.map { .integer32($0) }))
  }

  /// Reads the rest of `[1, 2] as Set`.
  private mutating func readConversion(_ argument: Bytecode.Argument) throws(QueryError) -> Bytecode.Argument {
    position += 1
    guard case .name("Set") = peek.kind, case .value(.list(let values)) = argument else {
      throw error("Only a list can be converted, to Set.")
    }
    position += 1
    return .value(.set(Self.distinct(values)))
  }

  /// Reads `.and(…)`, `.or(…)` and `.negate()` behind a predicate.
  private mutating func readConnectives(_ first: Bytecode.Argument) throws(QueryError) -> Bytecode.Argument {
    var result = first
    while takeSymbol(".") {
      guard case .name(let name) = peek.kind, ["and", "or", "negate"].contains(name) else {
        throw unexpected("and, or or negate behind a predicate")
      }
      position += 1
      let arguments = try readArguments()
      result =
        name == "negate"
        ? .predicate(type: "P", name: "not", [result]) : .predicate(type: "P", name: name, [result] + arguments)
    }
    return result
  }
}
