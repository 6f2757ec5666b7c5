/// The shortest decimal digits that stand for a finite floating-point number: `0.d1d2d3… × 10^exponent`.
struct DecimalDigits {
  var isNegative: Bool
  var digits: [UInt8]
  var exponent: Int

  /// The digits of a finite number.
  init(_ value: Double) {
    self.init(description: value.magnitude.description, isNegative: value.sign == .minus)
  }

  /// The digits of a finite number of 32 bits.
  init(_ value: Float) {
    self.init(description: value.magnitude.description, isNegative: value.sign == .minus)
  }

  private init(description: String, isNegative: Bool) {
    self.isNegative = isNegative
    let parts = description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let power = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    digits = (Array(mantissa[0].utf8) + (mantissa.count > 1 ? Array(mantissa[1].utf8) : [])).map { $0 - 0x30 }
    exponent = mantissa[0].utf8.count + power
    let zeros = digits.prefix { $0 == 0 }.count
    digits.removeFirst(zeros)
    exponent -= zeros
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { (digits, exponent) = ([0], 1) }
  }

  /// The number as Java writes it: `1.0`, `-0.001`, `1.0E-4`, `1.2345678E7`.
  var text: String {
    let sign = isNegative ? "-" : ""
    if digits == [0] { return sign + "0.0" }
    let all = String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self)
    switch exponent {
    case -2...0: return sign + "0." + String(repeating: "0", count: -exponent) + all
    case 1...7:
      let padded = all + String(repeating: "0", count: max(0, exponent - digits.count))
      let fraction = padded.dropFirst(exponent)
      return sign + padded.prefix(exponent) + "." + (fraction.isEmpty ? "0" : fraction)
    default:
      let fraction = all.dropFirst()
      return sign + all.prefix(1) + "." + (fraction.isEmpty ? "0" : fraction) + "E\(exponent - 1)"
    }
  }

  /// The number that the digits stand for.
  var value: Double {
    let all = String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self)
    return Double((isNegative ? "-" : "") + "0." + all + "e\(exponent)") ?? .nan
  }
}

extension Text {
  /// A floating-point number as Cypher writes it.
  static func of(_ value: Double) -> String {
    value.isFinite ? DecimalDigits(value).text : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
  }

  /// A floating-point number of 32 bits as Java writes it.
  static func of(_ value: Float) -> String { value.isFinite ? DecimalDigits(value).text : of(Double(value)) }
}

extension Value {
  /// The text that `toString()` makes of a value; nil for values that it does not take, and for null.
  public var plainText: String? {
    switch self {
    case .boolean(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .integer32(let value): String(value)
    case .float(let value): Text.of(value)
    case .float32(let value): Text.of(value)
    case .string(let value): value
    case .temporal(let value): value.text
    case .token(let value): value.rawValue
    default: nil
    }
  }
}
