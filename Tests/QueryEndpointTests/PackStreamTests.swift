import NIOCore
import QueryValues
import Testing

@testable import QueryEndpoint

@Suite("PackStream")
struct PackStreamTests {
  private static let encoder = BoltValueEncoder(FixedGraph(), hasElementIDs: true, isUTC: true, maximumNesting: 128)

  private static func reader(_ bytes: ByteBuffer) -> PackStreamReader {
    PackStreamReader(bytes, maximumNesting: 128, maximumElements: 100_000)
  }

  private static let values: [Value] =
    FixedService.values.map(\.value)
    + [0, -16, -17, 127, 128, -128, -129, 32_767, 32_768, -32_769, 1 << 31, Int64.min, Int64.max].map { .integer($0) }
    + [0, 15, 16, 255, 256, 65_535, 65_536].map { .string(String(repeating: "a", count: $0)) }
    + [15, 16, 256, 65_536].map { .list(Array(repeating: .integer(1), count: $0)) }
    + [
      .map(ValueMap((0..<300).map { ("\($0)", .integer(Int64($0))) })), .float(.infinity), .float(.nan),
      (0..<100).reduce(.null) { value, _ in .list([value]) },
    ]

  @Test("What was written is read", arguments: values)
  func roundTrip(_ value: Value) throws {
    var bytes = ByteBuffer()
    try Self.encoder.message(.success([("value", value)]), into: &bytes)
    var reader = Self.reader(bytes)
    #expect(try reader.structureHeader() == (0x70, 1))
    let map = try reader.value()
    #expect(reader.isAtEnd)
    #expect(reader.problem == nil)
    #expect(GroupingKey(map) == GroupingKey(.map(ValueMap([("value", value)]))))
  }

  @Test("Zoned times are read as Bolt 4 and Bolt 5 write them", arguments: [true, false])
  func zoned(isUTC: Bool) throws {
    let encoder = BoltValueEncoder(FixedGraph(), hasElementIDs: false, isUTC: isUTC, maximumNesting: 8)
    let instant = ZonedDateTime(seconds: 1_700_000_000, nanoseconds: 7, offset: 3_600, zone: "Europe/Stockholm")
    let plain = ZonedDateTime(seconds: 1_700_000_000, nanoseconds: 7, offset: -19_800, zone: nil)
    var bytes = ByteBuffer()
    try encoder.record([.temporal(.dateTime(instant)), .temporal(.dateTime(plain))], into: &bytes)
    var reader = Self.reader(bytes)
    _ = try reader.structureHeader()
    guard case .list(let read) = try reader.value(), case .temporal(.dateTime(let first)) = read[0],
      case .temporal(.dateTime(let second)) = read[1]
    else {
      Issue.record("no instants")
      return
    }
    #expect(first.seconds == instant.seconds && first.offset == 3_600 && first.zone == instant.zone)
    #expect(second.seconds == plain.seconds && second.offset == -19_800 && second.nanoseconds == 7)
  }

  @Test(
    "Bytes that are no value are rejected",
    arguments: [
      ([], "the message ends inside a value"), ([0xc7], "no value begins with 0xc7"),
      ([0x82, 0x61], "the message ends"),
      ([0x81, 0xff], "UTF-8"), ([0xd6, 0xff, 0xff, 0xff, 0xff], "the message ends"), ([0xa1, 0x01, 0x01], "key"),
      (Array(repeating: 0x91, count: 200), "nested more than 128"), ([0xdb], "no value begins"),
      ([0xd6, 0, 2, 0, 0] + Array(repeating: 0xc0, count: 131_072), "too many elements"),
    ] as [([UInt8], String)])
  func rejects(_ bytes: [UInt8], _ reason: String) {
    var reader = Self.reader(ByteBuffer(bytes: bytes))
    #expect { _ = try reader.value() } throws: { ($0 as? PackStreamError)?.reason.contains(reason) == true }
  }

  @Test("What cannot be a parameter is refused by name, and read to its end")
  func refuses() throws {
    for (bytes, word) in [
      ([0xcc, 2, 1, 2], "Byte arrays"), ([0xb1, 0x4e, 0x01], "Nodes"), ([0xb1, 0x58, 0x01], "Points"),
      ([0xb3, 0x69, 0x01, 0x02, 0x83, 0x61, 0x62, 0x63], "zone"), ([0xb1, 0x44, 0xc0], "0x44"),
    ] as [([UInt8], String)] {
      var reader = Self.reader(ByteBuffer(bytes: bytes))
      #expect((try reader.value()).isNull)
      #expect(reader.isAtEnd)
      #expect(reader.problem?.message.contains(word) == true)
    }
  }

  @Test("A value that is nested too deep is not written, and leaves no trace")
  func deepResult() {
    let deep = (0..<200).reduce(Value.null) { value, _ in .list([value]) }
    var bytes = ByteBuffer()
    #expect(throws: QueryError.self) {
      try bytes.writeChunked { bytes throws(QueryError) in try Self.encoder.record([deep], into: &bytes) }
    }
    #expect(bytes.readableBytes == 0)
  }

  @Test("Messages of any size are chunked and joined", arguments: [1, 65_535, 65_536, 200_000])
  func chunks(size: Int) throws {
    var bytes = ByteBuffer(bytes: [0, 0, 0, 0])
    bytes.writeChunked { $0.writeRepeatingByte(7, count: size) }
    bytes.writeBytes([0, 0])
    var reader = BoltChunkReader(maximumBytes: 300_000)
    var joined: [ByteBuffer] = []
    while var part = bytes.readSlice(length: min(1000, bytes.readableBytes)), part.readableBytes > 0 {
      reader.append(&part)
      while let message = try reader.next() { joined.append(message) }
    }
    #expect(joined == [ByteBuffer(repeating: 7, count: size)])
    #expect(reader.heldBytes == 0)
  }

  @Test("A message that is too large is rejected before it has come")
  func largeMessage() {
    var reader = BoltChunkReader(maximumBytes: 100)
    var bytes = ByteBuffer(bytes: [0, 101])
    reader.append(&bytes)
    #expect(throws: PackStreamError.self) { try reader.next() }
  }

  @Test(
    "The best version that both speak is chosen",
    arguments: [
      ([[0, 3, 3, 5], [0, 2, 4, 4], [0, 0, 1, 4], [0, 0, 0, 3]], "5.3"),
      ([[0, 0, 1, 0xff], [0, 8, 8, 5], [0, 2, 4, 4], [0, 0, 0, 3]], "5.8"), ([[0, 4, 9, 5]], "5.8"),
      ([[0, 2, 4, 4]], "4.4"), ([[0, 0, 1, 4]], "4.1"), ([[0, 9, 4, 4]], "4.4"), ([[0, 0, 0, 4]], nil),
      ([[0, 0, 9, 5]], nil), ([[0, 0, 0, 3], [0, 0, 0, 6]], nil), ([[0, 0, 0, 6], [0, 0, 2, 4]], "4.2"),
    ] as [([[UInt8]], String?)])
  func negotiates(_ proposals: [[UInt8]], _ version: String?) {
    let padding = Array(repeating: UInt8(0), count: 16 - proposals.count * 4)
    let handshake = [0x60, 0x60, 0xb0, 0x17] + proposals.flatMap { $0 } + padding
    #expect(BoltVersion.negotiate(handshake)?.description == version)
  }

  @Test("Elements have the fields of their version, and a path numbers edges against their direction negative")
  func elements() throws {
    for (hasElementIDs, first) in [
      (false, [0xb1, 0x71, 0x93, 0xb3, 0x4e, 1]), (true, [0xb1, 0x71, 0x93, 0xb4, 0x4e, 1]),
    ] {
      let encoder = BoltValueEncoder(FixedGraph(), hasElementIDs: hasElementIDs, isUTC: true, maximumNesting: 8)
      var bytes = ByteBuffer()
      try encoder.record(FixedService.elements.map(\.value), into: &bytes)
      #expect(Array(bytes.readableBytesView.prefix(6)) == first.map { UInt8($0) })
      // Relationship 1 to node 1, then relationship 2 backwards to node 2.
      #expect(Array(bytes.readableBytesView.suffix(5)) == [0x94, 0x01, 0x01, 0xfe, 0x02])
    }
  }
}
