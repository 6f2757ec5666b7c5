import Hummingbird
import Support

/// The parameters of a request's query. Parsing is strict: unknown, repeated and malformed parameters are rejected, because
/// ignoring one would answer a different question.
public struct RequestQuery {
  private var values: [String: String] = [:]

  /// Parses the query of a request.
  /// - Throws: `RequestError` with the code `invalidArgument`.
  public init(_ request: Request, _ allowed: [String], limits: HTTPLimits) throws(RequestError) {
    guard let query = request.uri.query, !query.isEmpty else { return }
    let pairs = query.split(separator: "&")
    guard pairs.count <= limits.parameters else {
      throw RequestError(.invalidArgument, "the query has more than \(limits.parameters) parameters")
    }
    for pair in pairs {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = String(percentDecoding: halves[0]),
        let value = String(percentDecoding: halves.count > 1 ? halves[1] : "")
      else { throw RequestError(.invalidArgument, "'\(pair)' in the query is not percent-encoded UTF-8") }
      guard allowed.contains(name) else { throw Self.unknown(name, allowed) }
      guard values.updateValue(value, forKey: name) == nil else {
        throw RequestError(.invalidArgument, "the parameter '\(name)' occurs twice")
      }
    }
  }

  private static func unknown(_ name: String, _ allowed: [String]) -> RequestError {
    let nearest = NearestName.of(name, among: allowed).map { "did you mean '\($0)'?" }
    let hint = allowed.isEmpty ? "this path has no parameters" : "its parameters are " + allowed.joined(separator: ", ")
    return RequestError(.invalidArgument, "there is no parameter '\(name)'", hint: nearest ?? hint)
  }

  /// Returns the value of a parameter; nil when it is missing or empty.
  public func text(_ name: String) -> String? {
    guard let value = values[name], !value.isEmpty else { return nil }
    return value
  }

  /// Returns the value of a parameter as an integer; nil when it is missing or empty.
  /// - Throws: `RequestError` with the code `invalidArgument`.
  public func integer(_ name: String, in range: ClosedRange<Int64>) throws(RequestError) -> Int64? {
    guard let text = text(name) else { return nil }
    guard let value = Int64(text), range.contains(value) else {
      throw RequestError(
        .invalidArgument,
        "\(name) is '\(text)', but must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Returns the value of a parameter as a Boolean; false when it is missing.
  /// - Throws: `RequestError` with the code `invalidArgument`.
  public func flag(_ name: String) throws(RequestError) -> Bool {
    switch text(name) {
    case nil, "false", "0": return false
    case "true", "1": return true
    case let other?: throw RequestError(.invalidArgument, "\(name) is '\(other)', but must be true or false")
    }
  }
}

extension String {
  /// Decodes percent-encoded text (RFC 3986, 2.1); returns nil when it is malformed or not UTF-8.
  public init?(percentDecoding text: some StringProtocol) {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let high = rest.popFirst()?.hexadecimalDigit, let low = rest.popFirst()?.hexadecimalDigit
      else { return nil }
      bytes.append(high << 4 | low)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    self = text
  }
}

extension UInt8 {
  fileprivate var hexadecimalDigit: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
