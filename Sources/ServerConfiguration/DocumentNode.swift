import Foundation
import Support
import Yams

/// A value in a YAML or JSON document that an operator wrote. All values are checked when they are read, and errors contain the
/// file and the position. An unknown key is an error that suggests the nearest valid one.
struct DocumentNode {
  /// Largest file that is read, in bytes.
  private static let maximumBytes = 1 << 20
  /// The maximum number of elements of a list.
  private static let maximumElements = 10_000

  private let value: Any
  /// The file and the position in it, for errors.
  let place: String

  /// Reads the whole of a file.
  /// - Throws: `ConfigurationError` when it cannot be read or is neither YAML nor JSON.
  init(file path: String) throws {
    let bytes: [UInt8]
    do { bytes = try SmallFile.read(path, maximumBytes: Self.maximumBytes) } catch {
      throw ConfigurationError("\(error)")
    }
    try self.init(text: String(decoding: bytes, as: UTF8.self), name: path)
  }

  /// Parses a text; errors contain `name` instead of a file.
  init(text: String, name: String) throws {
    do { value = try Yams.load(yaml: text) ?? [String: Any]() } catch {
      throw ConfigurationError("'\(name)' is not YAML or JSON: \(error)")
    }
    place = name
  }

  private init(_ value: Any, _ place: String) {
    self.value = value
    self.place = place
  }

  /// Returns the values of an object by key.
  /// - Parameter keys: the allowed keys.
  func members(_ keys: [String]) throws -> [String: DocumentNode] {
    let members = try members()
    for key in members.keys.sorted() where !keys.contains(key) {
      let nearest = NearestName.of(key, among: keys).map { " Did you mean '\($0)'?" }
      throw ConfigurationError(
        "\(place): unknown key '\(key)'.\(nearest ?? " Keys are \(keys.joined(separator: ", ")).")")
    }
    return members
  }

  /// Returns the values of an object whose keys are names.
  func members() throws -> [String: DocumentNode] {
    guard let object = value as? [AnyHashable: Any] else { throw wrong("a mapping of keys to values") }
    var members: [String: DocumentNode] = [:]
    for (key, value) in object { members["\(key)"] = DocumentNode(value, "\(place): \(key)") }
    return members
  }

  /// Returns the elements of a list.
  func elements() throws -> [DocumentNode] {
    guard let array = value as? [Any] else { throw wrong("a list") }
    guard array.count <= Self.maximumElements else { throw wrong("a list of at most \(Self.maximumElements) elements") }
    return array.enumerated().map { DocumentNode($1, "\(place)[\($0)]") }
  }

  /// Returns a nonempty text of at most `bytes` bytes.
  func text(atMost bytes: Int = 256) throws -> String {
    let text = value as? String ?? (value as? Int).map { "\($0)" }
    guard let text, !text.isEmpty, text.utf8.count <= bytes else { throw wrong("a string of 1 to \(bytes) bytes") }
    return text
  }

  /// Returns a name. Its characters are restricted so that it can be part of keys, labels and log lines.
  func name() throws -> String {
    let text = try text(atMost: 128)
    let marks = Set("-_.@:/ ".unicodeScalars)
    guard
      text.unicodeScalars.allSatisfy({ $0.properties.isAlphabetic || ("0"..."9").contains($0) || marks.contains($0) })
    else { throw wrong("a name of letters, digits and -_.@:/") }
    return text
  }

  /// Returns one of a fixed set of words.
  func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) throws -> Choice
  where Choice.RawValue == String {
    guard let choice = (value as? String).flatMap({ Choice(rawValue: $0) }) else {
      throw wrong("one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// Returns a Boolean.
  func flag() throws -> Bool {
    guard let flag = value as? Bool else { throw wrong("true or false") }
    return flag
  }

  /// Returns an integer in a range.
  func integer(_ range: ClosedRange<Int>) throws -> Int {
    guard let number = value as? Int, range.contains(number) else {
      throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Returns a number of processor cores, for example `4` or `0.5`, in thousandths.
  func cores() throws -> Int64 {
    guard let cores = value as? Double ?? (value as? Int).map({ Double($0) }), (0...1e6).contains(cores) else {
      throw wrong("a number of processor cores, such as 4 or 0.5")
    }
    return Int64((cores * 1000).rounded())
  }

  /// Returns a number of bytes, for example `1073741824`, `1GiB` or `500MB`.
  func bytes() throws -> Int64 {
    if let bytes = value as? Int, bytes >= 0 { return Int64(bytes) }
    let units: [(String, Double)] = [
      ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40), ("PiB", 0x1p50), ("KB", 1e3), ("MB", 1e6),
      ("GB", 1e9), ("TB", 1e12), ("PB", 1e15),
    ]
    for (unit, factor) in units {
      guard let text = value as? String, text.hasSuffix(unit) else { continue }
      let number = text.dropLast(unit.count).filter { $0 != " " }
      if let amount = Double(String(number)), (0...0x1p62).contains(amount * factor) { return Int64(amount * factor) }
    }
    throw wrong("a number of bytes, such as 1073741824, 512MiB or 64GiB")
  }

  private func wrong(_ wanted: String) -> ConfigurationError {
    let found = String("\(value)".prefix(64))
    return ConfigurationError("\(place) is '\(found)', but must be \(wanted)")
  }
}
