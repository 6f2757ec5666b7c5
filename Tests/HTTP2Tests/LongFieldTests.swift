import TestSupport
import Testing
import Turns

@testable import HTTP2

/// A name or a value that is too long for nghttp2 costs its stream, and header compression goes on as the peer expects.
@Suite(.takesTurns)
struct LongFieldTests {
  private func server() throws -> Endpoint {
    let server = Endpoint(.server)
    _ = try server.drained()
    try server.receive(Frame.preface + Frame.settingsAck)
    _ = try server.drained()
    return server
  }

  /// An integer with a prefix (RFC 7541, section 5.1).
  private func integer(_ value: Int, prefix: Int, first: UInt8 = 0) -> [UInt8] {
    let full = 1 << prefix - 1
    if value < full { return [first | UInt8(value)] }
    var bytes = [first | UInt8(full)]
    var rest = value - full
    while rest >= 128 {
      bytes.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private func string(_ count: Int, of byte: UInt8 = UInt8(ascii: "v"), huffman: Bool = false) -> [UInt8] {
    // In the Huffman code, "t" is 01001; eight of them are five bytes (RFC 7541, appendix B).
    let coded: [UInt8] = [0b0100_1010, 0b0101_0010, 0b1001_0100, 0b1010_0101, 0b0010_1001]
    let bytes = huffman ? (0..<count).map { coded[$0 % 5] } : [UInt8](repeating: byte, count: count)
    return integer(count, prefix: 7, first: huffman ? 0x80 : 0) + bytes
  }

  private func name(_ text: String) -> [UInt8] { integer(text.utf8.count, prefix: 7) + Array(text.utf8) }

  /// HEADERS with as many CONTINUATION frames as the block needs.
  private func frames(_ stream: UInt32, _ block: [UInt8], padded: Bool = false) -> [UInt8] {
    let size = 16_000
    var pieces = stride(from: 0, to: block.count, by: size).map { Array(block[$0..<min($0 + size, block.count)]) }
    let first = pieces.removeFirst()
    let flags: UInt8 = pieces.isEmpty ? 4 : 0
    var bytes =
      padded
      ? Frame.make(
        1, flags: flags | 0x28, stream: stream, [200, 0, 0, 0, 0, 9] + first + [UInt8](repeating: 0, count: 200))
      : Frame.make(1, flags: flags, stream: stream, first)
    for (index, piece) in pieces.enumerated() {
      bytes += Frame.make(9, flags: index == pieces.count - 1 ? 4 : 0, stream: stream, piece)
    }
    return bytes
  }

  /// Feeds bytes in pieces.
  private func feed(_ server: Endpoint, _ bytes: [UInt8], by size: Int) throws {
    for start in stride(from: 0, to: bytes.count, by: size) {
      try server.receive(Array(bytes[start..<min(start + size, bytes.count)]))
    }
  }

  private var usual: [UInt8] { Frame.block(Frame.usual) }

  @Test(
    "A long name or value costs its stream, in any representation and however the bytes are cut",
    arguments: [
      11, 1000, 16_384, 1 << 20,
    ])
  func aLongFieldCostsItsStream(size: Int) throws {
    let fields: [[UInt8]] = [
      [0x00] + name("a") + string(65_537), [0x10] + name("a") + string(70_000), [0x40] + name("a") + string(82_001),
      [0x00] + name("a") + string(65_540, huffman: true), [0x40] + name("a") + string(100_000, huffman: true),
      [0x0F, 0x10] + string(100_001), [0x00] + string(65_537) + name("v"), [0x40] + string(90_003) + string(80_000),
      [0x00] + string(70_000, of: UInt8(ascii: "n")) + name(""), [0x00] + string(70_005, huffman: true) + name("v"),
    ]
    for field in fields {
      for padded in [false, true] {
        let server = try server()
        try feed(server, frames(1, usual + field + Frame.block([("b", "1")]), padded: padded), by: size)
        let stream = try #require(server.accepted.first)
        #expect(stream.sawOversizedHeaders && stream.headerLists == 1 && stream.isOpen)
        try server.receive(Frame.headers(3, extra: [("c", "2")]))
        #expect(server.accepted[1].fields.contains("c: 2") && !server.accepted[1].sawOversizedHeaders)
        #expect(!server.connection.isFinished)
      }
    }
  }

  @Test("Shorter strings are not touched")
  func shorterStrings() throws {
    for field in [[0x00] + name("a") + string(65_536), [0x00] + name("a") + string(65_535, huffman: true)] {
      let server = Endpoint(.server) { $0.maxHeaderListBytes = 200_000 }
      _ = try server.drained()
      try server.receive(Frame.preface + frames(1, usual + field))
      let stream = try #require(server.accepted.first)
      #expect(!stream.sawOversizedHeaders && stream.headerLists == 1)
      let value = try #require(stream.fields.last)
      #expect(value.utf8.count >= 65_536 && value.dropFirst(3).allSatisfy { $0 == "v" || $0 == "t" })
    }
  }

  @Test("A field that is within the limit of the list is too long nevertheless, and not delivered as another one")
  func aListThatMayBeLong() throws {
    let server = Endpoint(.server) { $0.maxHeaderListBytes = 1 << 20 }
    _ = try server.drained()
    try server.receive(Frame.preface + frames(1, usual + [0x00] + name("a") + string(100_000)))
    #expect(server.accepted[0].sawOversizedHeaders)
    try server.receive(frames(3, usual + [0x00] + name("a") + string(60_000)))
    #expect(!server.accepted[1].sawOversizedHeaders && server.accepted[1].headerLists == 1)
  }

  @Test("An entry that is too long empties the dynamic table, and entries after it are found (RFC 7541, section 4.4)")
  func theDynamicTable() throws {
    let server = try server()
    try server.receive(Frame.make(1, flags: 4, stream: 1, usual + [0x40] + name("old") + name("1")))
    #expect(server.accepted[0].fields.last == "old: 1")
    // After the long entry, "new" is the only one: the first dynamic index is 62.
    try server.receive(
      frames(3, usual + [0x40] + name("long") + string(100_000) + [0x40] + name("new") + name("2")))
    try server.receive(Frame.make(1, flags: 4, stream: 5, usual + [0x80 | 62]))
    #expect(server.accepted[2].fields.last == "new: 2")
    try server.receive(Frame.make(1, flags: 4, stream: 7, usual + [0x80 | 63]))
    let error = #expect(throws: HTTP2Error.self) { try server.drained() }
    #expect(error?.code == .compressionError)
  }

  @Test("CONTINUATION frames are counted as such, however the bytes are cut")
  func manyFrames() throws {
    for size in [1, 1000] {
      let server = try server()
      let begun = Frame.make(1, flags: 0, stream: 1, usual)
      try feed(server, begun + (0..<63).flatMap { _ in Frame.make(9, flags: 0, stream: 1) }, by: size)
      try feed(server, Frame.make(9, flags: 4, stream: 1), by: size)
      #expect(server.accepted.first?.headerLists == 1)
      let error = #expect(throws: HTTP2Error.self) {
        try feed(server, Frame.make(1, flags: 0, stream: 3, usual), by: size)
        try feed(server, (0..<65).flatMap { _ in Frame.make(9, flags: 0, stream: 3) }, by: size)
      }
      #expect(error?.code == .enhanceYourCalm && error?.message == "A header list comes in too many frames")
    }
  }

  @Test("Trailers and refused streams with long fields leave the connection as it is")
  func otherLists() throws {
    let server = try server()
    try server.receive(Frame.headers(1))
    let long = [0x00] + name("a") + string(70_000)
    var trailers = frames(1, long)
    trailers[4] |= 1
    try server.receive(trailers)
    #expect(server.accepted[0].sawOversizedHeaders && server.accepted[0].headerLists == 2)
    let refusing = Endpoint(.server) { $0.maxConcurrentStreams = 0 }
    _ = try refusing.drained()
    try refusing.receive(Frame.preface + frames(1, usual + long))
    #expect(try Frame.parse(refusing.drained()).contains { $0.type == 3 && $0.payload == [0, 0, 0, 7] })
  }

  @Test("A string of 2 MiB ends the connection, with a reason")
  func absurdStrings() throws {
    for length in [integer(2_097_279, prefix: 7), integer(1 << 30, prefix: 7)] {
      let server = try server()
      let error = #expect(throws: HTTP2Error.self) {
        try server.receive(Frame.make(1, flags: 0, stream: 1, usual + [0x00] + name("a") + length))
      }
      #expect(error?.code == .enhanceYourCalm && error?.message == "A header field is absurdly long")
      let goAway = try Frame.parse(server.drained()).last { $0.type == 7 }
      #expect(goAway?.payload.dropFirst(8).starts(with: Array("A header field".utf8)) == true)
    }
  }

  @Test("Random blocks of several frames: what is short arrives unchanged, what is long costs its stream")
  func randomBlocks() throws {
    var random = SplitMix(seed: 41)
    for _ in 0..<60 {
      let server = Endpoint(.server) { $0.maxHeaderListBytes = 400_000 }
      _ = try server.drained()
      try server.receive(Frame.preface)
      for number in 0..<4 {
        var (block, expected, hasLong) = (usual, [String](), false)
        for index in 0..<Int.random(in: 1...5, using: &random) {
          let count = [3, 126, 127, 128, 4000, 30_000, 65_536, 65_537, 70_000].randomElement(using: &random)!
          hasLong = hasLong || count > 65_536
          block += [[0x00, 0x10, 0x40].randomElement(using: &random)!] + name("h\(index)") + string(count)
          expected.append("h\(index): " + String(repeating: "v", count: count))
        }
        // Up to 22 frames.
        let id = UInt32(2 * number + 1)
        try feed(server, frames(id, block), by: .random(in: 1...20_000, using: &random))
        let stream = server.accepted[number]
        #expect(stream.sawOversizedHeaders == hasLong && stream.headerLists == 1)
        if !hasLong { #expect(Array(stream.fields.dropFirst(4)) == expected) }
      }
      #expect(!server.connection.isFinished)
    }
  }
}
