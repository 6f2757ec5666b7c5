import Foundation
import JSON
import Support
import Wire

extension String {
  /// Returns at most the first `length` characters.
  func clipped(to length: Int) -> String { count <= length ? self : prefix(length - 1) + "…" }
}

/// Text in columns under titles, each as wide as its widest cell.
struct TextTable {
  private let titles: [String]
  private var widths: [Int]

  /// Maximum width of a column; longer cells are truncated.
  private static let maximumCell = 200

  init(_ titles: [String]) {
    self.titles = titles
    widths = titles.map(\.count)
  }

  /// Returns the titles and rows, one line each. Later rows use the same widths.
  mutating func lines(_ rows: [[String]]) -> [String] {
    for row in rows {
      for (column, cell) in row.enumerated() { widths[column] = max(widths[column], Self.shown(cell).count) }
    }
    return [line(titles)] + rows.map(line)
  }

  /// Returns the line of a row.
  func line(_ row: [String]) -> String {
    var text = ""
    for (column, cell) in row.enumerated() {
      let cell = Self.shown(cell)
      text += cell
      if column < row.count - 1 { text += String(repeating: " ", count: max(0, widths[column] - cell.count) + 3) }
    }
    return text
  }

  private static func shown(_ cell: String) -> String {
    cell.isEmpty ? "-" : cell.clipped(to: maximumCell).harmless()
  }
}

/// Formats and parses times.
enum OperatorTime {
  /// Returns the time since `milliseconds`, in its two largest units: `45s`, `12m30s`, `5h3m`, `3d4h`.
  static func age(_ milliseconds: Int64?, now: Int64) -> String {
    guard let milliseconds else { return "" }
    let (difference, overflow) = now.subtractingReportingOverflow(milliseconds)
    let seconds = overflow ? 0 : max(0, difference / 1000)
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m" + part(seconds % 60, "s")
    case ..<86400: return "\(seconds / 3600)h" + part(seconds % 3600 / 60, "m")
    default: return "\(seconds / 86400)d" + part(seconds % 86400 / 3600, "h")
    }
  }

  private static func part(_ number: Int64, _ unit: String) -> String { number == 0 ? "" : "\(number)\(unit)" }

  /// Returns a time in ISO 8601, UTC, with milliseconds.
  static func text(_ milliseconds: Int64?) -> String {
    guard let milliseconds, (0...253_402_300_799_999).contains(milliseconds) else { return "" }
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 32)
    strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    let date = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return date + "." + String(1000 + milliseconds % 1000).dropFirst() + "Z"
  }

  /// Parses a duration such as `90s`, `10m`, `2h` or `7d`. Returns milliseconds.
  static func milliseconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
    guard let last = text.last, let unit = units[last], let number = Int64(text.dropLast()), number >= 0 else {
      return nil
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : product
  }
}

extension JSONValue {
  /// The value of an integer; nil for other values.
  var number: Int64? {
    if case .integer(let number) = self { number } else { nil }
  }

  /// Returns a nested member, by keys joined with dots.
  func at(_ path: String) -> JSONValue? {
    path.split(separator: ".").reduce(self as JSONValue?) { $0?[String($1)] }
  }

  /// Returns the value as text for a cell or the end of a line: strings without quotes, times and amounts with their units,
  /// other values as JSON.
  func cell(key: String) -> String {
    switch self {
    case .null: ""
    case .string(let text): text
    default: ObjectUnit(key: key).text(self) ?? encoded
    }
  }
}
