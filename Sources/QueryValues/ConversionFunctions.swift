/// Functions between numbers, texts and truth values.
enum ConversionFunctions {
  private typealias Convert = @Sendable (Value, String) throws(QueryError) -> Value

  static let all: [Function] =
    functions("toInteger", "INTEGER", "integer", Conversion.integer)
    + functions("toFloat", "FLOAT", "floating-point number", Conversion.float)
    + functions("toBoolean", "BOOLEAN", "truth value", Conversion.boolean)
    + functions("toString", "STRING", "text", Conversion.string)

  private static func functions(_ name: String, _ type: String, _ noun: String, _ convert: @escaping Convert)
    -> [Function]
  {
    [
      Function(
        name, 1...1, "(value :: ANY) :: \(type)", "The value as \(noun); null for a text that is none."
      ) { values, _ throws(QueryError) in try convert(values[0], name + "()") },
      Function(
        name + "OrNull", 1...1, "(value :: ANY) :: \(type)", "The value as \(noun); null for a value that is none."
      ) { values, _ throws(QueryError) in (try? convert(values[0], name + "OrNull()")) ?? .null },
    ]
  }
}

/// Conversions of one value. Null stays null, a text that is no value of the type becomes null.
enum Conversion {
  /// A whole number; fractions are cut off.
  @Sendable static func integer(_ value: Value, _ function: String) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .boolean(let truth): return .integer(truth ? 1 : 0)
    case .string(let text):
      guard let text = numeral(text) else { return .null }
      if let whole = Int64(text) { return .integer(whole) }
      guard let real = Double(text), real.magnitude < 0x1p63 else { return .null }
      return .integer(Int64(real))
    default: break
    }
    switch value.number {
    case .whole(let whole): return .integer(whole)
    case .real(let real):
      guard real.magnitude < 0x1p63 else { throw .overflow("\(function) of \(Text.of(real))") }
      return .integer(Int64(real))
    case nil: throw .notConvertible(value, by: function)
    }
  }

  /// A floating-point number.
  @Sendable static func float(_ value: Value, _ function: String) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text):
      switch text {
      case "NaN": return .float(.nan)
      case "Infinity", "+Infinity": return .float(.infinity)
      case "-Infinity": return .float(-.infinity)
      default: return numeral(text).flatMap(Double.init).map(Value.float) ?? .null
      }
    default:
      guard let number = value.number else { throw .notConvertible(value, by: function) }
      return .float(number.double)
    }
  }

  /// A truth value; whole numbers are true unless they are 0.
  @Sendable static func boolean(_ value: Value, _ function: String) throws(QueryError) -> Value {
    switch value {
    case .null, .boolean: return value
    case .string(let text):
      switch text.utf8.count < 20 ? Text.trim(text).lowercased() : "" {
      case "true": return .boolean(true)
      case "false": return .boolean(false)
      default: return .null
      }
    case .integer(let number): return .boolean(number != 0)
    case .integer32(let number): return .boolean(number != 0)
    default: throw .notConvertible(value, by: function)
    }
  }

  /// A text.
  @Sendable static func string(_ value: Value, _ function: String) throws(QueryError) -> Value {
    if value.isNull { return .null }
    guard let text = value.plainText else { throw .notConvertible(value, by: function) }
    return .string(text)
  }

  /// A text of digits, sign, point and exponent without the white space around it; nil for other texts, such as Swift's
  /// hexadecimal numbers and `inf`.
  private static func numeral(_ text: String) -> String? {
    guard text.utf8.count <= 400 else { return nil }
    let trimmed = Text.trim(text)
    let isNumeral = trimmed.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    return isNumeral && !trimmed.isEmpty ? trimmed : nil
  }
}
