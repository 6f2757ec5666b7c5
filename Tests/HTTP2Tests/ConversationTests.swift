import HTTP2
import Testing
import Turns

/// Two well-behaved ends: each receives what the other sends.
@Suite(.takesTurns)
struct ConversationTests {
  private static let ok = HTTP2StaticHeaders([(":status", "200"), ("content-type", "test/plain")])

  private func connected(
    server adjust: (inout HTTP2Limits) -> Void = { _ in }
  ) throws -> (client: Endpoint, server: Endpoint) {
    let (client, server) = (Endpoint(.client), Endpoint(.server, adjust))
    try exchange(client, server)
    return (client, server)
  }

  @Test func requestAndResponseWithTrailers() throws {
    let (client, server) = try connected()
    #expect(server.connection.hasPeerPreface && client.connection.hasPeerPreface)
    let mine = RecordingStream()
    mine.body = Array("question".utf8)
    try client.request(mine, extra: [("x-extra", "1")])
    try exchange(client, server)

    let theirs = try #require(server.accepted.first)
    #expect(theirs.fields.contains("x-extra: 1") && theirs.fields.contains(":path: /x"))
    #expect(theirs.received == Array("question".utf8) && theirs.hasEnded)

    theirs.body = Array("answer".utf8)
    var trailers = HTTP2Headers()
    trailers.add("x-status", "0")
    theirs.trailers = trailers
    theirs.respond(Self.ok, body: true)
    #expect(server.wantedDrain)
    try exchange(client, server)
    #expect(mine.fields == [":status: 200", "content-type: test/plain", "x-status: 0"])
    #expect(mine.headerLists == 2 && mine.received == Array("answer".utf8) && mine.hasEnded)
    #expect(mine.closedWith == .noError && theirs.closedWith == .noError)
    #expect(server.connection.streams.isEmpty && client.connection.streams.isEmpty)
  }

  @Test func aBodyThatHasToWaitIsResumed() throws {
    let (client, server) = try connected()
    let mine = RecordingStream()
    mine.staysOpen = true
    try client.request(mine)
    try exchange(client, server)
    #expect(mine.isWaiting)
    mine.body = [1, 2, 3]
    mine.resume()
    try exchange(client, server)
    #expect(server.accepted[0].received == [1, 2, 3] && !server.accepted[0].hasEnded)
    mine.staysOpen = false
    mine.resume()
    try exchange(client, server)
    #expect(server.accepted[0].hasEnded)
  }

  @Test func aReaderThatTakesNothingStopsItsSenderOnly() throws {
    let (client, server) = try connected { $0.streamWindowBytes = 1000 }
    server.onAccept = { $0.consumesAtOnce = false }
    let slow = RecordingStream()
    slow.body = [UInt8](repeating: 1, count: 5000)
    try client.request(slow)
    try exchange(client, server)
    #expect(server.accepted[0].received.count == 1000)

    // The window of the connection was credited, so another stream has its full window.
    let other = RecordingStream()
    other.body = [UInt8](repeating: 2, count: 900)
    try client.request(other)
    try exchange(client, server)
    #expect(server.accepted[1].received.count == 900 && server.accepted[1].hasEnded)

    server.accepted[0].consume(1000)
    try exchange(client, server)
    #expect(server.accepted[0].received.count == 2000)
    server.accepted[0].setWindow(100_000)
    try exchange(client, server)
    #expect(server.accepted[0].received.count == 5000 && server.accepted[0].hasEnded)
  }

  @Test func aWindowCanBeNarrowedAgain() throws {
    let (client, server) = try connected { $0.streamWindowBytes = 1000 }
    server.onAccept = { $0.consumesAtOnce = false }
    let mine = RecordingStream()
    mine.body = [UInt8](repeating: 1, count: 50_000)
    try client.request(mine)
    try exchange(client, server)
    let theirs = server.accepted[0]
    theirs.setWindow(20_000)
    theirs.consume(1000)
    try exchange(client, server)
    #expect((20_000...21_000).contains(theirs.received.count))
    let wide = theirs.received.count
    theirs.setWindow(1000)
    theirs.consume(wide - 1000)
    try exchange(client, server)
    #expect((wide...wide + 1000).contains(theirs.received.count))
    while theirs.received.count < 50_000 {
      let before = theirs.received.count
      theirs.consume(500)
      try exchange(client, server)
      #expect((0...1000).contains(theirs.received.count - before))
      if theirs.received.count == before { theirs.consume(500) }
    }
  }

  @Test func manyTimesTheConnectionWindowGoesThrough() throws {
    let (client, server) = try connected { $0.connectionWindowBytes = 70_000 }
    let mine = RecordingStream()
    mine.body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
    let sent = mine.body
    try client.request(mine)
    try exchange(client, server)
    #expect(server.accepted[0].received == sent)
  }

  @Test func aTransportThatIsFullLosesNothing() throws {
    let (client, server) = try connected()
    let mine = RecordingStream()
    mine.body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let sent = mine.body
    try client.request(mine)
    var isComplete = false
    while !isComplete || !mine.body.isEmpty {
      client.room = 1
      isComplete = try client.connection.drain(into: client)
      let bytes = client.output
      client.output = []
      try server.receive(bytes)
      try client.receive(server.drained())
    }
    #expect(server.accepted[0].received == sent && server.accepted[0].hasEnded)
  }

  @Test func resetReachesTheOtherSide() throws {
    let (client, server) = try connected()
    let mine = RecordingStream()
    mine.staysOpen = true
    try client.request(mine)
    try exchange(client, server)
    mine.reset(.cancel)
    try exchange(client, server)
    #expect(server.accepted[0].closedWith == .cancel && mine.closedWith == .cancel)
    #expect(!mine.isOpen && !server.accepted[0].isOpen)
    // Late responses from a handler that has not noticed the end are ignored.
    server.accepted[0].respond(Self.ok, body: true)
    server.accepted[0].resume()
    server.accepted[0].consume(10)
    server.accepted[0].reset(.cancel)
    try exchange(client, server)
  }

  @Test func aServerThatHasAnsweredAsksTheClientToStop() throws {
    let (client, server) = try connected()
    let mine = RecordingStream()
    mine.staysOpen = true
    try client.request(mine)
    try exchange(client, server)
    server.accepted[0].respond(Self.ok, body: false)
    try exchange(client, server)
    #expect(mine.fields == [":status: 200", "content-type: test/plain"])
    #expect(mine.hasEnded && mine.closedWith == .noError && server.accepted[0].closedWith == .noError)
  }

  @Test func closingTellsEveryStream() throws {
    let (client, server) = try connected()
    for _ in 0..<5 {
      let stream = RecordingStream()
      stream.staysOpen = true
      try client.request(stream)
    }
    try exchange(client, server)
    server.connection.close(.cancel)
    #expect(server.accepted.count == 5 && server.accepted.allSatisfy { $0.closedWith == .cancel && !$0.isOpen })
    #expect(server.connection.isFinished)
    server.connection.close(.cancel)
  }

  @Test func shutdownServesWhatWasUnderWay() throws {
    let (client, server) = try connected()
    let first = RecordingStream()
    first.staysOpen = true
    try client.request(first)
    try exchange(client, server)

    server.connection.announceShutdown()
    var acknowledged: UInt64?
    server.connection.onPingAcknowledged = { acknowledged = $0 }
    server.connection.ping(77)
    try exchange(client, server)
    #expect(acknowledged == 77 && client.connection.peerGoAway == .noError)
    #expect(throws: HTTP2Error.self) { try client.request(RecordingStream()) }

    server.connection.goAway()
    try exchange(client, server)
    #expect(!server.connection.isFinished)
    server.accepted[0].respond(Self.ok, body: false)
    try exchange(client, server)
    #expect(first.fields.first == ":status: 200" && first.closedWith == .noError)
    #expect(server.connection.isFinished)
  }
}
