import AnalyticsKernels
import Engines
import GraphStore

/// A parameter of an algorithm: its name, its type, its default and its valid values. Clients send positions, so the name appears
/// only in messages.
public struct Parameter<Value: Sendable>: AlgorithmParameter {
  /// The name used in messages.
  public let name: String
  /// The default value; nil if the client must send a value.
  private let fallback: QueryValue?
  private let read: @Sendable (QueryValue, SimpleGraph) throws(ParameterProblem) -> Value

  init(
    _ name: String, _ fallback: QueryValue?,
    _ read: @escaping @Sendable (QueryValue, SimpleGraph) throws(ParameterProblem) -> Value
  ) {
    (self.name, self.fallback, self.read) = (name, fallback, read)
  }

  /// Returns the value sent by the client, or the default, after validating it for a graph.
  func value(_ given: QueryValue?, on graph: SimpleGraph) throws(ParameterProblem) -> Value {
    guard let given = given ?? fallback else { throw ParameterProblem(wanted: "given", found: "it is missing") }
    return try read(given, graph)
  }

  /// Returns the vertex id that was given if the graph has no such vertex; otherwise nil.
  public func absentVertex(_ given: QueryValue?, on graph: SimpleGraph) throws(ParameterProblem) -> VertexID? {
    guard let id = try value(given, on: graph) as? VertexID else { return nil }
    return graph.vertex(id) == nil ? id : nil
  }
}

/// A parameter with values of any type.
public protocol AlgorithmParameter: Sendable {
  /// The name used in messages.
  var name: String { get }

  /// Returns the vertex id that was given if the graph has no such vertex; nil if it has, and for values other than ids.
  /// - Throws: the reason why the value is invalid.
  func absentVertex(_ given: QueryValue?, on graph: SimpleGraph) throws(ParameterProblem) -> VertexID?
}

/// The reason why a value is invalid.
public struct ParameterProblem: Error {
  /// The expected value.
  public var wanted: String
  /// The actual value.
  public var found: String
  /// How to correct it; may be empty.
  public var hint = ""
}

extension Parameter<Double> {
  /// Creates a numeric parameter with a range.
  public static func number(_ name: String, default value: Double, in range: NumberRange? = nil) -> Self {
    Self(name, .double(value)) { given, _ throws(ParameterProblem) in
      switch given {
      case .double(let number): try range.checked(number)
      case .integer(let number): try range.checked(Double(number))
      default: throw ParameterProblem(wanted: "a number", found: given.text)
      }
    }
  }
}

extension Parameter<Int> {
  /// Creates an integer parameter with a range; also accepts numbers without a fraction. Required if there is no default.
  public static func integer(_ name: String, default value: Int? = nil, in range: NumberRange? = nil) -> Self {
    Self(name, value.map { .integer(Int64($0)) }) { given, _ throws(ParameterProblem) in
      let whole: Int64? =
        switch given {
        case .integer(let number): number
        case .double(let number): Int64(exactly: number)
        default: nil
        }
      guard let whole else { throw ParameterProblem(wanted: "an integer", found: given.text) }
      _ = try range.checked(Double(whole))
      return Int(whole)
    }
  }
}

extension Parameter<Bool> {
  /// Creates a Boolean parameter.
  public static func flag(_ name: String, default value: Bool) -> Self {
    Self(name, .bool(value)) { given, _ throws(ParameterProblem) in
      guard case .bool(let flag) = given else { throw ParameterProblem(wanted: "True or False", found: given.text) }
      return flag
    }
  }
}

extension Parameter<String> {
  /// Creates a text parameter.
  public static func text(_ name: String, default value: String) -> Self {
    Self(name, .string(value)) { given, _ throws(ParameterProblem) in
      guard case .string(let text) = given else { throw ParameterProblem(wanted: "a string", found: given.text) }
      return text
    }
  }

  /// Creates a parameter whose value is one of the given words.
  public static func choice(_ name: String, default value: String, of words: [String]) -> Self {
    Self(name, .string(value)) { given, _ throws(ParameterProblem) in
      guard case .string(let word) = given, words.contains(word) else {
        throw ParameterProblem(wanted: words.map { "'\($0)'" }.joined(separator: " or "), found: given.text)
      }
      return word
    }
  }
}

/// A range of numbers, with an optional upper end.
public struct NumberRange: Sendable {
  let least: Double
  let greatest: Double?

  /// Returns the range of numbers of at least `least`.
  public static func from(_ least: Double) -> Self { Self(least: least, greatest: nil) }

  /// Returns the range from `least` to `greatest`, both inclusive.
  public static func from(_ least: Double, to greatest: Double) -> Self { Self(least: least, greatest: greatest) }

  fileprivate func contains(_ number: Double) -> Bool { number >= least && number <= greatest ?? .infinity }

  fileprivate var text: String {
    greatest.map { "from \(least.formatted) to \($0.formatted)" } ?? "\(least.formatted) or more"
  }
}

extension NumberRange? {
  fileprivate func checked(_ number: Double) throws(ParameterProblem) -> Double {
    guard let range = self, !range.contains(number) else { return number }
    throw ParameterProblem(wanted: range.text, found: number.formatted)
  }
}

extension QueryValue {
  /// The value as written in Python.
  var text: String {
    switch self {
    case .bool(let value): value ? "True" : "False"
    case .integer(let value): "\(value)"
    case .double(let value): value.formatted
    case .string(let value): "'\(value.prefix(200))'"
    case .bytes(let value): "\(value.count) bytes"
    }
  }
}

extension Double {
  /// The number as users write it; integers have no fraction.
  fileprivate var formatted: String { Int64(exactly: self).map { "\($0)" } ?? "\(self)" }
}
