import JSON
import Scheduling
import Wire

/// The unit of a member, given by the suffix of its key. In output the unit is shown with the value instead of in the name.
struct ObjectUnit {
  private enum Unit: String, CaseIterable {
    case milliseconds = "Milliseconds"
    case bytes = "Bytes"
    case millicores = "Millicores"
    case percent = "Percent"
  }

  private let key: String
  private let unit: Unit?

  init(key: String) {
    self.key = key
    unit = Unit.allCases.first { key.hasSuffix($0.rawValue) && key.count > $0.rawValue.count }
  }

  /// Returns the name to show for a value: without the suffix if the value is shown with its unit.
  func name(of value: JSONValue) -> String {
    guard let unit, text(value) != nil || value == .null else { return key }
    return String(key.dropLast(unit.rawValue.count))
  }

  /// Returns a value with its unit; nil if it is not a number or there is no unit.
  func text(_ value: JSONValue) -> String? {
    switch (unit, value) {
    case (.milliseconds?, .integer(let number)) where number > Self.leastTime: OperatorTime.text(number)
    case (.milliseconds?, .integer(let number)): OperatorTime.length(number)
    case (.bytes?, .integer(let number)): Resources.bytes(number)
    case (.millicores?, .integer(let number)): Resources.cores(number)
    case (.percent?, .integer(let number)): "\(number)%"
    case (.percent?, .double(let number)): "\(number == number.rounded() ? "\(Int64(number))" : "\(number)")%"
    default: nil
    }
  }

  /// Milliseconds above this (31 years) are a time since 1970; others are a duration.
  private static let leastTime: Int64 = 1_000_000_000_000
}

extension OperatorTime {
  /// Returns a duration in its two largest units: `250ms`, `1.5s`, `10m`, `2h30m`.
  static func length(_ milliseconds: Int64) -> String {
    guard milliseconds > -60_000, milliseconds < 60_000 else {
      return (milliseconds < 0 ? "-" : "") + age(0, now: Int64(clamping: milliseconds.magnitude))
    }
    if milliseconds.magnitude < 1000 { return "\(milliseconds)ms" }
    let tenths = milliseconds / 100
    return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(Double(tenths) / 10)s"
  }
}

extension Int64 {
  /// The number with its digits in groups of three: `1,000,000`.
  var grouped: String {
    let digits = Array(String(magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return (self < 0 ? "-" : "") + text
  }
}
