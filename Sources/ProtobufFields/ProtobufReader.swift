/// Reads the fields of a protobuf message in order, without a description of the message (protobuf.dev, "Encoding"). Intended for
/// the few small messages that gRPC itself defines.
///
/// Makes no allocations and reads only the given bytes: a truncated message, or a length that exceeds it, is an error.
public struct ProtobufReader: Sendable {
  /// The value of a field, by its wire type.
  public enum Value: Sendable, Equatable {
    /// Integers, enumerations and Booleans.
    case varint(UInt64)
    /// Eight bytes in little-endian order.
    case fixed64(UInt64)
    /// Strings, bytes, messages and packed repeated fields.
    case bytes(ArraySlice<UInt8>)
    /// Four bytes in little-endian order.
    case fixed32(UInt32)
  }

  private var rest: ArraySlice<UInt8>

  /// Creates a reader of a message.
  public init(_ message: ArraySlice<UInt8>) { rest = message }

  /// Creates a reader of a message.
  public init(_ message: [UInt8]) { rest = message[...] }

  /// Returns the number and the value of the next field; nil after the last one.
  ///
  /// - Throws: `ProtobufError` if the bytes are not a valid message, or contain a group, which proto3 does not have.
  public mutating func next() throws(ProtobufError) -> (number: Int, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let key = try varint()
    guard key >> 3 >= 1, key >> 3 < 1 << 29 else { throw ProtobufError(reason: "field number \(key >> 3) is illegal") }
    let value: Value =
      switch key & 7 {
      case 0: .varint(try varint())
      case 1: .fixed64(try fixed(8))
      case 2: .bytes(try take(try varint()))
      case 5: .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
      default: throw ProtobufError(reason: "wire type \(key & 7) is not one of proto3")
      }
    return (Int(key >> 3), value)
  }

  private mutating func varint() throws(ProtobufError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw ProtobufError(reason: "it is cut short") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufError(reason: "a varint has more than ten bytes")
  }

  private mutating func fixed(_ count: Int) throws(ProtobufError) -> UInt64 {
    try take(UInt64(count)).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func take(_ count: UInt64) throws(ProtobufError) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else {
      throw ProtobufError(reason: "a field of \(count) bytes leads beyond its end")
    }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }
}

extension ProtobufReader.Value {
  /// The integer of a varint field; nil for other wire types.
  public var integer: Int64? { if case .varint(let value) = self { Int64(bitPattern: value) } else { nil } }

  /// The bytes of a length-delimited field; nil for other wire types.
  public var bytes: ArraySlice<UInt8>? { if case .bytes(let value) = self { value } else { nil } }

  /// The text of a string field; nil for other wire types and for invalid UTF-8.
  public var text: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }
}

/// The reason why bytes are not a valid protobuf message.
public struct ProtobufError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The problem, phrased as the end of a sentence.
  public let reason: String

  /// Creates an error.
  public init(reason: String) { self.reason = reason }

  /// A sentence without a full stop.
  public var description: String { "The bytes are not a protobuf message: \(reason)" }
}
