/// A reference to an object by kind and name. As text, in JSON and in log records, it is `kind/name`, for example
/// `session/session_1`.
public struct ObjectReference: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// The object's kind.
  public var kind: ObjectKind
  /// The name, unique within the kind. It may contain slashes.
  public var name: String

  /// Creates a reference to an object, which need not exist.
  public init(_ kind: ObjectKind, _ name: String) {
    self.kind = kind
    self.name = name
  }

  /// Parses `kind/name`; nil if the kind is unknown or the name is empty.
  public init?(_ text: String) {
    guard let slash = text.firstIndex(of: "/"), let kind = ObjectKind(rawValue: String(text[..<slash])) else {
      return nil
    }
    let name = text[text.index(after: slash)...]
    guard !name.isEmpty else { return nil }
    self.init(kind, String(name))
  }

  /// Parses a key of the state store; nil if it is not the key of an object.
  public init?(key: String) {
    guard let kind = ObjectKind.allCases.first(where: { key.utf8.starts(with: $0.prefix.utf8) }) else { return nil }
    self.init(kind, String(decoding: key.utf8.dropFirst(kind.prefix.utf8.count), as: UTF8.self))
  }

  /// Returns a reference to a session.
  public static func session(_ id: String) -> ObjectReference { ObjectReference(.session, id) }

  /// Returns a reference to an instance, given its name within its session.
  public static func instance(_ name: String, of session: String) -> ObjectReference {
    ObjectReference(.instance, "\(session)/\(name)")
  }

  /// The session that the object is or belongs to; nil for kinds that belong to none.
  public var session: String? {
    kind.descriptor.belongsToSession ? String(name.prefix { $0 != "/" }) : nil
  }

  /// The key of the object in the state store.
  public var key: String { kind.key(name) }

  /// Compares names first, which tell most references apart.
  @inlinable
  public static func == (one: Self, other: Self) -> Bool { one.name == other.name && one.kind == other.kind }

  /// Hashes the name; objects of different kinds seldom share one.
  @inlinable
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// The order of the texts.
  public static func < (one: Self, other: Self) -> Bool {
    one.kind == other.kind ? one.name < other.name : one.kind.rawValue < other.kind.rawValue
  }

  /// The text `kind/name`.
  public var description: String { "\(kind.rawValue)/\(name)" }

  /// Decodes `kind/name`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let reference = ObjectReference(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "an object reference must have the form kind/name")
    }
    self = reference
  }

  /// Encodes `kind/name`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
