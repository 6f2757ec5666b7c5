/// Removes keys and passwords from texts that are kept or shown: log lines, errors, events, documents of the state store.
///
/// A value is recognized as a secret by what precedes it: the name of a key, password or token followed by `=` or, as in JSON and
/// Python, a quoted or compound name followed by `:`, or the name as an option of a command line (`--secret VALUE`). The part of an address between `://` and `@`, the word after `Bearer`, and
/// the secret half of a token of the coordinator's own are secrets, too. A secret without such a sign cannot be told from other
/// text.
public enum Redaction {
  /// The text that replaces a secret.
  public static let mark = "***"

  /// Returns the text without secrets; the same text when there are none.
  public static func redacted(_ text: String) -> String {
    var text = text
    let result = text.withUTF8 { bytes -> [UInt8]? in
      var scanner = RedactionScanner(bytes)
      return scanner.run()
    }
    return result.map { String(decoding: $0, as: UTF8.self) } ?? text
  }

  /// Returns whether an address contains a secret, that is, whether `redacted` would change it.
  public static func holdsSecret(_ address: String) -> Bool { redacted(address) != address }

  /// Names that mark a secret in any context, in lower case, without `_`, `-` and `.`.
  static let names: Set<String> = [
    "secret", "secretkey", "secretaccesskey", "accesskey", "accesskeyid", "accesskeysecret", "accesssecret",
    "accountkey",
    "apikey", "privatekey", "clientsecret", "password", "passwd", "pwd", "passphrase",
    "sastoken",
    "sessiontoken", "securitytoken", "accesstoken", "authtoken", "refreshtoken", "xamzsignature", "xamzcredential",
    "xamzsecuritytoken", "connectionstring",
  ]

  /// Returns whether a name marks a secret in any context.
  fileprivate static func isSure(_ name: String) -> Bool {
    names.contains { name == $0 || name.hasSuffix($0) && name.count < 32 }
  }

  /// Names that mark a secret only when quoted or as an option of an address.
  static let optionNames: Set<String> = ["key", "token", "auth", "sig", "signature", "credential", "credentials"]
}

/// Reads a text once, and starts to copy it when something must be removed.
private struct RedactionScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var output: [UInt8] = []
  /// The number of bytes already copied to `output`, once it is in use.
  private var copied = 0
  private var hasSecret = false

  private static let longestName = 40

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func run() -> [UInt8]? {
    var next = 0
    while next < bytes.count {
      switch bytes[next] {
      case UInt8(ascii: ":") where follows(next, "//"): next = address(from: next + 3)
      case UInt8(ascii: ":"), UInt8(ascii: "="): next = value(behind: next)
      case UInt8(ascii: "-") where follows(next, "-"): next = option(from: next + 2)
      case UInt8(ascii: "%") where follows(next, "3D") || follows(next, "3d"): next = value(behind: next, width: 3)
      case UInt8(ascii: "g") where follows(next, "sc_"): next = token(from: next + 4)
      case UInt8(ascii: "B") where follows(next, "earer "), UInt8(ascii: "b") where follows(next, "earer "):
        next = bearer(from: next + 7)
      default: next += 1
      }
    }
    guard hasSecret else { return nil }
    output.append(contentsOf: bytes[copied...])
    return output
  }

  private func follows(_ index: Int, _ text: StaticString) -> Bool {
    index + text.utf8CodeUnitCount < bytes.count
      && (0..<text.utf8CodeUnitCount).allSatisfy { bytes[index + 1 + $0] == text.utf8Start[$0] }
  }

  private mutating func leaveOut(_ range: Range<Int>) {
    guard !range.isEmpty, !isHarmless(range) else { return }
    output.append(contentsOf: bytes[copied..<range.lowerBound])
    output.append(contentsOf: Redaction.mark.utf8)
    copied = range.upperBound
    hasSecret = true
  }

  /// Whether the range holds only redaction marks or the dots of an ellipsis.
  private func isHarmless(_ range: Range<Int>) -> Bool {
    bytes[range].allSatisfy { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ".") }
  }

  /// Reads the user information of an address. Keys may contain slashes: the text before the last `@` is a secret when it
  /// contains a colon, or no slash.
  private mutating func address(from start: Int) -> Int {
    var end = start
    while end < bytes.count, !isEndOfAddress(bytes[end]) { end += 1 }
    guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")) else { return start }
    let user = bytes[start..<at]
    let isUser = user.contains(UInt8(ascii: ":")) || !user.contains(UInt8(ascii: "/"))
    guard isUser else { return start }
    leaveOut(start..<at)
    return at
  }

  private func isEndOfAddress(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "<")
      || byte == UInt8(ascii: ">")
  }

  /// The minimum length of a token; shorter words after `Bearer` are ordinary text.
  private static let shortestBearer = 16

  private mutating func bearer(from start: Int) -> Int {
    var end = start
    while end < bytes.count, !isEnd(bytes[end], nil) { end += 1 }
    if end - start >= Self.shortestBearer { leaveOut(start..<end) }
    return end - start >= Self.shortestBearer ? end : start
  }

  /// Reads the secret of a token, `gsc_<id>_<secret>`. The id is kept: it lets operators identify the token.
  private mutating func token(from start: Int) -> Int {
    let id = endOfLettersAndDigits(start)
    guard id > start, id < bytes.count, bytes[id] == UInt8(ascii: "_") else { return start }
    let last = endOfLettersAndDigits(id + 1)
    leaveOut(id + 1..<last)
    return last
  }

  private func endOfLettersAndDigits(_ start: Int) -> Int {
    bytes[start...].firstIndex { !isNamePart($0) || "_-.".utf8.contains($0) } ?? bytes.count
  }

  /// Reads the value after the `=` or `:` at `sign`, if the name before it marks a secret.
  /// - Parameter width: Bytes of the sign.
  private mutating func value(behind sign: Int, width: Int = 1) -> Int {
    var end = sign
    while end > 0, isBlank(bytes[end - 1]) { end -= 1 }
    var isQuoted = false
    while end > 0, isQuote(bytes[end - 1]) || bytes[end - 1] == UInt8(ascii: "\\") {
      isQuoted = true
      end -= 1
    }
    var start = end
    while start > 0, end - start < Self.longestName, isNamePart(bytes[start - 1]) { start -= 1 }
    let name = String(decoding: bytes[start..<end], as: UTF8.self).lowercased().filter { $0.isLetter || $0.isNumber }
    let isOption = start > 0 && (bytes[start - 1] == UInt8(ascii: "?") || bytes[start - 1] == UInt8(ascii: "&"))
    let isEqual = bytes[sign] != UInt8(ascii: ":")
    let (first, quote) = startOfValue(sign + width)
    let isSure = Redaction.isSure(name) && !isDirectory(start..<end, first)
    // `key=value` alone is common; in quotes it is an option of a call.
    let isLikely = Redaction.optionNames.contains(name) && (isOption || isQuoted || isEqual && quote != nil)
    // `password: none` may be part of a sentence; a name of several words is not.
    let isCompound = bytes[start..<end].contains { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    guard isSure && (isEqual || isQuoted || quote != nil || isCompound) || isLikely else { return sign + width }
    return max(leaveOutValue(from: first, quote), sign + width)
  }

  /// Reads the word after an option of a command line, if the option's name marks a secret.
  private mutating func option(from start: Int) -> Int {
    let end = bytes[start...].firstIndex { !isNamePart($0) } ?? bytes.count
    guard end < bytes.count, isBlank(bytes[end]) else { return start }
    let name = String(decoding: bytes[start..<end], as: UTF8.self).lowercased().filter { $0.isLetter || $0.isNumber }
    let (first, quote) = startOfValue(end)
    guard Redaction.isSure(name) || name == "token", first < bytes.count, bytes[first] != UInt8(ascii: "-") else {
      return end
    }
    return leaveOutValue(from: first, quote)
  }

  /// Returns the start of a value behind blanks and backslashes, and its quotation mark, if it has one.
  private func startOfValue(_ start: Int) -> (first: Int, quote: UInt8?) {
    var first = start
    while first < bytes.count, isBlank(bytes[first]) { first += 1 }
    while first < bytes.count, bytes[first] == UInt8(ascii: "\\") { first += 1 }
    return (first, first < bytes.count && isQuote(bytes[first]) ? bytes[first] : nil)
  }

  /// Returns the end of the value, which is left out.
  private mutating func leaveOutValue(from start: Int, _ quote: UInt8?) -> Int {
    let first = quote == nil ? start : start + 1
    var last = first
    while last < bytes.count, !isEnd(bytes[last], quote) { last += 1 }
    leaveOut(first..<last)
    return last
  }

  /// Whether the name and the value are the working directory in the environment of a shell, `PWD=/path`.
  private func isDirectory(_ name: Range<Int>, _ first: Int) -> Bool {
    first < bytes.count && bytes[first] == UInt8(ascii: "/")
      && ["PWD", "OLDPWD"].contains(String(decoding: bytes[name], as: UTF8.self))
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

  private func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private func isEnd(_ byte: UInt8, _ quote: UInt8?) -> Bool {
    if let quote { return byte == quote || byte == UInt8(ascii: "\\") || byte == 0x0A }
    return byte <= 0x20 || "&,;)]}\"'\\<>#".utf8.contains(byte)
  }
}
