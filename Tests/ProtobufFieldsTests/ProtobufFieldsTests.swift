import ProtobufFields
import Testing

/// Returns the fields of a message, or the reason why they cannot be read.
private func fields(_ bytes: [UInt8]) -> Result<[Int: ProtobufReader.Value], ProtobufError> {
  Result { () throws(ProtobufError) in
    var reader = ProtobufReader(bytes)
    var fields: [Int: ProtobufReader.Value] = [:]
    while let field = try reader.next() { fields[field.number] = field.value }
    return fields
  }
}

@Suite("Protobuf, field by field")
struct ProtobufFieldsTests {
  @Test("Written fields can be read; default values are omitted")
  func roundTrip() throws {
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    writer.integer(2, -1)
    writer.integer(3, 0)
    writer.text(4, "grün")
    writer.text(5, "")
    writer.bytes(6, [0, 255])
    writer.message(7) { $0.integer(1, Int64.max) }
    writer.element(536_870_911, "".utf8)
    let read = try fields(writer.bytes).get()
    #expect(Set(read.keys) == [1, 2, 4, 6, 7, 536_870_911])
    #expect(read[1]?.integer == 150 && read[2]?.integer == -1 && read[4]?.text == "grün")
    #expect(read[6]?.bytes == [0, 255] && read[536_870_911]?.text == "")
    #expect(try fields(Array(read[7]?.bytes ?? [])).get()[1]?.integer == .max)
    #expect(read[1]?.bytes == nil && read[4]?.integer == nil && read[6]?.text == nil)
  }

  /// The example of protobuf's documentation, in which field 1 is 150, and one field of each fixed size.
  @Test func wireFormat() throws {
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    #expect(writer.bytes == [0x08, 0x96, 0x01])
    #expect(
      try fields([0x0d, 1, 0, 0, 0x80, 0x11, 1, 0, 0, 0, 0, 0, 0, 2]).get() == [
        1: .fixed32(0x8000_0001), 2: .fixed64(0x0200_0000_0000_0001),
      ])
  }

  @Test(
    "Malformed messages are rejected, and so is every truncation of a valid one",
    arguments: [
      [0x08], [0x08, 0x80], [0x00, 0x01], [0x0b], [0x0c], [0x0f, 0], [0x0a, 2, 1], [0x0d, 1, 2, 3],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0],
      [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0xf8, 0xff, 0xff, 0xff, 0xff, 0x7f, 0],
    ] as [[UInt8]])
  func broken(bytes: [UInt8]) {
    #expect(throws: ProtobufError.self) { try fields(bytes).get() }
  }
}
