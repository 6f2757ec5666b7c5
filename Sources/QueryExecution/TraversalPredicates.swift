import QueryAlgebra
import QueryValues

extension Predicate {
  /// Whether the predicate holds for a value; nil if it compares values that cannot be compared.
  func test(_ value: Value) throws(QueryError) -> Bool? {
    switch self {
    case .equal(let other): return GremlinComparison.equals(value, other)
    case .notEqual(let other): return !GremlinComparison.equals(value, other)
    case .less(let other): return GremlinComparison.compare(value, other).map { $0 == .less }
    case .lessOrEqual(let other): return GremlinComparison.compare(value, other).map { $0 == .less || $0 == .equal }
    case .greater(let other): return GremlinComparison.compare(value, other).map { $0 == .greater }
    case .greaterOrEqual(let other):
      return GremlinComparison.compare(value, other).map { $0 == .greater || $0 == .equal }
    case .within(let values): return values.contains { GremlinComparison.equals(value, $0) }
    case .without(let values): return !values.contains { GremlinComparison.equals(value, $0) }
    case .startsWith(let text, let negated): return try Self.text(value) { $0.hasPrefix(text) != negated }
    case .endsWith(let text, let negated): return try Self.text(value) { $0.hasSuffix(text) != negated }
    case .contains(let text, let negated): return try Self.text(value) { $0.contains(text) != negated }
    case .matches(let pattern, let negated):
      guard case .string(let text) = value else { return try Self.text(value) { _ in false } }
      return try Pattern.cached(pattern).isFound(in: text) != negated
    case .hasType(let type): return Self.has(value, type)
    case .and(let predicates):
      var result: Bool? = true
      for predicate in predicates {
        let part = try predicate.test(value)
        if part == false { return false }
        if part == nil { result = nil }
      }
      return result
    case .or(let predicates):
      var result: Bool? = false
      for predicate in predicates {
        let part = try predicate.test(value)
        if part == true { return true }
        if part == nil { result = nil }
      }
      return result
    case .not(let predicate): return try predicate.test(value).map { !$0 }
    }
  }

  /// The predicate with other values.
  func replacing(_ replacement: (Value) throws(QueryError) -> [Value]?) throws(QueryError) -> Predicate? {
    func one(_ value: Value) throws(QueryError) -> Value? { try replacement(value)?.first }
    switch self {
    case .equal(let value): return try one(value).map { .equal($0) }
    case .notEqual(let value): return try one(value).map { .notEqual($0) }
    case .less(let value): return try one(value).map { .less($0) }
    case .lessOrEqual(let value): return try one(value).map { .lessOrEqual($0) }
    case .greater(let value): return try one(value).map { .greater($0) }
    case .greaterOrEqual(let value): return try one(value).map { .greaterOrEqual($0) }
    case .within(let values): return try Self.spread(values, replacement).map { .within($0) }
    case .without(let values): return try Self.spread(values, replacement).map { .without($0) }
    case .and(let predicates): return try Self.all(predicates, replacement).map { .and($0) }
    case .or(let predicates): return try Self.all(predicates, replacement).map { .or($0) }
    case .not(let predicate): return try predicate.replacing(replacement).map { .not($0) }
    case .startsWith(let text, let negated):
      return try one(.string(text)).flatMap { Self.string($0) }.map { .startsWith($0, negated: negated) }
    case .endsWith(let text, let negated):
      return try one(.string(text)).flatMap { Self.string($0) }.map { .endsWith($0, negated: negated) }
    case .contains(let text, let negated):
      return try one(.string(text)).flatMap { Self.string($0) }.map { .contains($0, negated: negated) }
    case .matches, .hasType: return self
    }
  }

  private static func string(_ value: Value) -> String? { if case .string(let text) = value { text } else { nil } }

  private static func all(
    _ predicates: [Predicate], _ replacement: (Value) throws(QueryError) -> [Value]?
  ) throws(QueryError) -> [Predicate]? {
    var result: [Predicate] = []
    for predicate in predicates {
      guard let replaced = try predicate.replacing(replacement) else { return nil }
      result.append(replaced)
    }
    return result
  }

  /// Replaces labels by their objects; a label of a collection stands for the elements.
  private static func spread(
    _ values: [Value], _ replacement: (Value) throws(QueryError) -> [Value]?
  ) throws(QueryError) -> [Value]? {
    var result: [Value] = []
    for value in values {
      guard let replaced = try replacement(value) else { return nil }
      for value in replaced {
        switch value {
        case .list(let elements), .set(let elements): result += elements
        default: result.append(value)
        }
      }
    }
    return result
  }

  private static func text(_ value: Value, _ test: (String) -> Bool) throws(QueryError) -> Bool? {
    switch value {
    case .string(let text): return test(text)
    case .null: return false
    default: return nil
    }
  }

  private static func has(_ value: Value, _ type: String) -> Bool {
    switch value {
    case .null: type == "NULL"
    case .boolean: type == "BOOLEAN"
    case .integer: type == "LONG" || type == "NUMBER"
    case .integer32: type == "INT" || type == "NUMBER"
    case .float: type == "DOUBLE" || type == "NUMBER"
    case .float32: type == "FLOAT" || type == "NUMBER"
    case .string: type == "STRING"
    case .list: type == "LIST"
    case .set: type == "SET"
    case .map: type == "MAP"
    case .vertex: type == "VERTEX"
    case .edge: type == "EDGE"
    case .path: type == "PATH"
    case .temporal(.duration): type == "DURATION"
    case .temporal: type == "DATETIME"
    case .property(let property): if case .vertex = property.owner { type == "VPROPERTY" } else { type == "PROPERTY" }
    case .token: false
    }
  }
}
