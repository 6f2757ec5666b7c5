import HTTP2
import NIOCore
import Testing
import Turns

@testable import GRPC
@testable import Transport

/// A peer that sends its request or reads its response too slowly loses its call or its connection; a peer that is fast enough
/// does not.
@Suite(.takesTurns)
struct DeadlineTests {
  private func limits(_ adjust: (inout ConnectionLimits) -> Void) -> ServerLimits {
    var limits = ServerLimits()
    adjust(&limits.connection)
    return limits
  }

  private func run(_ limits: ServerLimits, _ body: (Pair) async throws -> Void) async throws {
    let end = Signal()
    try await Pair.run(limits) {
      $0.unary("Echo", decode: .bytes, encode: .bytes) { request, _ in request }
      $0.unary("Big", decode: .bytes, encode: .bytes) { _, _ in ByteBuffer(repeating: 1, count: 10_000_000) }
      $0.bidirectional("Chat", decode: .bytes, encode: .bytes) { requests, writer, _ in
        for try await request in requests { try await writer.write(request) }
      }
      $0.serverStreaming("Quiet", decode: .bytes, encode: .bytes) { _, writer, _ in
        try await writer.write(ByteBuffer(string: "first"))
        await end.wait()
        try await writer.write(ByteBuffer(string: "last"))
      }
    } _: { pair async throws in
      try await body(pair)
      end.fire()
    }
  }

  private let usual = RawConnection.block(RawConnection.usual("/t.S/Echo"))

  private func status(_ connection: RawConnection, _ stream: UInt32) async -> String? {
    let end = await connection.until { $0.stream == stream && $0.type == 1 && $0.flags & 1 != 0 }
    return end.map { String(decoding: $0.payload.filter { (32..<127).contains($0) }, as: UTF8.self) }
  }

  @Test("The rest of a header list must arrive in time", arguments: [false, true])
  func headerList(isContinued: Bool) async throws {
    try await run(limits { $0.headerTimeout = .seconds(6) }) { pair in
      let whole = RawConnection.headers(1, usual, end: true)
      // Half a frame, or a complete one without its CONTINUATION.
      let (begin, rest) =
        isContinued
        ? (RawConnection.frame(1, stream: 1, usual), RawConnection.frame(9, flags: 4, stream: 1))
        : (Array(whole.prefix(20)), Array(whole.dropFirst(20)))
      let prompt = try await RawConnection(pair.address)
      await prompt.send(begin)
      let slow = try await RawConnection(pair.address)
      await slow.send(begin)
      await prompt.send(rest)
      let goAway = try #require(await slow.goAway())
      #expect(goAway.code == HTTP2Error.Code.enhanceYourCalm.rawValue)
      #expect(goAway.text == "A header list or another frame was not completed in time (6000 ms)")
      #expect(pair.server.refusalCounts[.headers] == 1 && prompt.isOpen)
      await prompt.close()
    }
  }

  @Test(
    "Headers without a message, a partial message, and a request without an end fail their call",
    arguments: [[], [UInt8](repeating: 0, count: 3), [0, 0, 0, 0, 1, 1]])
  func request(bytes: [UInt8]) async throws {
    try await run(limits { $0.requestTimeout = .seconds(6) }) { pair in
      let connection = try await RawConnection(pair.address)
      await connection.send(RawConnection.headers(1, usual) + RawConnection.headers(3, usual))
      if !bytes.isEmpty { await connection.send(RawConnection.frame(0, stream: 1, bytes)) }
      await connection.send(RawConnection.message(3, announcing: 1, [1], end: true))
      #expect(await status(connection, 3) != nil)
      #expect(await connection.until { $0.stream == 1 && $0.flags & 1 != 0 } != nil)
      #expect(pair.server.refusalCounts[.slowRequest] == 1 && connection.isOpen)
      await connection.close()
    }
  }

  @Test("A message must arrive at the minimum rate")
  func trickle() async throws {
    try await run(
      limits {
        $0.requestTimeout = .seconds(6)
        $0.minBytesPerSecond = 500
      }
    ) { pair in
      let connection = try await RawConnection(pair.address)
      await connection.send(
        RawConnection.headers(1, usual) + RawConnection.message(1, announcing: 1_000_000, [])
          + RawConnection.headers(3, usual) + RawConnection.message(3, announcing: 1_000_000, []))
      var ended = false
      // One stream gets a byte at a time, the other the bytes of a second.
      while !ended {
        await connection.send(
          RawConnection.frame(0, stream: 1, [1])
            + RawConnection.frame(0, stream: 3, [UInt8](repeating: 1, count: 1000)))
        try await Task.sleep(for: .milliseconds(30))
        ended = connection.frames.contains { $0.stream == 1 && $0.flags & 1 != 0 }
      }
      #expect(!connection.frames.contains { $0.stream == 3 && $0.flags & 1 != 0 })
      await connection.close()
    }
  }

  @Test("A call without messages is not ended")
  func quiet() async throws {
    try await run(
      limits {
        $0.requestTimeout = .seconds(1); $0.readerTimeout = .seconds(1)
      }
    ) { pair in
      let quiet = try await pair.client.serverStreaming("/t.S/Quiet", ByteBuffer(), encode: .bytes, decode: .bytes)
      let chat = try await pair.client.bidirectional("/t.S/Chat", encode: .bytes, decode: .bytes)
      var (lines, replies) = (quiet.makeAsyncIterator(), chat.responses.makeAsyncIterator())
      try await chat.requests.write(ByteBuffer(string: "x"))
      #expect(try await lines.next() == ByteBuffer(string: "first"))
      #expect(try await replies.next() == ByteBuffer(string: "x"))
      try await Task.sleep(for: .milliseconds(2500))
      try await chat.requests.write(ByteBuffer(string: "y"))
      #expect(try await replies.next() == ByteBuffer(string: "y"))
      chat.requests.finish()
      #expect(pair.server.refusalCounts.isEmpty)
      quiet.cancel()
    }
  }

  @Test("A client that keeps its stream's window closed loses the call, but not the connection")
  func shutWindow() async throws {
    try await run(limits { $0.readerTimeout = .milliseconds(300) }) { pair in
      let connection = try await RawConnection(pair.address)
      let big = RawConnection.block(RawConnection.usual("/t.S/Big"))
      await connection.send(RawConnection.headers(1, big) + RawConnection.message(1, announcing: 0, [], end: true))
      let reset = await connection.until { $0.stream == 1 && $0.type == 3 }
      #expect(reset?.payload == [0, 0, 0, 11])
      while pair.server.accounts.queuedBytes > 0 { await Task.yield() }
      #expect(pair.server.refusalCounts[.slowReader] == 1)
      // The data of the first call has exhausted the window of the connection.
      await connection.send(
        RawConnection.frame(8, [0, 1, 0, 0]) + RawConnection.headers(3, usual)
          + RawConnection.message(3, announcing: 0, [], end: true))
      #expect(await status(connection, 3) != nil)
      await connection.close()
    }
  }

  @Test("A client that does not read from its socket loses the connection; one that reads slowly does not")
  func deafSocket() async throws {
    try await run(limits { $0.readerTimeout = .seconds(6) }) { pair in
      let big = RawConnection.block(RawConnection.usual("/t.S/Big"))
      let open =
        RawConnection.frame(4, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF])
        + RawConnection.frame(8, [0x7F, 0, 0, 0]) + RawConnection.headers(1, big)
        + RawConnection.message(1, announcing: 0, [], end: true)
      let deaf = try await RawConnection(pair.address, reads: false)
      await deaf.send(open)
      let slow = try await RawConnection(pair.address, reads: false)
      await slow.send(open)
      while pair.server.refusalCounts[.slowReader] == nil {
        slow.readOnce()
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(pair.server.connectionCount == 2, "the client of the pair and the slow one")
      await deaf.close()
      await slow.close()
      while pair.server.connectionCount > 1 { await Task.yield() }
    }
  }

  @Test("Requests in a burst are all served, in turns")
  func burst() async throws {
    var limits = ServerLimits()
    limits.http2.maxConcurrentStreams = 10_000
    try await run(limits) { pair in
      let connection = try await RawConnection(pair.address)
      let count = 4000
      var bytes: [UInt8] = []
      for number in 0..<count {
        let stream = UInt32(2 * number + 1)
        bytes += RawConnection.headers(stream, usual)
        bytes += RawConnection.message(stream, announcing: 0, [], end: true)
      }
      connection.push(bytes)
      #expect(try await pair.status("Echo") == .ok)
      #expect(await connection.until { $0.stream == UInt32(2 * count - 1) && $0.flags & 1 != 0 } != nil)
      #expect(connection.frames.filter { $0.type == 1 && $0.flags & 1 != 0 }.count == count)
      await connection.close()
    }
  }
}

struct PaceTests {
  @Test func growthIsAskedForInEachWindow() {
    var pace = Pace()
    let start = NIODeadline.uptimeNanoseconds(0)
    func isTooSlow(_ amount: Int, _ seconds: Int64) -> Bool {
      pace.isTooSlow(amount, at: start + .seconds(seconds), window: .seconds(10), least: 100)
    }
    #expect(!isTooSlow(0, 0) && !isTooSlow(0, 9) && isTooSlow(99, 10))
    #expect(!isTooSlow(100, 10) && !isTooSlow(100, 19) && isTooSlow(199, 20))
    pace.rest()
    #expect(!isTooSlow(199, 100) && isTooSlow(199, 110))
    #expect(TimeAmount.seconds(30).bytes(at: 1024) == 30_720 && TimeAmount.milliseconds(1).bytes(at: 10) == 1)
  }
}
