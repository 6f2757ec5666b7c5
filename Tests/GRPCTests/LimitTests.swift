import HTTP2
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Turns

@testable import GRPC
@testable import Transport

/// Each limit of a server is reached once.
@Suite(.takesTurns)
struct LimitTests {
  private func sizes(_ service: inout GRPCService) {
    service.unary("Size", decode: .bytes, encode: .bytes) { request, _ in ByteBuffer(integer: request.readableBytes) }
  }

  @Test func aMessageOverTheLimitIsAStatus() async throws {
    var limits = ServerLimits()
    limits.maxMessageBytes = 100_000
    try await Pair.run(limits) {
      sizes(&$0)
    } _: { pair async throws in
      #expect(try await pair.status("Size", ByteBuffer(repeating: 1, count: 100_001)).code == .resourceExhausted)
      #expect(try await pair.status("Size", ByteBuffer(repeating: 1, count: 10_000_000)).code == .resourceExhausted)
      #expect(try await pair.status("Size", ByteBuffer(repeating: 1, count: 100_000)) == .ok)
    }
  }

  @Test func aResponseOverTheClientsLimitIsAStatus() async throws {
    var limits = ClientLimits()
    limits.maxMessageBytes = 1000
    try await Pair.run(clientLimits: limits) {
      $0.unary("Big", decode: .bytes, encode: .bytes) { _, _ in ByteBuffer(repeating: 1, count: 1001) }
    } _: { pair async throws in
      #expect(try await pair.status("Big").code == .resourceExhausted)
    }
  }

  @Test func largeMessagesTakeTurnsInTheBudget() async throws {
    var limits = ServerLimits()
    limits.messageBudgetBytes = 3_000_000
    try await Pair.run(limits) {
      sizes(&$0)
    } _: { pair async throws in
      #expect(try await pair.status("Size", ByteBuffer(repeating: 1, count: 3_000_001)).code == .resourceExhausted)
      try await withThrowingTaskGroup(of: GRPCStatus.self) { group in
        for _ in 0..<20 {
          group.addTask { try await pair.status("Size", ByteBuffer(repeating: 1, count: 2_000_000)) }
        }
        for try await status in group { #expect(status == .ok) }
      }
      #expect(pair.server.messageBudget.free == 3_000_000)
    }
  }

  /// A peer that stops in the middle of a large message does not starve others forever.
  @Test func aStalledMessageLosesItsPlaceWhenOthersWait() async throws {
    var limits = ServerLimits()
    limits.messageBudgetBytes = 3_000_000
    limits.stalledMessageTimeout = .milliseconds(50)
    try await Pair.run(limits) {
      sizes(&$0)
    } _: { pair async throws in
      let stalled = try await RawCall.open(pair.address, path: "/t.S/Size")
      await stalled.send(ByteBuffer(bytes: [0, 0, 0x2D, 0xC6, 0xC0] + [UInt8](repeating: 1, count: 1000)))
      while pair.server.messageBudget.free > 0 { await Task.yield() }
      #expect(try await pair.status("Size", ByteBuffer(repeating: 1, count: 2_000_000)) == .ok)
      #expect(await stalled.outcome().fields.contains("grpc-status: 8"))
      await stalled.close()
    }
  }

  /// The bytes of a message count until its handler requests the next one, because they are in memory until then.
  @Test func aMessageKeepsItsRoomUntilTheNextIsAskedFor() async throws {
    var limits = ServerLimits()
    limits.messageBudgetBytes = 3_000_000
    let (arrivals, arrived) = AsyncStream<Void>.makeStream()
    let goOn = Signal()
    try await Pair.run(limits) {
      $0.clientStreaming("Keep", decode: .bytes, encode: .bytes) { requests, _ -> ByteBuffer in
        var requests = requests.makeAsyncIterator()
        _ = try await requests.next()
        arrived.yield()
        await goOn.wait()
        _ = try await requests.next()
        return ByteBuffer()
      }
      sizes(&$0)
    } _: { pair async throws in
      let keeping = Task { try await pair.status("Keep", ByteBuffer(repeating: 1, count: 2_000_000)) }
      var iterator = arrivals.makeAsyncIterator()
      await iterator.next()
      #expect(pair.server.messageBudget.free == 1_000_000)
      let waiting = Task { try await pair.status("Size", ByteBuffer(repeating: 1, count: 2_000_000)) }
      while !pair.server.messageBudget.isContended { await Task.yield() }
      #expect(try await pair.status("Size", ByteBuffer(repeating: 1, count: 1000)) == .ok)
      goOn.fire()
      #expect(try await waiting.value == .ok)
      #expect(try await keeping.value == .ok)
      #expect(pair.server.messageBudget.free == 3_000_000)
    }
  }

  /// Connections above the limit for accepting wait, and are served when others end.
  @Test func connectionsThatAreNotAcceptedWait() async throws {
    var limits = ServerLimits()
    limits.connection.maxAcceptedConnections = 2
    try await Pair.run(limits) {
      sizes(&$0)
    } _: { pair async throws in
      let second = try await GRPCClient.connect(to: pair.address)
      _ = try await second.unary("/t.S/Size", ByteBuffer(), encode: .bytes, decode: .bytes)
      // The kernel accepts the third connection, but the server does not yet.
      let third = Task { () throws -> Int? in
        let client = try await GRPCClient.connect(to: pair.address)
        let answer = try await client.unary(
          "/t.S/Size", ByteBuffer(repeating: 1, count: 7), encode: .bytes, decode: .bytes)
        await client.close()
        return answer.getInteger(at: answer.readerIndex, as: Int.self)
      }
      for _ in 0..<100 { #expect(try await pair.status("Size") == .ok) }
      #expect(pair.server.connectionCount == 2)
      await second.close()
      #expect(try await third.value == 7)
    }
  }

  @Test("A peer with as many connections as it may have gets another one when one of them ends")
  func connectionsOfAPeer() async throws {
    var limits = ServerLimits()
    limits.connection.maxConnectionsPerPeer = 3
    try await Pair.run(limits) {
      sizes(&$0)
    } _: { pair async throws in
      _ = try await pair.status("Size")
      func isServed() async throws -> (Bool, RawConnection) {
        let connection = try await RawConnection(pair.address)
        return (await connection.until { $0.type == 4 && $0.flags == 1 } != nil, connection)
      }
      let (second, third) = (try await isServed(), try await isServed())
      #expect(second.0 && third.0)
      for _ in 0..<5 { #expect(try await isServed().0 == false) }
      #expect(pair.server.refusalCounts == [.connections: 5])
      await second.1.close()
      // The server may not have noticed yet.
      while true {
        let (isOpen, another) = try await isServed()
        await another.close()
        if isOpen { break }
      }
      #expect(try await pair.status("Size") == .ok)
      await third.1.close()
    }
  }

  @Test(
    "A metadata field of more than 64 KiB costs its call, and neither the connection nor other calls",
    arguments: [
      70_000, 200_000, 900_000,
    ])
  func aLongMetadataField(size: Int) async throws {
    let goOn = Signal()
    try await Pair.run {
      sizes(&$0)
      $0.unary("Wait", decode: .bytes, encode: .bytes) { request, _ in
        await goOn.wait()
        return request
      }
    } _: { pair async throws in
      let waiting = try await RawCall.open(pair.address, path: "/t.S/Wait")
      await waiting.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
      let long = try await RawCall.open(
        on: waiting, path: "/t.S/Size", extra: ["x": String(repeating: "v", count: size)])
      let outcome = await long.outcome()
      #expect(outcome.fields.contains("grpc-status: 8"))
      #expect(outcome.fields.contains("grpc-message: The request's metadata is over 65536 bytes"), "\(outcome.fields)")
      goOn.fire()
      #expect(await waiting.outcome().fields.contains("grpc-status: 0"))
      #expect(pair.server.refusalCounts == [.metadata: 1])
      await waiting.close()
    }
  }

  @Test("A violation of HTTP/2 that nghttp2 detects is counted, and the GOAWAY contains the reason")
  func violations() async throws {
    try await Pair.run {
      sizes(&$0)
    } _: { pair async throws in
      let connection = try await RawConnection(pair.address)
      await connection.send(RawConnection.frame(0, stream: 1, [1]))
      let goAway = try #require(await connection.goAway())
      #expect(goAway.code == HTTP2Error.Code.protocolError.rawValue && goAway.text == "DATA: stream in idle")
      #expect(pair.server.refusalCounts == [.protocolError: 1])
    }
  }

  @Test func aCallThatEndsWhileItWaitsLeavesTheQueue() async throws {
    var limits = ServerLimits()
    limits.messageBudgetBytes = 3_000_000
    try await Pair.run(limits) {
      sizes(&$0)
    } _: { pair async throws in
      let holder = try await RawCall.open(pair.address, path: "/t.S/Size")
      await holder.send(ByteBuffer(bytes: [0, 0, 0x2D, 0xC6, 0xC0]))
      while pair.server.messageBudget.free > 0 { await Task.yield() }
      let options = CallOptions(timeout: .milliseconds(50))
      let status = try await pair.status("Size", ByteBuffer(repeating: 1, count: 2_000_000), options)
      #expect(status.code == .deadlineExceeded)
      while pair.server.messageBudget.isContended { await Task.yield() }
      await holder.close()
      while pair.server.messageBudget.free < 3_000_000 { await Task.yield() }
    }
  }

  @Test func unreadBytesHaveABound() async throws {
    var limits = ServerLimits()
    limits.maxUnreadBytes = 100_000
    let never = Signal()
    try await Pair.run(limits) {
      $0.bidirectional("Deaf", decode: .bytes, encode: .bytes) { _, _, _ in await never.wait() }
    } _: { pair async throws in
      // There is room for one message. Which two calls fail depends on whose bytes arrive when it is used up.
      let (outcomes, report) = AsyncStream<RawCall.Outcome>.makeStream()
      var calls: [RawCall] = []
      for _ in 0..<3 {
        let call = try await RawCall.open(pair.address, path: "/t.S/Deaf")
        await call.send(ByteBuffer(repeating: 0, count: 60_000))
        Task { report.yield(await call.outcome()) }
        calls.append(call)
      }
      var iterator = outcomes.makeAsyncIterator()
      for _ in 0..<2 { #expect(await iterator.next()?.fields.contains("grpc-status: 8") == true) }
      for call in calls { await call.close() }
      #expect(await iterator.next()?.fields.isEmpty == true)
      never.fire()
    }
  }

  @Test func responsesThatNobodyReadsHaveABound() async throws {
    var limits = ServerLimits()
    limits.connection.maxPendingBodyBytes = 5_000_000
    try await Pair.run(limits) {
      $0.unary("Big", decode: .bytes, encode: .bytes) { _, _ in ByteBuffer(repeating: 1, count: 4_000_000) }
    } _: { pair async throws in
      // A single waiting response is allowed, whatever its size; a second one exceeds the limit.
      let first = try await RawCall.open(pair.address, path: "/t.S/Big", reads: false)
      await first.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
      await first.untilHeaders()
      let second = try await RawCall.open(on: first, path: "/t.S/Big")
      await second.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
      #expect(await second.outcome().fields.contains("grpc-status: 8"))
      await first.close()
    }
  }

  @Test func aStalledReaderStallsOnlyItsProducer() async throws {
    let written = Atomic<Int>(0)
    try await Pair.run {
      $0.serverStreaming("Flood", decode: .bytes, encode: .bytes) { _, writer, _ in
        for _ in 0..<1000 {
          try await writer.write(ByteBuffer(repeating: 1, count: 100_000))
          written.wrappingAdd(1, ordering: .relaxed)
        }
      }
      sizes(&$0)
    } _: { pair async throws in
      let responses = try await pair.client.serverStreaming("/t.S/Flood", ByteBuffer(), encode: .bytes, decode: .bytes)
      var iterator = responses.makeAsyncIterator()
      _ = try await iterator.next()
      for _ in 0..<200 { #expect(try await pair.status("Size") == .ok) }
      // The watermark (1 MiB), the window, and one or two messages.
      #expect(written.load(ordering: .relaxed) < 30)
      var count = 1
      while try await iterator.next() != nil { count += 1 }
      #expect(count == 1000)
    }
  }

  @Test(arguments: [
    ("POST", "text/plain", "415"), ("POST", "application/grpcx", "415"), ("GET", "application/grpc", "405"),
    ("POST", "application/grpc+proto", "200"), ("POST", "Application/gRPC", "200"),
    ("POST", "application/grpc;x=1", "200"),
  ])
  func whatIsNotGRPCIsAnsweredInHTTP(method: String, contentType: String, status: String) async throws {
    try await Pair.run {
      sizes(&$0)
    } _: { pair async throws in
      let call = try await RawCall.open(pair.address, path: "/t.S/Size", method: method, contentType: contentType)
      await call.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
      #expect(await call.outcome().fields.first == ":status: \(status)")
      await call.close()
    }
  }

  @Test(arguments: [
    (["grpc-timeout": "soon"], "13"), (["grpc-timeout": "0S"], "4"), (["x-bin": "!"], "13"),
    (["grpc-encoding": "snappy"], "12"),
    (["x": String(repeating: "v", count: 70_000 / 2), "y": String(repeating: "v", count: 70_000 / 2)], "8"),
  ])
  func brokenHeadersAreAStatus(extra: [String: String], code: String) async throws {
    try await Pair.run {
      sizes(&$0)
    } _: { pair async throws in
      let call = try await RawCall.open(pair.address, path: "/t.S/Size", extra: extra)
      let outcome = await call.outcome()
      #expect(outcome.fields.contains("grpc-status: \(code)") && outcome.body.readableBytes == 0)
      #expect(outcome.headerLists == 1, "an error before any message is one list of trailers")
      if code == "12" { #expect(outcome.fields.contains("grpc-accept-encoding: identity,gzip")) }
      await call.close()
    }
  }

  @Test func aLongStatusMessageIsCutAndHugeMetadataCostsItsCall() async throws {
    try await Pair.run {
      $0.unary("Long", decode: .bytes, encode: .bytes) { _, _ -> ByteBuffer in
        throw GRPCStatus(.aborted, String(repeating: "long", count: 1_000_000))
      }
      $0.unary("Huge", decode: .bytes, encode: .bytes) { request, context in
        var metadata = Metadata()
        for number in 0..<20 { try metadata.add("x\(number)", String(repeating: "v", count: 1_000_000)) }
        context.setTrailingMetadata(metadata)
        return request
      }
    } _: { pair async throws in
      let long = try await pair.status("Long")
      #expect(long.code == .aborted && long.message.count == 16 * 1024)
      #expect(try await pair.status("Huge").code == .internal)
      #expect(try await pair.status("Long").code == .aborted)
    }
  }

  @Test func aDeadlineBetweenTheMessageAndItsEndRunsNothing() async throws {
    let hasRun = Atomic<Bool>(false)
    try await Pair.run {
      $0.unary("Run", decode: .bytes, encode: .bytes) { request, _ in
        hasRun.store(true, ordering: .relaxed)
        return request
      }
    } _: { pair async throws in
      let call = try await RawCall.open(pair.address, path: "/t.S/Run", extra: ["grpc-timeout": "20m"])
      await call.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]))
      #expect(await call.outcome().fields.contains("grpc-status: 4"))
      await call.close()
    }
    let didRun = hasRun.load(ordering: .relaxed)
    #expect(!didRun)
  }

  @Test(arguments: [
    ([UInt8](), "12"), ([0, 0, 0, 0], "13"), ([0, 0, 0, 0, 2, 1], "13"), ([1, 0, 0, 0, 1, 1], "13"),
    ([9, 0, 0, 0, 1, 1], "13"), ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "12"),
  ])
  func brokenMessagesAreAStatus(bytes: [UInt8], code: String) async throws {
    try await Pair.run {
      sizes(&$0)
    } _: { pair async throws in
      let call = try await RawCall.open(pair.address, path: "/t.S/Size")
      await call.send(ByteBuffer(bytes: bytes), end: true)
      let outcome = await call.outcome()
      #expect(outcome.fields.contains("grpc-status: \(code)"), "\(outcome.fields)")
      #expect(outcome.headerLists == 1)
      await call.close()
    }
  }
}
