import HTTP2

/// The key-value pairs that travel with a call, in order, with repetitions.
///
/// Names are lower case. A name that ends in `-bin` has values of any bytes; every other has values of printable ASCII.
/// (gRPC over HTTP/2, "Custom-Metadata".)
public struct Metadata: Sendable, Equatable {
  /// A value.
  public enum Value: Sendable, Hashable {
    /// Printable ASCII.
    case text(String)
    /// Any bytes; under names that end in `-bin`.
    case binary([UInt8])
  }

  /// A name with one value.
  public struct Entry: Sendable, Hashable {
    /// Lower case.
    public var name: String
    /// The value.
    public var value: Value
  }

  /// All entries in order.
  public private(set) var entries: [Entry] = []

  /// No entries.
  public init() {}

  /// Whether there is no entry.
  public var isEmpty: Bool { entries.isEmpty }

  /// The first text value under a name, in any case of letters.
  public subscript(name: String) -> String? { texts(name).first }

  /// All text values under a name.
  public func texts(_ name: String) -> [String] {
    let name = name.lowercased()
    return entries.compactMap { entry in
      if case .text(let text) = entry.value, entry.name == name { text } else { nil }
    }
  }

  /// All binary values under a name that ends in `-bin`.
  public func binaries(_ name: String) -> [[UInt8]] {
    let name = name.lowercased()
    return entries.compactMap { entry in
      if case .binary(let bytes) = entry.value, entry.name == name { bytes } else { nil }
    }
  }

  /// Appends a text value.
  ///
  /// - Throws: INTERNAL for a name that is reserved, illegal or ends in `-bin`, and for a value that is not printable
  ///   ASCII.
  public mutating func add(_ name: String, _ value: String) throws(GRPCStatus) {
    let name = try Self.checked(name)
    guard !name.hasSuffix("-bin"), value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw GRPCStatus(.internal, "Metadata '\(name)' must be printable ASCII; use a name that ends in -bin for bytes")
    }
    entries.append(Entry(name: name, value: .text(value)))
  }

  /// Appends a value of any bytes.
  ///
  /// - Throws: INTERNAL for a name that is reserved, illegal or does not end in `-bin`.
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

// MARK: - On the wire

extension Metadata {
  /// Takes a header of the peer. False: a `-bin` value that is not base64.
  mutating func receive(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) -> Bool {
    let name = String(decoding: name, as: UTF8.self)
    guard name.hasSuffix("-bin") else {
      entries.append(Entry(name: name, value: .text(String(decoding: value, as: UTF8.self))))
      return true
    }
    // Intermediaries may join values of one name with commas.
    for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let trimmed = part.drop { $0 == UInt8(ascii: " ") }
      guard let bytes = Base64.decode(trimmed) else { return false }
      entries.append(Entry(name: name, value: .binary(bytes)))
    }
    return true
  }

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
