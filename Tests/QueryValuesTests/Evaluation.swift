import QueryValues
import Testing

/// The statement's time of the tests: 2024-02-29T23:30:15.123456789Z.
let statementTime: (seconds: Int64, nanoseconds: Int32) = (1_709_249_415, 123_456_789)

/// Calls a function by its name, in the graph of one vertex.
func call(_ name: String, _ arguments: Value...) throws(QueryError) -> Value {
  let context = FunctionContext(
    graph: OneVertexGraph(), seconds: statementTime.seconds, nanoseconds: statementTime.nanoseconds,
    random: RandomSource(seed: 1))
  guard let function = Functions.named(name.lowercased()) else { throw QueryError(.internal, "no function \(name)") }
  return try function.body(arguments, context)
}

/// The text of a function's result as Cypher writes it, or the detail of its error.
func outcome(_ body: () throws(QueryError) -> Value) -> String {
  do throws(QueryError) { return try body().cypherText(graph: OneVertexGraph()) } catch { return error.detail }
}

/// A map with text keys.
func map(_ entries: KeyValuePairs<String, Value>) -> Value {
  .map(ValueMap(entries.map { ($0.key, $0.value) }))
}

extension Value: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral
{
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A floating-point number.
  public init(floatLiteral value: Double) { self = .float(value) }
  /// A text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  /// A list.
  public init(arrayLiteral elements: Value...) { self = .list(elements) }
}
