import NIOCore

/// Writes values in PackStream, the encoding of Bolt, in their shortest form.
extension ByteBuffer {
  mutating func packNull() { writeInteger(0xc0 as UInt8) }

  mutating func pack(_ value: Bool) { writeInteger(value ? 0xc3 : 0xc2 as UInt8) }

  mutating func pack(_ value: Double) { writeMultipleIntegers(0xc1 as UInt8, value.bitPattern) }

  mutating func pack(_ value: Int64) {
    switch value {
    case -16...127: writeInteger(Int8(value))
    case -128..<(-16): writeMultipleIntegers(0xc8 as UInt8, Int8(value))
    case -32_768...32_767: writeMultipleIntegers(0xc9 as UInt8, Int16(value))
    case -2_147_483_648...2_147_483_647: writeMultipleIntegers(0xca as UInt8, Int32(value))
    default: writeMultipleIntegers(0xcb as UInt8, value)
    }
  }

  mutating func pack(_ text: String) {
    packHeader(text.utf8.count, tiny: 0x80, wide: 0xd0)
    writeString(text)
  }

  mutating func packList(_ count: Int) { packHeader(count, tiny: 0x90, wide: 0xd4) }

  mutating func packMap(_ count: Int) { packHeader(count, tiny: 0xa0, wide: 0xd8) }

  /// Begins a structure of at most 15 fields.
  mutating func packStructure(_ tag: UInt8, _ count: Int) {
    writeMultipleIntegers(0xb0 | UInt8(count), tag)
  }

  private mutating func packHeader(_ count: Int, tiny: UInt8, wide: UInt8) {
    switch count {
    case 0..<16: writeInteger(tiny | UInt8(count))
    case 16..<256: writeMultipleIntegers(wide, UInt8(count))
    case 256..<65_536: writeMultipleIntegers(wide + 1, UInt16(count))
    default: writeMultipleIntegers(wide + 2, UInt32(count))
    }
  }
}
