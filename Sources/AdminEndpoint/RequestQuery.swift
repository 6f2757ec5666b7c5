import GraphStore
import Hummingbird

/// The parameters of a request's query, taken strictly: what is unknown, given twice or not readable is refused, since
/// a parameter that is passed over silently would answer another question.
struct RequestQuery {
  private var values: [String: String] = [:]

  /// Takes the query of a request.
  /// - Throws: `AdminError` of code `invalidArgument`.
  init(_ request: Request, _ allowed: [String], limits: AdminLimits) throws(AdminError) {
    guard let query = request.uri.query, !query.isEmpty else { return }
    let pairs = query.split(separator: "&")
    guard pairs.count <= limits.parameters else {
      throw AdminError(.invalidArgument, "the query has more than \(limits.parameters) parameters")
    }
    for pair in pairs {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = String(percentDecoding: halves[0]),
        let value = String(percentDecoding: halves.count > 1 ? halves[1] : "")
      else { throw AdminError(.invalidArgument, "the query's '\(pair)' is not percent-encoded UTF-8") }
      guard allowed.contains(name) else { throw Self.unknown(name, allowed) }
      guard values.updateValue(value, forKey: name) == nil else {
        throw AdminError(.invalidArgument, "the parameter '\(name)' is given twice")
      }
    }
  }

  private static func unknown(_ name: String, _ allowed: [String]) -> AdminError {
    let nearest = NearestName.of(name, among: allowed).map { "did you mean '\($0)'?" }
    let hint = allowed.isEmpty ? "this path takes none" : "this path takes " + allowed.joined(separator: ", ")
    return AdminError(.invalidArgument, "there is no parameter '\(name)'", hint: nearest ?? hint)
  }

  /// The value of a parameter; nil when it is not given or empty.
  func text(_ name: String) -> String? {
    guard let value = values[name], !value.isEmpty else { return nil }
    return value
  }

  /// The value of a parameter as a whole number.
  func integer(_ name: String, in range: ClosedRange<Int64>) throws(AdminError) -> Int64? {
    guard let text = text(name) else { return nil }
    guard let value = Int64(text), range.contains(value) else {
      throw AdminError(
        .invalidArgument,
        "\(name) is '\(text)', but must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// The value of a parameter as yes or no; no when it is not given.
  func flag(_ name: String) throws(AdminError) -> Bool {
    switch text(name) {
    case nil, "false", "0": return false
    case "true", "1": return true
    case let other?: throw AdminError(.invalidArgument, "\(name) is '\(other)', but must be true or false")
    }
  }
}

extension String {
  /// The text that a percent-encoded one stands for (RFC 3986, 2.1); nil when it is not one or not UTF-8.
  init?(percentDecoding text: some StringProtocol) {
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
