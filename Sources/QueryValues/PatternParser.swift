/// Reads a regular expression. See `Pattern` for what it takes.
struct PatternParser {
  private struct Flags {
    var ignoresCase = false
    var ignoresUnicodeCase = false
    var dotMatchesAll = false
    var isMultiline = false
  }

  private let expression: String
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var flags = Flags()
  private var depth = 0

  init(_ expression: String) {
    self.expression = expression
    scalars = Array(expression.unicodeScalars)
  }

  mutating func parse() throws(QueryError) -> PatternNode {
    if scalars.count > Pattern.longestPattern {
      throw QueryError(
        .argument, "A regular expression is longer than \(Pattern.longestPattern) characters; shorten it")
    }
    let node = try alternatives()
    if position < scalars.count { throw wrong("')' has no '('") }
    return node
  }

  private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func next() -> Unicode.Scalar? {
    guard let scalar = peek else { return nil }
    position += 1
    return scalar
  }

  private mutating func accept(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard scalars[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  private func wrong(_ reason: String) -> QueryError {
    QueryError(
      .argument, detail: "InvalidRegularExpression",
      "The regular expression '\(expression.prefix(80))' is wrong at character \(position + 1): \(reason)")
  }

  private func unsupported(_ what: String) -> QueryError {
    QueryError(
      .unsupported,
      "The regular expression '\(expression.prefix(80))' uses \(what), which is not supported; write it without")
  }

  private mutating func alternatives() throws(QueryError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    if depth > 100 { throw wrong("groups are nested deeper than 100") }
    var nodes = [try sequence()]
    while accept("|") { nodes.append(try sequence()) }
    return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
  }

  private mutating func sequence() throws(QueryError) -> PatternNode {
    var nodes: [PatternNode] = []
    while let scalar = peek, scalar != "|", scalar != ")" {
      if accept("\\Q") {
        nodes.append(contentsOf: quoted())
        // A quantifier repeats the last character that was quoted.
        if let last = nodes.popLast() { nodes.append(try repeated(last)) }
        continue
      }
      nodes.append(try repeated(try atom()))
    }
    return .sequence(nodes)
  }

  private mutating func quoted() -> [PatternNode] {
    var nodes: [PatternNode] = []
    while position < scalars.count, !accept("\\E") { nodes.append(literal(scalars[position])); position += 1 }
    return nodes
  }

  private mutating func repeated(_ node: PatternNode) throws(QueryError) -> PatternNode {
    var result = node
    while let scalar = peek {
      let bounds: (Int, Int?)
      switch scalar {
      case "*": bounds = (0, nil)
      case "+": bounds = (1, nil)
      case "?": bounds = (0, 1)
      case "{": bounds = try counts()
      default: return result
      }
      position += 1
      if accept("+") { throw unsupported("a possessive quantifier") }
      _ = accept("?")
      if case .empty = result { continue }
      result = .repetition(result, minimum: bounds.0, maximum: bounds.1)
      if depthOfRepetition(result) > 20 { throw wrong("quantifiers are nested deeper than 20") }
    }
    return result
  }

  private func depthOfRepetition(_ node: PatternNode) -> Int {
    if case .repetition(let inner, _, _) = node { 1 + depthOfRepetition(inner) } else { 0 }
  }

  /// Reads `{n}`, `{n,}` or `{n,m}` up to the closing brace.
  private mutating func counts() throws(QueryError) -> (Int, Int?) {
    position += 1
    guard let minimum = number() else { throw wrong("'{' needs a number; write '\\{' for the character") }
    var maximum: Int? = minimum
    if accept(",") { maximum = number() }
    guard peek == "}" else { throw wrong("'}' is missing") }
    if let maximum, maximum < minimum { throw wrong("the bounds in { } are out of order") }
    return (minimum, maximum)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = peek, ("0"..."9").contains(digit) {
      value = min((value ?? 0) * 10 + Int(digit.value - 0x30), Pattern.largestProgram)
      position += 1
    }
    return value
  }

  private mutating func atom() throws(QueryError) -> PatternNode {
    guard let scalar = next() else { return .empty }
    switch scalar {
    case "(": return try group()
    case "[": return .scalar(cased(try scalarClass()))
    case ".": return .scalar(flags.dotMatchesAll ? .all : .noTerminator)
    case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
    case "$": return .assertion(flags.isMultiline ? .lineEnd : .finalEnd)
    case "*", "+", "?": throw wrong("'\(scalar)' has nothing to repeat; write '\\\(scalar)' for the character")
    case "\\": return try escape()
    default: return literal(scalar)
    }
  }

  private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
    .scalar(cased(ScalarSet(items: [.range(scalar.value...scalar.value)])))
  }

  private func cased(_ set: ScalarSet) -> ScalarSet {
    var set = set
    set.ignoresCase = flags.ignoresCase
    set.ignoresUnicodeCase = flags.ignoresUnicodeCase
    return set
  }

  private mutating func group() throws(QueryError) -> PatternNode {
    let outer = flags
    if accept("?") {
      if accept("=") || accept("!") || accept("<=") || accept("<!") { throw unsupported("look-around") }
      if accept(">") { throw unsupported("an atomic group") }
      if accept("<") {
        while let scalar = next(), scalar != ">" {}
      } else if try !flagged() {
        return .empty
      }
    }
    let node = try alternatives()
    guard accept(")") else { throw wrong("')' is missing") }
    flags = outer
    return node
  }

  /// Reads flags; returns whether a group follows, and not the end of `(?i)`, whose flags hold up to the end of the outer group.
  private mutating func flagged() throws(QueryError) -> Bool {
    var isSet = true
    while let scalar = next() {
      switch scalar {
      case "-": isSet = false
      case "i": flags.ignoresCase = isSet
      case "u": flags.ignoresUnicodeCase = isSet
      case "s": flags.dotMatchesAll = isSet
      case "m": flags.isMultiline = isSet
      case ":": return true
      case ")": return false
      default: throw unsupported("the flag '\(scalar)'")
      }
    }
    throw wrong("')' is missing")
  }

  private mutating func escape() throws(QueryError) -> PatternNode {
    guard let scalar = peek else { throw wrong("'\\' escapes nothing") }
    switch scalar {
    case "b": position += 1; return .assertion(.wordBoundary)
    case "B": position += 1; return .assertion(.noWordBoundary)
    case "A": position += 1; return .assertion(.textStart)
    case "z": position += 1; return .assertion(.textEnd)
    case "Z": position += 1; return .assertion(.finalEnd)
    case "1"..."9", "k": throw unsupported("a back reference")
    default: return .scalar(cased(try escapedSet()))
    }
  }

  /// Reads what follows a backslash and stands for scalars, inside and outside of classes.
  private mutating func escapedSet() throws(QueryError) -> ScalarSet {
    guard let scalar = next() else { throw wrong("'\\' escapes nothing") }
    switch scalar {
    case "d": return .digit
    case "D": return ScalarSet.digit.negated
    case "w": return .word
    case "W": return ScalarSet.word.negated
    case "s": return .space
    case "S": return ScalarSet.space.negated
    case "h": return .horizontalSpace
    case "H": return ScalarSet.horizontalSpace.negated
    case "p": return try category()
    case "P": return try category().negated
    default: return single(try escapedScalar(scalar))
    }
  }

  private func single(_ scalar: Unicode.Scalar) -> ScalarSet { ScalarSet(items: [.range(scalar.value...scalar.value)]) }

  private mutating func escapedScalar(_ scalar: Unicode.Scalar) throws(QueryError) -> Unicode.Scalar {
    switch scalar {
    case "t": return "\t"
    case "n": return "\n"
    case "r": return "\r"
    case "f": return "\u{0C}"
    case "a": return "\u{07}"
    case "e": return "\u{1B}"
    case "x": return try hexadecimal(2)
    case "u": return try hexadecimal(4)
    default:
      if scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) { throw unsupported("'\\\(scalar)'") }
      return scalar
    }
  }

  private mutating func hexadecimal(_ digits: Int) throws(QueryError) -> Unicode.Scalar {
    let text = String(String.UnicodeScalarView(scalars[position..<min(position + digits, scalars.count)]))
    guard text.unicodeScalars.count == digits, let value = UInt32(text, radix: 16), let scalar = Unicode.Scalar(value)
    else {
      throw wrong("\(digits) hexadecimal digits of a character are missing")
    }
    position += digits
    return scalar
  }

  private mutating func category() throws(QueryError) -> ScalarSet {
    var name = ""
    if accept("{") {
      while let scalar = next(), scalar != "}" { name.unicodeScalars.append(scalar) }
    } else if let scalar = next() {
      name.unicodeScalars.append(scalar)
    }
    guard let set = ScalarCategories.named(name) else { throw unsupported("the class \\p{\(name)}") }
    return set
  }

  private mutating func scalarClass() throws(QueryError) -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    if depth > 100 { throw wrong("classes are nested deeper than 100") }
    var set = ScalarSet(items: [])
    set.isNegated = accept("^")
    var isFirst = true
    while true {
      if accept("&&") { throw unsupported("an intersection of classes") }
      guard let scalar = next() else { throw wrong("']' is missing") }
      if scalar == "]" && !isFirst { return set }
      isFirst = false
      if scalar == "[" {
        set.items.append(.set(try scalarClass()))
        continue
      }
      let item = scalar == "\\" ? try escapedSet() : single(scalar)
      set.items.append(try ranged(item))
    }
  }

  /// Extends a single scalar to a range if `-` and another scalar follow.
  private mutating func ranged(_ set: ScalarSet) throws(QueryError) -> ScalarSet.Item {
    guard case .range(let start)? = set.items.first, set.items.count == 1, start.count == 1, !set.isNegated,
      peek == "-",
      position + 1 < scalars.count, scalars[position + 1] != "]", scalars[position + 1] != "["
    else { return .set(set) }
    position += 1
    guard var end = next() else { throw wrong("']' is missing") }
    if end == "\\", let escaped = next() { end = try escapedScalar(escaped) }
    guard start.lowerBound <= end.value else { throw wrong("a range in [ ] is out of order") }
    return .range(start.lowerBound...end.value)
  }
}

/// The classes of `\p{…}` by Java's names.
enum ScalarCategories {
  static func named(_ name: String) -> ScalarSet? {
    switch name {
    case "Alpha": ScalarSet(items: [.range(0x41...0x5A), .range(0x61...0x7A)])
    case "Digit": .digit
    case "Alnum": ScalarSet(items: [.range(0x30...0x39), .range(0x41...0x5A), .range(0x61...0x7A)])
    case "Upper": ScalarSet(items: [.range(0x41...0x5A)])
    case "Lower": ScalarSet(items: [.range(0x61...0x7A)])
    case "Punct":
      ScalarSet(items: [.range(0x21...0x2F), .range(0x3A...0x40), .range(0x5B...0x60), .range(0x7B...0x7E)])
    case "Space": .space
    case "IsAlphabetic": ScalarSet(items: [.category { $0.properties.isAlphabetic }])
    case "L", "IsL":
      general([.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter])
    case "Lu", "IsLu", "IsUppercase": general([.uppercaseLetter])
    case "Ll", "IsLl", "IsLowercase": general([.lowercaseLetter])
    case "N", "IsN": general([.decimalNumber, .letterNumber, .otherNumber])
    case "Nd", "IsNd", "IsDigit": general([.decimalNumber])
    case "P", "IsP", "IsPunctuation":
      general([
        .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
        .finalPunctuation, .otherPunctuation,
      ])
    case "S", "IsS": general([.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol])
    case "Z", "IsZ": general([.spaceSeparator, .lineSeparator, .paragraphSeparator])
    default: nil
    }
  }

  private static func general(_ categories: Set<Unicode.GeneralCategory>) -> ScalarSet {
    ScalarSet(items: [.category { categories.contains($0.properties.generalCategory) }])
  }
}
