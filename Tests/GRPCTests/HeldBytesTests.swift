import HTTP2
import Logging
import NIOCore
import Synchronization
import Testing
import Turns

@testable import GRPC
@testable import Transport

/// The bytes held on behalf of peers are limited by connection, by peer and in total; exceeding a limit affects only that peer.
@Suite(.takesTurns)
struct HeldBytesTests {
  /// Runs a server whose `Hang` responds when `body` has returned, and whose `Echo` responds at once.
  private func run(_ limits: ServerLimits, _ body: (Pair) async throws -> Void) async throws {
    let end = Signal()
    try await Pair.run(limits) {
      $0.unary("Hang", decode: .bytes, encode: .bytes) { request, _ in
        await end.wait()
        return request
      }
      $0.bidirectional("Deaf", decode: .bytes, encode: .bytes) { _, _, _ in await end.wait() }
      $0.unary("Echo", decode: .bytes, encode: .bytes) { request, _ in request }
    } _: { pair async throws in
      try await body(pair)
      end.fire()
      while pair.server.accounts.receivedBytes > PeerAccounts.quantumBytes { await Task.yield() }
    }
  }

  /// Returns the statuses of calls, from their trailers.
  private func statuses(_ connection: RawConnection) -> [String] {
    connection.frames.filter { $0.type == 1 }.compactMap { frame in
      let text = String(decoding: frame.payload.filter { (32..<127).contains($0) }, as: UTF8.self)
      return text.contains("grpc-status") ? text : nil
    }
  }

  @Test("A few bytes that expand to more metadata values than the limit fail their call")
  func commas() async throws {
    var limits = ServerLimits()
    limits.maxMetadataEntries = 500
    try await run(limits) { pair in
      let connection = try await RawConnection(pair.address)
      let usual = RawConnection.block(RawConnection.usual("/t.S/Echo"))
      let many = String(repeating: ",", count: 499)
      await connection.send(
        RawConnection.headers(1, usual + RawConnection.indexed("x-bin", many))
          + RawConnection.message(1, announcing: 0, [], end: true))
      _ = await connection.until { $0.stream == 1 && $0.type == 1 && $0.flags & 1 != 0 }
      #expect(pair.server.refusalCounts[.metadata] == nil)
      await connection.send(
        RawConnection.headers(3, usual + RawConnection.indexed("x-bin", many + ","))
          + RawConnection.headers(5, usual + RawConnection.newest + RawConnection.newest))
      let refused = await connection.until { $0.stream == 3 && $0.type == 1 && $0.flags & 1 != 0 }
      #expect(refused != nil)
      _ = await connection.until { $0.stream == 5 && $0.type == 1 && $0.flags & 1 != 0 }
      #expect(pair.server.refusalCounts[.metadata] == 2 && connection.isOpen)
      #expect(try await pair.status("Echo") == .ok)
      await connection.close()
    }
  }

  @Test("Calls whose headers refer to the header compression table are charged for their expanded size and cut off")
  func referencesToTheTable() async throws {
    var limits = ServerLimits()
    limits.connection.received = Shares(perConnection: 1 << 20, perPeer: 4 << 20, total: 16 << 20)
    try await run(limits) { pair in
      let connection = try await RawConnection(pair.address)
      let usual = RawConnection.block(RawConnection.usual("/t.S/Hang"))
      let bomb = RawConnection.indexed("x-bin", String(repeating: ",", count: 900))
      var bytes = RawConnection.headers(1, usual + bomb)
      for number in 1..<500 { bytes += RawConnection.headers(UInt32(2 * number + 1), usual + RawConnection.newest) }
      connection.push(bytes)
      let goAway = try #require(await connection.goAway())
      #expect(goAway.code == HTTP2Error.Code.enhanceYourCalm.rawValue)
      #expect(goAway.text.hasPrefix("This connection made the server buffer too much ("))
      #expect(pair.server.refusalCounts[.receivedBytes] == 1)
      #expect(try await pair.status("Echo") == .ok)
    }
  }

  @Test("Connections of a peer share its limit: the one that exceeds it is cut off, the others stay open")
  func aPeersShare() async throws {
    var limits = ServerLimits()
    limits.connection.received = Shares(perConnection: 200_000, perPeer: 250_000, total: 16 << 20)
    try await run(limits) { pair in
      func hoard(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { number in
          let stream = UInt32(2 * number + 1)
          return RawConnection.headers(stream, RawConnection.block(RawConnection.usual("/t.S/Deaf")))
            + RawConnection.frame(0, stream: stream, [UInt8](repeating: 0, count: 16_000))
        }
      }
      let first = try await RawConnection(pair.address)
      await first.send(hoard(10))
      while pair.server.accounts.receivedBytes < 150_000 { await Task.yield() }
      let second = try await RawConnection(pair.address)
      second.push(hoard(10))
      let goAway = try #require(await second.goAway())
      #expect(goAway.code == HTTP2Error.Code.enhanceYourCalm.rawValue)
      #expect(goAway.text.hasPrefix("The connections of 127.0.0.1 together made the server buffer too much"))
      #expect(first.isOpen)
      #expect(try await pair.status("Echo", ByteBuffer(repeating: 1, count: 1000)) == .ok)
      // Alone, the first connection stays within its share until it exceeds that as well.
      first.push(Array(hoard(13)[(hoard(10).count)...]))
      #expect(await first.goAway()?.text.hasPrefix("This connection made") == true)
    }
  }

  @Test("Streams beyond a peer's share are refused one by one")
  func streamsOfAPeer() async throws {
    var limits = ServerLimits()
    limits.connection.streams.perPeer = 150
    try await run(limits) { pair in
      let usual = RawConnection.block(RawConnection.usual("/t.S/Hang"))
      var connections: [RawConnection] = []
      for _ in 0..<2 {
        let connection = try await RawConnection(pair.address)
        await connection.send((0..<200).flatMap { RawConnection.headers(UInt32(2 * $0 + 1), usual) })
        _ = await connection.until { $0.type == 3 && $0.payload == [0, 0, 0, 7] }
        connections.append(connection)
      }
      #expect(pair.server.refusalCounts[.streams] ?? 0 > 0)
      for connection in connections {
        #expect(connection.isOpen)
        await connection.close()
      }
    }
  }

  @Test("A response that exceeds the share of its peer, but not of its connection, fails its call")
  func answersOfAPeer() async throws {
    var limits = ServerLimits()
    limits.connection.queued = Shares(perConnection: 5_000_000, perPeer: 6_000_000, total: 100_000_000)
    try await Pair.run(limits) {
      $0.unary("Big", decode: .bytes, encode: .bytes) { request, _ in
        ByteBuffer(repeating: 1, count: request.readableBytes > 0 ? 1_000_000 : 4_000_000)
      }
    } _: { pair async throws in
      var calls: [RawCall] = []
      for _ in 0..<2 {
        let call = try await RawCall.open(pair.address, path: "/t.S/Big", reads: false)
        await call.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
        await call.untilHeaders()
        calls.append(call)
      }
      let third = try await RawCall.open(on: calls[1], path: "/t.S/Big")
      await third.send(ByteBuffer(bytes: [0, 0, 0, 0, 1, 1]), end: true)
      #expect(await third.outcome().fields.contains("grpc-status: 8"))
      #expect(pair.server.refusalCounts[.queuedBytes] == 1)
      for call in calls { await call.close() }
      while pair.server.accounts.queuedBytes > 0 { await Task.yield() }
    }
  }

  @Test(
    "What a handler holds for its responses is limited by the shares of waiting answers, until it is written or the call ends"
  )
  func heldResponses() async throws {
    var limits = ServerLimits()
    limits.connection.queued = Shares(perConnection: 1_000_000, perPeer: 1_500_000, total: 10_000_000)
    let (answers, answered) = AsyncStream<Bool>.makeStream()
    let goOn = Signal()
    try await Pair.run(limits) {
      $0.serverStreaming("Hold", decode: .bytes, encode: .bytes) { request, writer, _ in
        let isHeld = await writer.hold(request.readableBytes)
        answered.yield(isHeld)
        await goOn.wait()
        // Pieces have their room already, although the share is used up.
        if isHeld {
          for _ in 0..<10 { try await writer.write(ByteBuffer(repeating: 1, count: request.readableBytes / 10)) }
        }
      }
    } _: { pair async throws in
      let other = try await GRPCClient.connect(to: pair.address)
      var iterator = answers.makeAsyncIterator()
      var calls: [Task<Int, any Error>] = []
      for (client, bytes, isHeld) in [
        (pair.client, 600_000, true), (pair.client, 400_001, false), (pair.client, 400_000, true),
        (other, 500_001, false), (other, 500_000, true),
      ] {
        calls.append(
          Task {
            let responses = try await client.serverStreaming(
              "/t.S/Hold", ByteBuffer(repeating: 1, count: bytes), encode: .bytes, decode: .bytes)
            var count = 0
            for try await response in responses { count += response.readableBytes }
            return count
          })
        #expect(await iterator.next() == isHeld)
      }
      #expect(pair.server.accounts.queuedBytes == 1_500_000)
      goOn.fire()
      var counts: [Int] = []
      for call in calls { counts.append(try await call.value) }
      #expect(counts == [600_000, 0, 400_000, 0, 500_000])
      // What a connection counts may lag behind by two quanta.
      while pair.server.accounts.queuedBytes > 4 * PeerAccounts.quantumBytes { await Task.yield() }
      await other.close()
    }
  }

  @Test("A call that ends releases what its handler holds")
  func heldResponsesOfAClientThatIsGone() async throws {
    let held = Signal()
    let goOn = Signal()
    try await Pair.run {
      $0.serverStreaming("Hold", decode: .bytes, encode: .bytes) { _, writer, _ in
        #expect(await writer.hold(1_000_000))
        held.fire()
        await goOn.wait()
        #expect(await writer.hold(1_000_000) == false)
      }
    } _: { pair async throws in
      let call = try await RawCall.open(pair.address, path: "/t.S/Hold")
      await call.send(ByteBuffer(bytes: [0, 0, 0, 0, 0]), end: true)
      await held.wait()
      #expect(pair.server.accounts.queuedBytes == 1_000_000)
      await call.close()
      while pair.server.accounts.queuedBytes > 0 { await Task.yield() }
      goOn.fire()
    }
  }

  @Test("A kind of refusal is logged once per peer, and always counted")
  func linesOfTheLog() {
    let lines = Lines()
    let count = RefusalCount(Logger(label: "test") { _ in lines })
    let (peer, neighbour) = (Peer.tcp(host: "10.0.0.1", port: 1), Peer.tcp(host: "10.0.0.1", port: 2))
    let start = NIODeadline.now()
    for _ in 0..<100 { count.note(.flood, peer: peer, "cut off", now: start) }
    count.note(.flood, peer: neighbour, "cut off", now: start)
    count.note(.streams, peer: neighbour, "refused", now: start)
    count.note(.flood, peer: .tcp(host: "10.0.0.2", port: 1), "cut off", now: start)
    #expect(lines.all == ["cut off", "refused", "cut off"])
    #expect(count.counts == [.flood: 102, .streams: 1])
    count.note(.flood, peer: peer, "again", now: start + RefusalCount.silence)
    #expect(lines.all.last == "again")
    for host in 0..<5000 { count.note(.flood, peer: .tcp(host: "host \(host)", port: 1), "x", now: start) }
    #expect(lines.all.count <= RefusalCount.maxLogged + 4)
  }
}

/// Collects the lines of a log.
private struct Lines: LogHandler {
  final class Store: Sendable { let lines = Mutex<[String]>([]) }
  private let store = Store()
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace
  var all: [String] { store.lines.withLock { $0 } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    store.lines.withLock { $0.append("\(event.message)") }
  }
}
