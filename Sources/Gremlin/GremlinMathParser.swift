import QueryAlgebra
import QueryValues

/// Reads the formula of `math`.
struct GremlinMathParser {
  private static let depthLimit = 64

  private let characters: [Character]
  private var position = 0
  private var depth = 0

  /// Returns a formula.
  static func parse(_ text: String) throws(QueryError) -> MathExpression {
    guard text.utf8.count <= 10_000 else {
      throw QueryError(.syntax, "The formula of math() has more than 10000 bytes.")
    }
    var parser = GremlinMathParser(characters: Array(text))
    let expression = try parser.readSum()
    guard parser.peek() == nil else { throw parser.error("an operator") }
    return expression
  }

  private func error(_ wanted: String) -> QueryError {
    let found = position < characters.count ? "'\(characters[position])'" : "the end"
    return QueryError(
      .syntax,
      "The formula of math(), '\(String(characters).prefix(80))', needs \(wanted) at \(position) instead of \(found).")
  }

  private mutating func peek() -> Character? {
    while position < characters.count, characters[position].isWhitespace { position += 1 }
    return position < characters.count ? characters[position] : nil
  }

  private mutating func readSum() throws(QueryError) -> MathExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw QueryError(.syntax, "The formula of math() is nested deeper than \(Self.depthLimit) levels.")
    }
    var left = try readProduct()
    while let symbol = peek(), symbol == "+" || symbol == "-" {
      position += 1
      left = .call(symbol == "+" ? .add : .subtract, [left, try readProduct()])
    }
    return left
  }

  private mutating func readProduct() throws(QueryError) -> MathExpression {
    var left = try readSigned()
    while let symbol = peek(), "*/%".contains(symbol) {
      position += 1
      left = .call(MathFunction(rawValue: String(symbol)) ?? .multiply, [left, try readSigned()])
    }
    return left
  }

  private mutating func readSigned() throws(QueryError) -> MathExpression {
    var isNegative = false
    while let symbol = peek(), symbol == "-" || symbol == "+" {
      position += 1
      if symbol == "-" { isNegative.toggle() }
    }
    let power = try readPower()
    return isNegative ? .call(.negate, [power]) : power
  }

  private mutating func readPower() throws(QueryError) -> MathExpression {
    let base = try readOperand()
    guard peek() == "^" else { return base }
    position += 1
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw error("fewer powers") }
    return .call(.power, [base, try readSigned()])
  }

  private mutating func readOperand() throws(QueryError) -> MathExpression {
    guard let character = peek() else { throw error("a number or a name") }
    if character == "(" {
      position += 1
      let inner = try readSum()
      guard peek() == ")" else { throw error("')'") }
      position += 1
      return inner
    }
    if character.isNumber || character == "." { return try readNumber() }
    let name = readName()
    guard !name.isEmpty else { throw error("a number or a name") }
    if let constant = Self.constants[name] { return .number(constant) }
    guard let function = MathFunction(rawValue: name), function != .negate else { return .variable(name) }
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw error("fewer functions") }
    return .call(function, [try readOperand()])
  }

  private static let constants = ["pi": Double.pi, "π": Double.pi, "e": 2.718281828459045, "φ": 1.61803398874]

  private mutating func readName() -> String {
    let start = position
    while position < characters.count,
      characters[position].isLetter || characters[position] == "_" || position > start && characters[position].isNumber
    { position += 1 }
    return String(characters[start..<position])
  }

  private mutating func readNumber() throws(QueryError) -> MathExpression {
    let start = position
    while position < characters.count, characters[position].isNumber || characters[position] == "." { position += 1 }
    if position < characters.count, characters[position] == "e" || characters[position] == "E" {
      let signed = position + 1 < characters.count && "+-".contains(characters[position + 1])
      let digit = position + (signed ? 2 : 1)
      if digit < characters.count, characters[digit].isNumber {
        position = digit
        while position < characters.count, characters[position].isNumber { position += 1 }
      }
    }
    guard let number = Double(String(characters[start..<position])) else { throw error("a number") }
    return .number(number)
  }
}
