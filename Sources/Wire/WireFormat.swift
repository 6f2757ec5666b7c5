import CGraphScopeProto
import Glibc

/// Checks the bytes of a message against its descriptor before protobuf-c parses them.
///
/// protobuf-c recurses as deep as the bytes require, merges repeated occurrences of a message by copying, and gives no reason for
/// a failure. This function therefore checks tags, lengths and varints (protobuf.dev, "Encoding") and limits the nesting. It also
/// rejects a second occurrence of a singular message, which no encoder writes, and NUL in a text, which a C string cannot hold.
func checkWireFormat(
  _ bytes: UnsafeRawBufferPointer, of descriptor: UnsafePointer<ProtobufCMessageDescriptor>
) throws(WireError) {
  guard bytes.count <= Int(Int32.max) else {
    throw WireError(.tooLarge, "A message is larger than 2 GiB.", evidence: "\(bytes.count) bytes")
  }
  var reader = WireReader(bytes)
  try check(bytes, &reader, to: bytes.count, descriptor, depth: 1)
}

private func check(
  _ bytes: UnsafeRawBufferPointer, _ reader: inout WireReader, to end: Int,
  _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
) throws(WireError) {
  guard depth <= WireLimits.nesting else {
    throw WireError(
      .tooDeep, "Messages are nested more than \(WireLimits.nesting) levels deep.",
      evidence: "\(name(of: descriptor)) at byte \(reader.offset)", hint: "Flatten the nested list")
  }
  let fields = UnsafeBufferPointer(start: descriptor.pointee.fields, count: Int(descriptor.pointee.n_fields))
  var seen: UInt64 = 0
  while reader.offset < end {
    let start = reader.offset
    let tag = try reader.tag(end: end)
    guard let index = fields.firstIndex(where: { $0.id == tag.field }) else {
      try reader.skip(tag.type, end: end)
      continue
    }
    let field = fields[index]
    func refuse(_ what: String) -> WireError {
      WireError(
        .malformed, "A field of a message \(what).",
        evidence: "\(name(of: descriptor)).\(String(cString: field.name)) at byte \(start)")
    }
    switch field.type {
    case PROTOBUF_C_TYPE_MESSAGE:
      guard tag.type == .bytes else { throw refuse("has the wrong wire type") }
      let inner = try reader.length(end: end)
      if field.label != PROTOBUF_C_LABEL_REPEATED {
        guard index < 64, seen & (1 << UInt64(index)) == 0 else { throw refuse("occurs twice") }
        seen |= 1 << UInt64(index)
      }
      let type = UnsafePointer<ProtobufCMessageDescriptor>(OpaquePointer(field.descriptor))
      guard let type else { throw refuse("has no descriptor") }
      try check(bytes, &reader, to: reader.offset + inner, type, depth: depth + 1)
    case PROTOBUF_C_TYPE_STRING:
      guard tag.type == .bytes else { throw refuse("has the wrong wire type") }
      let count = try reader.length(end: end)
      guard !reader.take(count).contains(0) else {
        throw WireError(
          .invalidText, "A string contains a NUL character.",
          evidence: "\(name(of: descriptor)).\(String(cString: field.name)) at byte \(start)")
      }
    case PROTOBUF_C_TYPE_BYTES:
      guard tag.type == .bytes else { throw refuse("has the wrong wire type") }
      try reader.skip(.bytes, end: end)
    default:
      let plain = WireType(of: field.type)
      if tag.type == .bytes, field.label == PROTOBUF_C_LABEL_REPEATED {
        let inner = try reader.length(end: end)
        let packedEnd = reader.offset + inner
        while reader.offset < packedEnd {
          // protobuf-c reads a Boolean from a single byte.
          let value = bytes[reader.offset]
          guard field.type != PROTOBUF_C_TYPE_BOOL || value <= 1 else { throw refuse("is not a Boolean") }
          try reader.skip(plain, end: packedEnd)
        }
      } else {
        guard tag.type == plain else { throw refuse("has the wrong wire type") }
        try reader.skip(plain, end: end)
      }
    }
  }
}

/// The layout of a value on the wire.
enum WireType: UInt8 {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case fixed32 = 5

  /// Returns the layout of a single value of a scalar type.
  init(of type: ProtobufCType) {
    switch type {
    case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE: self = .fixed64
    case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT: self = .fixed32
    default: self = .varint
    }
  }
}

/// Reads the elements of the wire format in order. Every read is checked against the end of its message.
struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  /// The number of bytes read so far.
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// Reads a base-128 number of at most ten bytes.
  mutating func varint(end: Int) throws(WireError) -> UInt64 {
    var value: UInt64 = 0
    let start = offset
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard offset < end else { throw cutOff(start) }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw WireError(.malformed, "A number is longer than ten bytes.", evidence: "at byte \(start)")
  }

  /// Reads the number and the layout of the next field.
  mutating func tag(end: Int) throws(WireError) -> (field: UInt32, type: WireType) {
    let start = offset
    let value = try varint(end: end)
    guard let type = WireType(rawValue: UInt8(value & 7)), value >> 3 >= 1, value >> 3 < 1 << 29, offset - start <= 5
    else {
      throw WireError(.malformed, "A field has an invalid tag.", evidence: "\(value) at byte \(start)")
    }
    return (UInt32(value >> 3), type)
  }

  /// Reads the length of the bytes that follow, which must end before `end`.
  mutating func length(end: Int) throws(WireError) -> Int {
    let start = offset
    let value = try varint(end: end)
    guard value <= UInt64(end - offset), offset - start <= 5 else {
      throw WireError(
        .malformed, "A length exceeds the rest of its message.",
        evidence: "\(value) at byte \(start), \(end - offset) bytes are left")
    }
    return Int(value)
  }

  /// Reads the next `count` bytes, a length returned by ``length(end:)``.
  mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// Skips a value.
  mutating func skip(_ type: WireType, end: Int) throws(WireError) {
    switch type {
    case .varint: _ = try varint(end: end)
    case .bytes: offset += try length(end: end)
    case .fixed32, .fixed64:
      let size = type == .fixed32 ? 4 : 8
      guard end - offset >= size else { throw cutOff(offset) }
      offset += size
    }
  }

  private func cutOff(_ start: Int) -> WireError {
    WireError(.malformed, "A message is truncated in the middle of a value.", evidence: "at byte \(start)")
  }
}
