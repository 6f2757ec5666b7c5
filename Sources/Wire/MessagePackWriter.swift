/// Writes MessagePack (msgpack.org, specification of 2017), every value in its shortest form.
///
/// Reports on mutable graphs are answered in this format. Maps and arrays begin with their number of elements; the caller then
/// writes that many elements, or twice as many for a map.
public struct MessagePackWriter: Sendable {
  /// The bytes written so far.
  public private(set) var bytes: [UInt8] = []

  /// Creates an empty writer.
  public init() {}

  /// Writes nil.
  public mutating func null() { bytes.append(0xc0) }

  /// Writes a Boolean value.
  public mutating func bool(_ value: Bool) { bytes.append(value ? 0xc3 : 0xc2) }

  /// Writes an integer.
  public mutating func int(_ value: Int64) {
    switch value {
    case 0...: uint(UInt64(value))
    case -32..<0: bytes.append(UInt8(bitPattern: Int8(value)))
    case Int64(Int8.min) ..< -32: put(0xd0, Int8(value))
    case Int64(Int16.min)..<Int64(Int8.min): put(0xd1, Int16(value))
    case Int64(Int32.min)..<Int64(Int16.min): put(0xd2, Int32(value))
    default: put(0xd3, value)
    }
  }

  /// Writes an unsigned integer.
  public mutating func uint(_ value: UInt64) {
    switch value {
    case ..<0x80: bytes.append(UInt8(value))
    case ...UInt64(UInt8.max): put(0xcc, UInt8(value))
    case ...UInt64(UInt16.max): put(0xcd, UInt16(value))
    case ...UInt64(UInt32.max): put(0xce, UInt32(value))
    default: put(0xcf, value)
    }
  }

  /// Writes a float, always in double precision.
  public mutating func double(_ value: Double) { put(0xcb, value.bitPattern) }

  /// Writes a text.
  public mutating func string(_ value: String) {
    var value = value
    value.withUTF8 { string($0) }
  }

  /// Writes a text given as UTF-8.
  public mutating func string(_ utf8: UnsafeBufferPointer<UInt8>) {
    if utf8.count > 31, utf8.count <= Int(UInt8.max) {
      put(0xd9, UInt8(utf8.count))
    } else {
      count(utf8.count, short: 0xa0, below: 32, medium: 0xda, long: 0xdb)
    }
    bytes.append(contentsOf: utf8)
  }

  /// Begins an array of `count` elements.
  public mutating func array(_ count: Int) { self.count(count, short: 0x90, below: 16, medium: 0xdc, long: 0xdd) }

  /// Begins a map of `count` key-value pairs.
  public mutating func map(_ count: Int) { self.count(count, short: 0x80, below: 16, medium: 0xde, long: 0xdf) }

  private mutating func count(_ count: Int, short: UInt8, below limit: Int, medium: UInt8, long: UInt8) {
    switch count {
    case ..<limit: bytes.append(short | UInt8(count))
    case ...Int(UInt16.max): put(medium, UInt16(count))
    default: put(long, UInt32(count))
    }
  }

  private mutating func put<T: FixedWidthInteger>(_ tag: UInt8, _ value: T) {
    bytes.append(tag)
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
}
