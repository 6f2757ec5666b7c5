import QueryAlgebra
import QueryValues

/// Patterns.
extension Parser {
  /// Reads parts of a pattern, separated by commas.
  mutating func parsePattern() throws(QueryError) -> [PatternPartSyntax] {
    var parts: [PatternPartSyntax] = []
    repeat { parts.append(try parsePart()) } while take(.comma)
    return parts
  }

  private mutating func parsePart() throws(QueryError) -> PatternPartSyntax {
    let start = position
    var variable: Name?
    if case .name = token.kind, peek().kind == .symbol(.equal) {
      variable = try name("a variable")
      advance()
    }
    if let mode = ["ANY", "ALL", "SHORTEST", "REPEATABLE", "DIFFERENT"].first(where: { isAt($0) }), peek().keyword != ""
    {
      throw unsupported(
        "The path selector \(mode)", at: position, "Use shortestPath((a)-[*]-(b)) or allShortestPaths(…).")
    }
    var part: PatternPartSyntax
    if let shortest = shortestHere {
      part = try parseShortest(shortest)
    } else {
      part = try parseChain()
    }
    part.name = variable
    part.position = start
    return part
  }

  /// Which shortest paths are asked for, if `shortestPath(` or `allShortestPaths(` stands here.
  var shortestHere: PatternPartSyntax.Shortest? {
    guard peek().kind == .symbol(.leftParenthesis) else { return nil }
    return isAt("SHORTESTPATH") ? .one : isAt("ALLSHORTESTPATHS") ? .all : nil
  }

  mutating func parseShortest(_ shortest: PatternPartSyntax.Shortest) throws(QueryError) -> PatternPartSyntax {
    let start = position
    advance()
    try expect(.leftParenthesis)
    var part = try parseChain()
    try expect(.rightParenthesis)
    guard part.relationships.count == 1 else {
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax",
        "A shortest path needs a pattern of two nodes and one relationship, such as (a)-[*]-(b).", offset: start.offset)
    }
    part.shortest = shortest
    return part
  }

  /// Reads a chain of nodes and relationships.
  mutating func parseChain() throws(QueryError) -> PatternPartSyntax {
    let start = position
    if isAt(.leftParenthesis), peek().kind == .symbol(.leftParenthesis) {
      throw unsupported("A parenthesised or quantified path pattern", at: start, "Use -[:TYPE*1..3]-> instead.")
    }
    var part = PatternPartSyntax(nodes: [try parseNode()], relationships: [], position: start)
    while isAt(.minus) || isAt(.less) {
      part.relationships.append(try parseRelationship())
      try rejectQuantifier()
      part.nodes.append(try parseNode())
    }
    try rejectQuantifier()
    return part
  }

  /// Rejects `{1,3}`, `+` and `*` behind a relationship or a node by their name.
  private func rejectQuantifier() throws(QueryError) {
    guard isAt(.leftBrace) || isAt(.plus) || isAt(.star) else { return }
    throw unsupported("A quantified path pattern", at: position, "Use -[:TYPE*1..3]-> instead.")
  }

  private mutating func parseNode() throws(QueryError) -> NodePatternSyntax {
    var node = NodePatternSyntax(position: position)
    try countPatternElement()
    try expect(.leftParenthesis)
    if case .name = token.kind, !beginsCondition { node.name = try name("a variable") }
    if isAt(.colon) || isAt("IS") {
      advance()
      node.labels = try parseLabels()
    }
    node.properties = try parseProperties()
    node.predicate = try parseWhere()
    try expect(.rightParenthesis)
    return node
  }

  /// Whether WHERE or IS stands here as a keyword: something of its clause follows.
  private var beginsCondition: Bool {
    switch peek().kind {
    case .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.colon), .symbol(.leftBrace), .symbol(.star): false
    default: isAt("WHERE") || isAt("IS")
    }
  }

  private mutating func parseProperties() throws(QueryError) -> ExpressionSyntax? {
    if isAt(.leftBrace) { return try parseMap() }
    guard case .parameter = token.kind else { return nil }
    if isCreating { return try parseExpression() }
    throw QueryError(
      .syntax, detail: "InvalidParameterUse",
      "A parameter cannot stand for the properties of a pattern. Write {key: $parameter.key}.", offset: token.offset)
  }

  private mutating func parseRelationship() throws(QueryError) -> RelationshipPatternSyntax {
    var relationship = RelationshipPatternSyntax(direction: .both, position: position)
    try countPatternElement()
    let toLeft = take(.less)
    try expect(.minus)
    if take(.leftBracket) {
      try parseDetails(of: &relationship)
      try expect(.rightBracket)
    }
    try expect(.minus)
    let toRight = take(.greater)
    relationship.direction = toLeft == toRight ? .both : toLeft ? .in : .out
    return relationship
  }

  private mutating func parseDetails(of relationship: inout RelationshipPatternSyntax) throws(QueryError) {
    if case .name = token.kind, !beginsCondition { relationship.name = try name("a variable") }
    if isAt(.colon) || isAt("IS") {
      advance()
      relationship.types = try parseLabels()
    }
    if take(.star) { relationship.length = try parseLength() }
    if isAt(.dots) || isAt(.minus) { throw invalidRelationship("the bounds of its length are malformed") }
    relationship.properties = try parseProperties()
    relationship.predicate = try parseWhere()
  }

  private mutating func parseLength() throws(QueryError) -> LengthSyntax {
    let minimum = try parseBound()
    guard take(.dots) else { return LengthSyntax(minimum: minimum ?? 1, maximum: minimum) }
    return LengthSyntax(minimum: minimum ?? 1, maximum: try parseBound())
  }

  private mutating func parseBound() throws(QueryError) -> Int? {
    guard case .integer(let magnitude) = token.kind else { return nil }
    guard let magnitude, let bound = Int(exactly: magnitude) else { throw invalidRelationship("a bound is too large") }
    advance()
    return bound
  }

  private func invalidRelationship(_ why: String) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidRelationshipPattern",
      "The relationship cannot be read: \(why). Write its length as *, *2, *1..3, *2.. or *..3.", offset: token.offset)
  }

  // MARK: Labels

  /// Reads a label expression behind the colon: `A|B`, `A:B`, `A&!B`, `%`.
  /// - Parameter bars: Whether a bar belongs to the expression; in `[x IN xs WHERE x:A | x.name]` it does not.
  mutating func parseLabels(bars: Bool = true) throws(QueryError) -> LabelExpression {
    try nested { (parser) throws(QueryError) in
      var labels = try parser.parseLabelConjunction()
      var count = 0
      while bars, parser.take(.bar) {
        _ = parser.take(.colon)
        try parser.countLabel(&count)
        labels = .or(labels, try parser.parseLabelConjunction())
      }
      return labels
    }
  }

  private mutating func parseLabelConjunction() throws(QueryError) -> LabelExpression {
    var labels = try parseLabel()
    var count = 0
    while isAt(.ampersand) || isAt(.colon) {
      advance()
      try countLabel(&count)
      labels = .and(labels, try parseLabel())
    }
    return labels
  }

  private func countLabel(_ count: inout Int) throws(QueryError) {
    count += 1
    guard count < Parser.maximumDepth else {
      throw QueryError(
        .argument, "A label expression has more than \(Parser.maximumDepth) labels.", offset: token.offset)
    }
  }

  private mutating func parseLabel() throws(QueryError) -> LabelExpression {
    var negations = 0
    while take(.bang) { negations += 1 }
    let label: LabelExpression
    if take(.percent) {
      label = .any
    } else if take(.leftParenthesis) {
      label = try parseLabels()
      try expect(.rightParenthesis)
    } else {
      label = .label(try name("a label").text)
    }
    return negations.isMultiple(of: 2) ? label : .not(label)
  }
}
