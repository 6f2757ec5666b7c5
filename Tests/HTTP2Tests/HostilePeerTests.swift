import TestSupport
import Testing
import Turns

@testable import HTTP2

/// Raw frames from a hostile or broken peer. Exceeding a limit ends its stream or its connection.
@Suite(.takesTurns)
struct HostilePeerTests {
  /// Returns a server that has received a client's preface and acknowledged settings.
  private func server(_ adjust: (inout HTTP2Limits) -> Void = { _ in }) throws -> Endpoint {
    let server = Endpoint(.server, adjust)
    _ = try server.drained()
    try server.receive(Frame.preface + Frame.settingsAck)
    _ = try server.drained()
    return server
  }

  /// Returns the error code of the GOAWAY that the server sends.
  private func goAway(_ server: Endpoint) throws -> UInt32? {
    try Frame.parse(server.drained()).last { $0.type == 7 }.map { $0.payload[4..<8].reduce(0) { $0 << 8 | UInt32($1) } }
  }

  /// Returns the RST_STREAM frames that the server sends: stream and code.
  private func resets(_ server: Endpoint) throws -> [UInt32: UInt32] {
    let frames = try Frame.parse(server.drained()).filter { $0.type == 3 }
    return Dictionary(uniqueKeysWithValues: frames.map { ($0.stream, $0.payload.reduce(0) { $0 << 8 | UInt32($1) }) })
  }

  @Test func aPeerThatIsNoHTTP2Peer() throws {
    let server = Endpoint(.server)
    _ = try server.drained()
    #expect(throws: HTTP2Error.self) { try server.receive(Array("GET / HTTP/1.1\r\nhost: x\r\n\r\n".utf8)) }
  }

  @Test func theStreamLimitIsAdvertisedAndRefusesStreamByStream() throws {
    let fresh = Endpoint(.server) { $0.maxConcurrentStreams = 3 }
    let settings = try #require(Frame.parse(fresh.drained()).first)
    #expect(settings.type == 4 && Array(settings.payload[..<6]) == [0, 3, 0, 0, 0, 3])

    let server = try server { $0.maxConcurrentStreams = 3 }
    for number in 0..<5 { try server.receive(Frame.headers(UInt32(2 * number + 1))) }
    #expect(server.accepted.count == 3)
    #expect(try resets(server) == [7: 7, 9: 7])
    // The connection stays open, and a stream that ends makes room for another.
    try server.receive(Frame.reset(1) + Frame.headers(11))
    #expect(server.accepted.count == 4 && server.accepted[3].isOpen)
  }

  @Test func aPeerThatKeepsOpeningRefusedStreamsIsCut() throws {
    let server = try server {
      $0.maxConcurrentStreams = 1
      $0.resetBurst = 50
      $0.resetsPerSecond = 1
    }
    try server.receive(Frame.headers(1))
    for number in 1...50 { try server.receive(Frame.headers(UInt32(2 * number + 1))) }
    #expect(try resets(server).count == 50)
    #expect(throws: HTTP2Error.self) { try server.receive(Frame.headers(103)) }
    #expect(try goAway(server) == HTTP2Error.Code.enhanceYourCalm.rawValue)
  }

  @Test("A GOAWAY contains the reason, and nothing follows it")
  func theReasonIsSent() throws {
    let server = try server()
    try server.receive(Frame.headers(1))
    server.accepted[0].body = [UInt8](repeating: 1, count: 1_000_000)
    server.accepted[0].respond(HTTP2StaticHeaders([(":status", "200")]), body: true)
    server.wantedDrain = false
    server.connection.fail(HTTP2Error(.enhanceYourCalm, "Too much", evidence: "5 bytes", hint: "send less"))
    #expect(server.wantedDrain)
    #expect(throws: HTTP2Error.self) { try server.drained() }
    let last = try #require(Frame.parse(try server.drained()).last)
    #expect(last.type == 7 && String(decoding: last.payload[8...], as: UTF8.self) == "Too much (5 bytes); send less")
    #expect(server.connection.isFinished)
    let rest = try server.drained()
    #expect(rest.isEmpty)
  }

  @Test("A violation that nghttp2 detects ends the connection with its reason, which the owner gets as well")
  func violations() throws {
    let server = try server()
    try server.receive(Frame.data(1, [1]))
    let error = try #require(throws: HTTP2Error.self) { try server.drained() }
    #expect(error.code == .protocolError && error.message == "The peer has violated HTTP/2")
    #expect(error.evidence == "DATA: stream in idle")
    let last = try #require(Frame.parse(try server.drained()).last)
    #expect(last.type == 7 && String(decoding: last.payload[8...], as: UTF8.self) == error.evidence)
    #expect(server.connection.isFinished)
  }

  @Test("DATA and HEADERS on streams that the peer has ended or reset are errors (RFC 9113, section 5.1)")
  func closedStreams() throws {
    for frame in [Frame.data(1, [1]), Frame.headers(1)] {
      let ended = try server()
      try ended.receive(Frame.headers(1, end: true))
      ended.accepted[0].respond(HTTP2StaticHeaders([(":status", "200")]), body: false)
      _ = try ended.drained()
      #expect(ended.accepted[0].closedWith == .noError)
      #expect(throws: HTTP2Error.self) { try ended.receive(frame) }
      #expect(try goAway(ended) == HTTP2Error.Code.streamClosed.rawValue)

      let reset = try server()
      try reset.receive(Frame.headers(1) + Frame.reset(1))
      _ = try reset.drained()
      try reset.receive(frame)
      #expect(try resets(reset) == [1: HTTP2Error.Code.streamClosed.rawValue])
      try reset.receive(Frame.headers(3))
      #expect(reset.accepted.count == 2)
    }
  }

  @Test("Frames in flight when this side reset their stream are ignored")
  func framesUnderWay() throws {
    let server = try server()
    try server.receive(Frame.headers(1))
    server.accepted[0].reset(.cancel)
    _ = try server.drained()
    try server.receive(Frame.data(1, [1, 2, 3]) + Frame.data(1, [], end: true))
    try server.receive(Frame.headers(3))
    #expect(server.accepted.count == 2 && server.accepted[1].isOpen)
    #expect(try goAway(server) == nil)
  }

  @Test("Opening a stream below an open one is an error (RFC 9113, section 5.1.1)")
  func numbersRise() throws {
    let server = try server()
    try server.receive(Frame.headers(5))
    #expect(throws: HTTP2Error.self) { try server.receive(Frame.headers(3)) }
    #expect(try goAway(server) == HTTP2Error.Code.protocolError.rawValue)
  }

  @Test("PRIORITY on stream 0, or depending on itself, ends the connection")
  func wrongPriority() throws {
    for (stream, on) in [(UInt32(0), UInt8(1)), (3, 3)] {
      let server = try server()
      #expect(throws: HTTP2Error.self) { try server.receive(Frame.make(2, stream: stream, [0, 0, 0, on, 16])) }
      #expect(try goAway(server) == HTTP2Error.Code.protocolError.rawValue)
    }
  }

  @Test func thousandsOfStreamsAreFine() throws {
    let server = try server { $0.maxConcurrentStreams = 100_000 }
    for number in 0..<20_000 { try server.receive(Frame.headers(UInt32(2 * number + 1))) }
    #expect(server.connection.streams.count == 20_000)
  }

  @Test func longHeadersCostTheirStream() throws {
    let server = try server { $0.maxHeaderListBytes = 1000 }
    try server.receive(Frame.headers(1, extra: [("a", String(repeating: "v", count: 2000)), ("b", "1")]))
    let first = server.accepted[0]
    #expect(first.sawOversizedHeaders && first.headerLists == 1 && !first.fields.contains("b: 1"))
    try server.receive(Frame.headers(3, extra: [("a", "1")]))
    #expect(server.accepted[1].fields.contains("a: 1") && !server.accepted[1].sawOversizedHeaders)
  }

  @Test func absurdHeadersCostTheConnection() throws {
    let server = try server {
      $0.maxHeaderListBytes = 1000
      $0.absurdHeaderListBytes = 10_000
    }
    let fields = (0..<100).map { ("a\($0)", String(repeating: "v", count: 100)) }
    #expect(throws: HTTP2Error.self) { try server.receive(Frame.headers(1, extra: fields)) }
    #expect(try goAway(server) == HTTP2Error.Code.enhanceYourCalm.rawValue)
    #expect(server.connection.isFinished)
  }

  @Test func aContinuationFloodIsCut() throws {
    let server = try server()
    try server.receive(Frame.make(1, flags: 0, stream: 1, Frame.block(Frame.usual)))
    #expect(throws: HTTP2Error.self) {
      for number in 0..<100 {
        try server.receive(Frame.make(9, flags: 0, stream: 1, Frame.block([("c\(number)", "1")])))
      }
    }
  }

  @Test func rapidResetIsCut() throws {
    let server = try server {
      $0.resetBurst = 50
      $0.resetsPerSecond = 1
    }
    var id: UInt32 = 1
    let error = #expect(throws: HTTP2Error.self) {
      while id < 1000 {
        try server.receive(Frame.headers(id) + Frame.reset(id))
        _ = try server.drained()
        id += 2
      }
    }
    #expect(error?.message == "A flood of streams that are opened and reset")
    #expect(try goAway(server) == HTTP2Error.Code.enhanceYourCalm.rawValue)
    #expect((100...110).contains(id))
    server.connection.close(.cancel)
    #expect(server.accepted.allSatisfy { $0.closedWith != nil })
  }

  @Test func modestResetsAreNot() throws {
    let server = try server()
    for number in 0..<5000 {
      try server.receive(Frame.headers(UInt32(2 * number + 1)) + Frame.reset(UInt32(2 * number + 1)))
    }
    #expect(!server.connection.isFinished && server.accepted.count == 5000)
  }

  @Test(arguments: [Frame.ping, Frame.settings(), Frame.data(1, []), Frame.make(2, stream: 1, [0, 0, 0, 0, 16])])
  func aFloodOfFramesThatCarryNothingIsCut(frame: [UInt8]) throws {
    let server = try server { $0.controlFrameBurst = 100 }
    try server.receive(Frame.headers(1))
    var count = 0
    #expect(throws: HTTP2Error.self) {
      while count < 1000 {
        try server.receive(frame)
        _ = try server.drained()
        count += 1
      }
    }
    #expect((90...110).contains(count))
    #expect(try goAway(server) == HTTP2Error.Code.enhanceYourCalm.rawValue)
  }

  @Test("A SETTINGS frame takes more of the budget of control frames if it may change the windows of many streams")
  func windowsOfManyStreams() throws {
    let server = try server()
    for number in 0..<1000 { try server.receive(Frame.headers(UInt32(2 * number + 1))) }
    var count = 0
    #expect(throws: HTTP2Error.self) {
      while count < 1000 {
        try server.receive(Frame.settings([(4, UInt32(60_000 + count))]))
        _ = try server.drained()
        count += 1
      }
    }
    #expect((50...70).contains(count))
    #expect(try goAway(server) == HTTP2Error.Code.enhanceYourCalm.rawValue)
    // A client that adjusts its windows to the bandwidth is far from that.
    let other = try self.server()
    for number in 0..<1000 { try other.receive(Frame.headers(UInt32(2 * number + 1))) }
    for second in 0..<100 {
      other.now += 1_000_000_000
      try other.receive(Frame.settings([(4, UInt32(60_000 + second))]))
      _ = try other.drained()
    }
  }

  @Test func pingsAreWelcomeWhileDataFlows() throws {
    let server = try server { $0.controlFrameBurst = 100 }
    try server.receive(Frame.headers(1))
    let load = Frame.data(1, [UInt8](repeating: 1, count: 1000))
    for _ in 0..<20_000 {
      try server.receive(load + Frame.ping)
      _ = try server.drained()
    }
    #expect(server.accepted[0].received.count == 20_000_000)
  }

  @Test func pingsAreWelcomeWhileDataIsSent() throws {
    let server = try server { $0.controlFrameBurst = 100 }
    try server.receive(Frame.headers(1))
    let stream = server.accepted[0]
    stream.staysOpen = true
    stream.respond(HTTP2StaticHeaders([(":status", "200")]), body: true)
    _ = try server.drained()
    for _ in 0..<5000 {
      stream.body = [1]
      stream.resume()
      _ = try server.drained()
      try server.receive(Frame.ping + Frame.make(8, stream: 0, [0, 0, 0, 1]) + Frame.make(8, stream: 1, [0, 0, 0, 1]))
    }
  }

  @Test func slowPingsAreAlwaysWelcome() throws {
    let server = try server {
      $0.controlFrameBurst = 10
      $0.controlFramesPerSecond = 1
    }
    for _ in 0..<1000 {
      server.now += 1_000_000_000
      try server.receive(Frame.ping)
      _ = try server.drained()
    }
  }

  @Test func aPeerThatAsksAndDoesNotReadIsCut() throws {
    let server = try server { $0.maxQueuedAcknowledgements = 50 }
    #expect(throws: HTTP2Error.self) {
      for _ in 0..<200 { try server.receive(Frame.ping) }
    }
    let other = try self.server {
      $0.maxConcurrentStreams = 0
      $0.maxQueuedFrames = 100
    }
    #expect(throws: HTTP2Error.self) {
      for number in 0..<200 { try other.receive(Frame.headers(UInt32(2 * number + 1))) }
    }
  }

  @Test func longSettingsAreRefused() throws {
    let server = try server()
    #expect(throws: HTTP2Error.self) {
      try server.receive(Frame.settings((0..<100).map { _ in (4, 65_535) }))
      if server.connection.isFinished { throw HTTP2Error(.protocolError, "cut") }
      _ = try server.drained()
      if server.connection.isFinished { throw HTTP2Error(.protocolError, "cut") }
    }
  }

  @Test func moreThanTheWindowIsAFlowControlError() throws {
    let server = try server { $0.streamWindowBytes = 1000 }
    server.onAccept = { $0.consumesAtOnce = false }
    try server.receive(Frame.headers(1) + Frame.data(1, [UInt8](repeating: 1, count: 1001)))
    _ = try? server.drained()
    #expect(server.connection.isFinished || server.accepted[0].closedWith == .flowControlError)
  }

  @Test func anyGarbageIsAnErrorAndNoCrash() throws {
    var random = SplitMix(seed: 7)
    for _ in 0..<2000 {
      let server = try server()
      try server.receive(Frame.headers(1))
      let types: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 200]
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
        }
        bytes += Frame.make(
          types.randomElement(using: &random)!, flags: .random(in: 0...255, using: &random),
          stream: .random(in: 0...5, using: &random), payload)
      }
      do {
        try server.receive(bytes)
        _ = try server.drained()
      } catch {
        _ = try? server.drained()
      }
      server.connection.close(.cancel)
      #expect(server.accepted.allSatisfy { $0.closedWith != nil })
    }
  }
}

@Suite(.takesTurns)
struct ControlFrameBudgetTests {
  @Test func tokensComeBackWithTimeAndWithPayload() {
    var budget = ControlFrameBudget(burst: 2, perSecond: 10)
    var granted: [Bool] = []
    for now: UInt64 in [0, 0, 0, 99_000_000, 100_000_000, 100_000_000] { granted.append(budget.spend(now: now)) }
    #expect(granted == [true, true, false, false, true, false])
    budget.earn()
    granted = (0..<2).map { _ in budget.spend(now: 100_000_000) }
    #expect(granted == [true, false])
    granted = (0..<3).map { _ in budget.spend(now: .max) }
    #expect(granted == [true, true, false])
  }

  @Test func aFrameThatCostsMoreLeavesADebt() {
    var budget = ControlFrameBudget(burst: 2, perSecond: 10)
    let isGranted = budget.spend(5, now: 0)
    #expect(isGranted)
    var granted: [Bool] = []
    for now: UInt64 in [0, 300_000_000, 400_000_000, 400_000_000] { granted.append(budget.spend(now: now)) }
    #expect(granted == [false, false, true, false])
  }
}
