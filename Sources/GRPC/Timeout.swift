/// The `grpc-timeout` header: up to eight digits and a unit (gRPC over HTTP/2, "Timeout").
enum Timeout {
  /// Parses a value. Returns nil if it is not a valid timeout.
  static func parse(_ text: some BidirectionalCollection<UInt8>) -> Duration? {
    guard let unit = text.last, (2...9).contains(text.count) else { return nil }
    var amount: Int64 = 0
    for digit in text.dropLast() {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      amount = amount * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    return switch unit {
    case UInt8(ascii: "H"): .seconds(amount * 3600)
    case UInt8(ascii: "M"): .seconds(amount * 60)
    case UInt8(ascii: "S"): .seconds(amount)
    case UInt8(ascii: "m"): .milliseconds(amount)
    case UInt8(ascii: "u"): .microseconds(amount)
    case UInt8(ascii: "n"): .nanoseconds(amount)
    default: nil
    }
  }

  /// Formats a duration in the finest unit that needs at most eight digits, rounded up.
  static func format(_ duration: Duration) -> String {
    let (seconds, attoseconds) = max(duration, .zero).components
    let nanoseconds = attoseconds / 1_000_000_000
    let limit: Int64 = 99_999_999
    if seconds == 0 && nanoseconds <= limit { return "\(nanoseconds)n" }
    if seconds < 99 { return "\(seconds * 1_000_000 + (nanoseconds + 999) / 1_000)u" }
    if seconds < 99_999 { return "\(seconds * 1_000 + (nanoseconds + 999_999) / 1_000_000)m" }
    if seconds < limit { return "\(seconds + 1)S" }
    return "\(min(seconds / 3600 + 1, limit))H"
  }
}
