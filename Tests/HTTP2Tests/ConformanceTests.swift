import Testing
import Turns

@testable import HTTP2

/// The rules of RFC 9113 and RFC 7541 for what a server must not accept, in the order of their sections, and some for what it must.
/// Rules about streams that the peer has ended, PRIORITY, floods and limits are in `HostilePeerTests`.
@Suite("Conformance", .takesTurns)
struct ConformanceTests {
  /// The required reaction.
  enum Reaction {
    /// The connection ends with this code.
    case connection(HTTP2Error.Code)
    /// The stream ends with this code. The connection may end instead (section 5.4.2).
    case stream(HTTP2Error.Code)
    /// Nothing ends.
    case none
  }

  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let reaction: Reaction

    init(_ section: String, _ bytes: [UInt8], _ reaction: Reaction) {
      (testDescription, self.bytes, self.reaction) = (section, bytes, reaction)
    }
  }

  private static func request(_ extra: [(String, String)], without name: String = "") -> [UInt8] {
    Frame.make(1, flags: 5, stream: 1, Frame.block(Frame.usual.filter { $0.0 != name } + extra))
  }

  private static func block(_ bytes: [UInt8]) -> [UInt8] {
    Frame.make(1, flags: 5, stream: 1, Frame.block(Frame.usual) + bytes)
  }

  private static let open = Frame.headers(1)
  private static let ended = Frame.headers(1, end: true)
  private static let begun = Frame.make(1, flags: 0, stream: 1, Frame.block(Frame.usual))
  private static let zeros = [UInt8](repeating: 0, count: 16_385)

  static let frames: [Case] = [
    Case(
      "4.1: reserved bits and unknown flags are ignored", Frame.make(6, flags: 0xFE, [UInt8](repeating: 1, count: 8)),
      .none),
    Case("4.2: DATA over the size", open + Frame.data(1, zeros), .stream(.frameSizeError)),
    Case("4.2: HEADERS over the size", Frame.make(1, flags: 4, stream: 1, zeros), .connection(.frameSizeError)),
    Case("4.3: a block that is no block", Frame.make(1, flags: 5, stream: 1, [0x80]), .connection(.compressionError)),
    Case("4.3: a block that ends inside a field", block([0x00, 5, 97]), .connection(.compressionError)),
    Case(
      "4.3: PRIORITY inside a block", begun + Frame.make(2, stream: 1, [0, 0, 0, 0, 16]), .connection(.protocolError)),
    Case("4.3: another stream inside a block", begun + Frame.headers(3), .connection(.protocolError)),
    Case("5.1: DATA on an idle stream", Frame.data(1, [1]), .connection(.protocolError)),
    Case("5.1: RST_STREAM on an idle stream", Frame.reset(1), .connection(.protocolError)),
    Case("5.1: WINDOW_UPDATE on an idle stream", Frame.make(8, stream: 1, [0, 0, 0, 1]), .connection(.protocolError)),
    Case("5.1: CONTINUATION on an idle stream", Frame.make(9, flags: 4, stream: 1), .connection(.protocolError)),
    Case("5.1: DATA after the end", ended + Frame.data(1, [1]), .stream(.streamClosed)),
    Case("5.1: HEADERS after the end", ended + Frame.headers(1), .stream(.streamClosed)),
    Case("5.1: WINDOW_UPDATE after the end is allowed", ended + Frame.make(8, stream: 1, [0, 0, 0, 1]), .none),
    Case("5.1: PRIORITY on an idle stream is allowed", Frame.make(2, stream: 1, [0, 0, 0, 0, 16]), .none),
    Case("5.1.1: an even number", Frame.headers(2), .connection(.protocolError)),
    Case("5.1.1: a number below an open one", Frame.headers(5) + Frame.headers(3), .connection(.protocolError)),
    Case("5.5: an unknown frame is ignored", Frame.make(200, stream: 0, [1, 2, 3]) + open, .none),
    Case("5.5: an unknown frame inside a block", begun + Frame.make(200, stream: 1, [1]), .connection(.protocolError)),
    Case("6.1: DATA on stream 0", Frame.data(0, [1]), .connection(.protocolError)),
    Case(
      "6.1: more padding than DATA", open + Frame.make(0, flags: 8, stream: 1, [5, 1, 2]), .connection(.protocolError)),
    Case("6.1: padded DATA is read", open + Frame.make(0, flags: 9, stream: 1, [2, 1, 0, 0]), .none),
    Case("6.2: HEADERS on stream 0", Frame.headers(0), .connection(.protocolError)),
    Case(
      "6.2: more padding than HEADERS", Frame.make(1, flags: 0xC, stream: 1, [99, 0x82]), .connection(.protocolError)),
    Case("6.3: PRIORITY of another size", open + Frame.make(2, stream: 1, [0, 0, 0, 0]), .stream(.frameSizeError)),
    Case("6.4: RST_STREAM on stream 0", Frame.reset(0), .connection(.protocolError)),
    Case("6.4: RST_STREAM of another size", open + Frame.make(3, stream: 1, [0, 0, 8]), .connection(.frameSizeError)),
    Case(
      "6.5: an acknowledgement with contents", Frame.make(4, flags: 1, [0, 3, 0, 0, 0, 1]), .connection(.frameSizeError)
    ),
    Case("6.5: SETTINGS on a stream", Frame.make(4, stream: 1), .connection(.protocolError)),
    Case("6.5: SETTINGS of another size", Frame.make(4, [0, 3, 0]), .connection(.frameSizeError)),
    Case("6.5.2: ENABLE_PUSH of 2", Frame.settings([(2, 2)]), .connection(.protocolError)),
    Case("6.5.2: INITIAL_WINDOW_SIZE of 2^31", Frame.settings([(4, 1 << 31)]), .connection(.flowControlError)),
    Case("6.5.2: MAX_FRAME_SIZE below 2^14", Frame.settings([(5, 16_383)]), .connection(.protocolError)),
    Case("6.5.2: MAX_FRAME_SIZE of 2^24", Frame.settings([(5, 1 << 24)]), .connection(.protocolError)),
    Case("6.5.2: an unknown setting is ignored", Frame.settings([(200, 7)]) + open, .none),
    Case(
      "6.6: PUSH_PROMISE of a client", open + Frame.make(5, flags: 4, stream: 1, [0, 0, 0, 2, 0x82]),
      .connection(.protocolError)),
    Case(
      "6.7: PING on a stream", Frame.make(6, stream: 1, [UInt8](repeating: 0, count: 8)), .connection(.protocolError)),
    Case("6.7: PING of another size", Frame.make(6, [1, 2, 3]), .connection(.frameSizeError)),
    Case(
      "6.8: GOAWAY on a stream", Frame.make(7, stream: 1, [UInt8](repeating: 0, count: 8)), .connection(.protocolError)),
    Case("6.9: an increment of 0 of the connection", Frame.make(8, [0, 0, 0, 0]), .connection(.protocolError)),
    Case("6.9: an increment of 0 of a stream", open + Frame.make(8, stream: 1, [0, 0, 0, 0]), .stream(.protocolError)),
    Case("6.9: WINDOW_UPDATE of another size", Frame.make(8, [0, 0, 1]), .connection(.frameSizeError)),
    Case(
      "6.9.1: a window of the connection over 2^31 - 1", Frame.make(8, Frame.bigEndian(.max >> 1)),
      .connection(.flowControlError)),
    Case(
      "6.9.1: a window of a stream over 2^31 - 1", open + Frame.make(8, stream: 1, Frame.bigEndian(.max >> 1)),
      .stream(.flowControlError)),
    Case(
      "6.9.2: settings that make a window exceed 2^31 - 1 (nghttp2 ends the streams only)",
      open + Frame.make(8, stream: 1, [0x7F, 0, 0, 0]) + Frame.settings([(4, .max >> 1)]),
      .stream(.flowControlError)),
    Case(
      "6.10: several CONTINUATION frames",
      begun + Frame.make(9, stream: 1) + Frame.make(9, flags: 4, stream: 1, Frame.block([("a", "b")])), .none),
    Case("6.10: DATA inside a block", begun + Frame.data(1, [1]), .connection(.protocolError)),
    Case("6.10: CONTINUATION on stream 0", begun + Frame.make(9, flags: 4, stream: 0), .connection(.protocolError)),
    Case("6.10: CONTINUATION behind a block", open + Frame.make(9, flags: 4, stream: 1), .connection(.protocolError)),
    Case(
      "7: unknown codes are no special case", open + Frame.make(3, stream: 1, [0, 0, 0, 0xFF]) + Frame.headers(3), .none
    ),
  ]

  static let messages: [Case] = [
    Case("8.1: trailers that do not end the stream", open + Frame.headers(1), .stream(.protocolError)),
    Case(
      "8.1: a pseudo-header in trailers",
      open + Frame.make(1, flags: 5, stream: 1, Frame.block([(":method", "POST")])), .stream(.protocolError)),
    Case("8.1.1: less than content-length", request([("content-length", "1")]), .stream(.protocolError)),
    Case(
      "8.1.1: more than content-length",
      Frame.headers(1, extra: [("content-length", "1")]) + Frame.data(1, [1, 2], end: true), .stream(.protocolError)),
    Case(
      "8.1.1: more than content-length in several frames",
      Frame.headers(1, extra: [("content-length", "1")]) + Frame.data(1, [1]) + Frame.data(1, [2], end: true),
      .stream(.protocolError)),
    Case("8.2.1: a capital in a name", request([("X-Y", "1")]), .stream(.protocolError)),
    Case("8.2.1: a space in a name", request([("x y", "1")]), .stream(.protocolError)),
    Case("8.2.1: a line feed in a value", request([("x", "a\nb")]), .stream(.protocolError)),
    Case("8.2.1: a zero in a value", request([("x", "a\0b")]), .stream(.protocolError)),
    Case("8.2.2: a field of the connection", request([("connection", "keep-alive")]), .stream(.protocolError)),
    Case("8.2.2: transfer-encoding", request([("transfer-encoding", "chunked")]), .stream(.protocolError)),
    Case("8.2.2: te other than trailers", request([("te", "gzip")]), .stream(.protocolError)),
    Case("8.3: an unknown pseudo-header", request([(":x", "1")]), .stream(.protocolError)),
    Case("8.3: a pseudo-header of responses", request([(":status", "200")]), .stream(.protocolError)),
    Case(
      "8.3: a pseudo-header behind fields", request([("x", "1"), (":authority", "a")], without: ":authority"),
      .stream(.protocolError)),
    Case("8.3: a pseudo-header twice", request([(":path", "/y")]), .stream(.protocolError)),
    Case("8.3.1: no method", request([], without: ":method"), .stream(.protocolError)),
    Case("8.3.1: no scheme", request([], without: ":scheme"), .stream(.protocolError)),
    Case("8.3.1: no path", request([], without: ":path"), .stream(.protocolError)),
    Case("8.3.1: an empty path", request([(":path", "")], without: ":path"), .stream(.protocolError)),
  ]

  static let compression: [Case] = [
    Case("RFC 7541, 2.3.3: an index behind the tables", block([0x80 | 70]), .connection(.compressionError)),
    Case("RFC 7541, 2.3.3: a name behind the tables", block([0x40 | 62, 1, 97]), .connection(.compressionError)),
    Case("RFC 7541, 4.2: a change of size behind a field", block([0x20]), .connection(.compressionError)),
    Case(
      "RFC 7541, 5.1: an integer that is too large", block([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
      .connection(.compressionError)),
    Case(
      "RFC 7541, 5.2: padding of more than seven bits", block([0x00, 1, 97, 0x82, 0x1F, 0xFF]),
      .connection(.compressionError)),
    Case("RFC 7541, 5.2: padding of zeros", block([0x00, 1, 97, 0x81, 0x18]), .connection(.compressionError)),
    Case(
      "RFC 7541, 5.2: the end of string", block([0x00, 1, 97, 0x84, 0xFF, 0xFF, 0xFF, 0xFC]),
      .connection(.compressionError)),
    Case("RFC 7541, 6.1: index 0", block([0x80]), .connection(.compressionError)),
    Case(
      "RFC 7541, 6.3: a table larger than allowed",
      Frame.make(1, flags: 5, stream: 1, [0x3F, 0xE2, 0x1F] + Frame.block(Frame.usual)), .connection(.compressionError)),
    Case(
      "RFC 7541, 6.3: a smaller table", Frame.make(1, flags: 5, stream: 1, [0x20] + Frame.block(Frame.usual)), .none),
  ]

  private func server() throws -> Endpoint {
    let server = Endpoint(.server)
    _ = try server.drained()
    try server.receive(Frame.preface + Frame.settingsAck)
    _ = try server.drained()
    return server
  }

  @Test("Frames, messages and compression", arguments: frames + messages + compression)
  func rule(_ rule: Case) throws {
    let server = try server()
    var sent: [UInt8] = []
    do {
      try server.receive(rule.bytes)
      sent = try server.drained()
      try server.receive(Frame.ping)
      sent += try server.drained()
    } catch {
      sent += (try? server.drained()) ?? []
    }
    let frames = Frame.parse(sent)
    func code(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
    let goAway = frames.last { $0.type == 7 }.map { code($0.payload[4..<8]) }
    let reset = frames.last { $0.type == 3 }.map { code($0.payload[...]) }
    let isAlive = frames.contains { $0.type == 6 && $0.flags == 1 } && !server.connection.isFinished
    switch rule.reaction {
    case .connection(let expected):
      #expect(goAway == expected.rawValue && server.connection.isFinished, "GOAWAY \(goAway ?? 99)")
    case .stream(let expected):
      #expect(reset == expected.rawValue || goAway == expected.rawValue, "\(reset ?? 99), GOAWAY \(goAway ?? 99)")
      #expect(isAlive != (goAway != nil), "the connection lives unless it was ended")
    case .none: #expect(goAway == nil && reset == nil && isAlive, "\(reset ?? 99), GOAWAY \(goAway ?? 99)")
    }
    // Nothing of a malformed message reaches the application as a whole.
    if case .stream = rule.reaction {
      #expect(server.accepted.allSatisfy { $0.closedWith != nil || !$0.hasEnded || goAway != nil })
    }
  }

  @Test(
    "3.4: what is no preface ends the connection",
    arguments: ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])
  func preface(text: String) throws {
    let server = Endpoint(.server)
    _ = try server.drained()
    #expect(throws: HTTP2Error.self) { try server.receive(Array(text.utf8) + Frame.settings()) }
  }

  @Test("6.5.3: SETTINGS are acknowledged; 6.7: PING is, with its payload, and an acknowledgement is not")
  func acknowledgements() throws {
    let server = try server()
    try server.receive(Frame.settings([(4, 1000)]))
    #expect(try Frame.parse(server.drained()).map { [$0.type, $0.flags] } == [[4, 1]])
    try server.receive(Frame.make(6, [1, 2, 3, 4, 5, 6, 7, 8]))
    let answer = try Frame.parse(server.drained())
    #expect(answer.map { [$0.type, $0.flags] } == [[6, 1]] && answer.first?.payload == [1, 2, 3, 4, 5, 6, 7, 8])
    try server.receive(Frame.make(6, flags: 1, [1, 2, 3, 4, 5, 6, 7, 8]))
    let rest = try server.drained()
    #expect(rest.isEmpty)
  }

  @Test("6.9.1 and 6.9.2: no more is sent than the windows allow, also after they have become negative")
  func windows() throws {
    let server = try server()
    try server.receive(Frame.settings([(4, 100)]) + Frame.headers(1, end: true))
    _ = try server.drained()
    let stream = server.accepted[0]
    stream.body = [UInt8](repeating: 1, count: 1000)
    stream.respond(HTTP2StaticHeaders([(":status", "200")]), body: true)
    func sent() throws -> Int {
      try Frame.parse(server.drained()).filter { $0.type == 0 }.reduce(0) { $0 + $1.payload.count }
    }
    #expect(try sent() == 100)
    try server.receive(Frame.settings([(4, 10)]) + Frame.make(8, stream: 1, [0, 0, 0, 90]))
    #expect(try sent() == 0)
    try server.receive(Frame.make(8, stream: 1, [0, 0, 0, 1]))
    #expect(try sent() == 1)
    try server.receive(Frame.settings([(4, 2000)]))
    #expect(try sent() == 899)
    #expect(stream.closedWith == .noError)
  }
}
