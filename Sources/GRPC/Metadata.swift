import HTTP2

/// The key-value pairs sent with a call, in order; names may repeat.
///
/// Names are lower case. Values of names that end in `-bin` are arbitrary bytes; all others are printable ASCII. (gRPC over
/// HTTP/2, "Custom-Metadata".)
public struct Metadata: Sendable, Equatable {
  /// A value.
  public enum Value: Sendable, Hashable {
    /// Printable ASCII.
    case text(String)
    /// Arbitrary bytes, for names that end in `-bin`.
    case binary([UInt8])
  }

  /// A name with a value.
  public struct Entry: Sendable, Hashable {
    /// The name, in lower case.
    public var name: String
    /// The value.
    public var value: Value
  }

  /// All entries, in order.
  public private(set) var entries: [Entry] = []
  /// The approximate memory of received entries, in bytes.
  private(set) var memoryBytes = 0

  /// Creates empty metadata.
  public init() {}

  /// Whether there are no entries.
  public var isEmpty: Bool { entries.isEmpty }

  /// The first text value of a name; names are not case-sensitive.
  public subscript(name: String) -> String? { texts(name).first }

  /// Returns all text values of a name.
  public func texts(_ name: String) -> [String] {
    let name = name.lowercased()
    return entries.compactMap { entry in
      if case .text(let text) = entry.value, entry.name == name { text } else { nil }
    }
  }

  /// Returns all binary values of a name that ends in `-bin`.
  public func binaries(_ name: String) -> [[UInt8]] {
    let name = name.lowercased()
    return entries.compactMap { entry in
      if case .binary(let bytes) = entry.value, entry.name == name { bytes } else { nil }
    }
  }

  /// Appends a text value.
  ///
  /// - Throws: INTERNAL if the name is reserved, illegal or ends in `-bin`, or if the value is not printable ASCII.
  public mutating func add(_ name: String, _ value: String) throws(GRPCStatus) {
    let name = try Self.checked(name)
    guard !name.hasSuffix("-bin"), value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw GRPCStatus(.internal, "Metadata '\(name)' must be printable ASCII; use a name that ends in -bin for bytes")
    }
    entries.append(Entry(name: name, value: .text(value)))
  }

  /// Appends a binary value.
  ///
  /// - Throws: INTERNAL if the name is reserved, illegal or does not end in `-bin`.
  public mutating func add(_ name: String, bytes: [UInt8]) throws(GRPCStatus) {
    let name = try Self.checked(name)
    guard name.hasSuffix("-bin") else {
      throw GRPCStatus(.internal, "Metadata '\(name)' holds bytes, so its name must end in -bin")
    }
    entries.append(Entry(name: name, value: .binary(bytes)))
  }

  private static func checked(_ name: String) throws(GRPCStatus) -> String {
    let name = name.lowercased()
    let isToken = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
      default: false
      }
    }
    let reserved = ["te", "content-type", "user-agent", "connection", "host", "transfer-encoding"]
    guard isToken, !name.isEmpty, !name.hasPrefix("grpc-"), !reserved.contains(name) else {
      throw GRPCStatus(.internal, "Metadata name '\(name)' is illegal or reserved")
    }
    return name
  }
}

extension Metadata {
  /// Returns whether the entries are equal.
  public static func == (left: Metadata, right: Metadata) -> Bool { left.entries == right.entries }
}

/// The maximum metadata of one call.
struct MetadataBounds: Sendable {
  /// The number of values, after values of `-bin` names are split at commas.
  var maxEntries: Int
  /// Bytes of memory: names, values and the overhead of each entry.
  var maxBytes: Int
}

// MARK: - On the wire

extension Metadata {
  /// The outcome of receiving a header.
  enum Receipt { case taken, notBase64, tooMuch }

  /// Adds a header sent by the peer, unless the entries would exceed `bounds`. The size is computed before the value is split: a
  /// few bytes that refer to the header compression table may denote thousands of entries.
  mutating func receive(
    name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, within bounds: MetadataBounds
  ) -> Receipt {
    let name = String(decoding: name, as: UTF8.self)
    let isBinary = name.hasSuffix("-bin")
    let count = isBinary ? 1 + value.count { $0 == UInt8(ascii: ",") } : 1
    let bytes = memoryBytes + name.utf8.count + value.count + count * Self.entryBytes
    guard entries.count + count <= bounds.maxEntries, bytes <= bounds.maxBytes else { return .tooMuch }
    memoryBytes = bytes
    guard isBinary else {
      entries.append(Entry(name: name, value: .text(String(decoding: value, as: UTF8.self))))
      return .taken
    }
    // Intermediaries may join the values of one name with commas.
    for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let trimmed = part.drop { $0 == UInt8(ascii: " ") }
      guard let bytes = Base64.decode(trimmed) else { return .notBase64 }
      entries.append(Entry(name: name, value: .binary(bytes)))
    }
    return .taken
  }

  /// The overhead of an entry: its size in an array that may be half empty, and the headers of two heap objects.
  private static let entryBytes = 144

  /// Appends all entries to a header list.
  func write(to headers: inout HTTP2Headers) {
    for entry in entries {
      switch entry.value {
      case .text(let text): headers.add(entry.name, text)
      case .binary(let bytes): headers.add(entry.name, bytes: Base64.encode(bytes))
      }
    }
  }
}
