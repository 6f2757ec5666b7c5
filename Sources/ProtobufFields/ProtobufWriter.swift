/// Writes the fields of a protobuf message in order (protobuf.dev, "Encoding"). As in proto3, a field with its default value is
/// omitted unless it is an element of a repeated field.
public struct ProtobufWriter: Sendable {
  /// The bytes written so far.
  public private(set) var bytes: [UInt8] = []

  /// Creates an empty message.
  public init() {}

  /// Writes an integer, enumeration or Boolean, unless it is 0. A negative value takes ten bytes, as in `int32`.
  public mutating func integer(_ number: Int, _ value: Int64) {
    guard value != 0 else { return }
    varint(UInt64(number) << 3)
    varint(UInt64(bitPattern: value))
  }

  /// Writes a string, unless it is empty.
  public mutating func text(_ number: Int, _ value: String) {
    if !value.isEmpty { element(number, value.utf8) }
  }

  /// Writes bytes, unless they are empty.
  public mutating func bytes(_ number: Int, _ value: some Collection<UInt8>) {
    if !value.isEmpty { element(number, value) }
  }

  /// Writes an element of a repeated field of strings, bytes or encoded messages, or a message field that is present.
  public mutating func element(_ number: Int, _ value: some Collection<UInt8>) {
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// Writes a message field.
  public mutating func message(_ number: Int, _ write: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    write(&inner)
    element(number, inner.bytes)
  }

  /// Writes a packed repeated field of integers, unless it is empty. A negative value takes ten bytes, as in `int32`.
  public mutating func packed(_ number: Int, _ values: some Collection<Int64>) {
    guard !values.isEmpty else { return }
    let size = values.reduce(0) { $0 + (70 - (UInt64(bitPattern: $1) | 1).leadingZeroBitCount) / 7 }
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(size))
    var place = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: size))
    bytes.withUnsafeMutableBufferPointer { bytes in
      for value in values {
        var rest = UInt64(bitPattern: value)
        while rest >= 0x80 {
          bytes[place] = UInt8(truncatingIfNeeded: rest) | 0x80
          rest >>= 7
          place += 1
        }
        bytes[place] = UInt8(rest)
        place += 1
      }
    }
  }

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }
}
