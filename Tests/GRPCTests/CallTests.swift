import GRPC
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing
import Transport
import Turns

/// The client and the server of this package, over a real socket.
@Suite(.takesTurns)
struct CallTests {
  private func echo(_ service: inout GRPCService) {
    service.unary("Echo", decode: .bytes, encode: .bytes) { request, _ in request }
    service.synchronousUnary("Now", decode: .bytes, encode: .bytes) { request, _ in request }
    service.bidirectional("Chat", decode: .bytes, encode: .bytes) { requests, writer, _ in
      for try await request in requests { try await writer.write(request) }
    }
  }

  @Test("Messages written before an error arrive before it")
  func messagesBeforeAnError() async throws {
    try await Pair.run { service in
      service.serverStreaming("Some", decode: .bytes, encode: .bytes) { request, writer, _ in
        for _ in 0..<3 { try await writer.write(request) }
        throw GRPCStatus(.aborted, "enough")
      }
    } _: { pair in
      var count = 0
      let responses = try await pair.client.serverStreaming(
        "/t.S/Some", ByteBuffer(repeating: 1, count: 50_000), encode: .bytes, decode: .bytes)
      let error = await #expect(throws: GRPCStatus.self) { for try await _ in responses { count += 1 } }
      #expect(count == 3 && error == GRPCStatus(.aborted, "enough"))
    }
  }

  @Test(arguments: [0, 1, 65_531, 65_532, 5_000_000])
  func unaryOfEverySize(size: Int) async throws {
    try await Pair.run {
      echo(&$0)
    } _: { pair async throws in
      let message = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0) })
      #expect(try await pair.unary("Echo", message) == message)
      #expect(try await pair.unary("Now", message) == message)
    }
  }

  /// Credit for a window is held back until it is worth a frame; no message may wait for it.
  @Test(arguments: [
    [10, 20_000, 30_000, 32_763, 32_764, 65_530, 65_531], [1, 32_763, 65_531, 65_532, 200_000, 9_000_000],
  ])
  func messagesOfAnySizeFollowOneAnother(sizes: [Int]) async throws {
    try await Pair.run {
      echo(&$0)
    } _: { pair async throws in
      let (requests, responses) = try await pair.client.bidirectional("/t.S/Chat", encode: .bytes, decode: .bytes)
      var replies = responses.makeAsyncIterator()
      var random = SplitMix(seed: 23)
      for _ in 0..<100 {
        let size = sizes.randomElement(using: &random)!
        try await requests.write(ByteBuffer(repeating: 1, count: size))
        #expect(try await replies.next()?.readableBytes == size)
      }
      requests.finish()
      #expect(try await replies.next() == nil)
    }
  }

  @Test func manyCallsAtOnce() async throws {
    try await Pair.run {
      echo(&$0)
    } _: { pair async throws in
      let sum = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<2000 {
          group.addTask {
            let reply = try await pair.unary("Echo", ByteBuffer(integer: number))
            return reply.getInteger(at: reply.readerIndex) ?? 0
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(sum == 2000 * 1999 / 2)
    }
  }

  @Test func aHandlerThatDoesNotSuspendStaysOnItsLoop() async throws {
    try await Pair.run {
      $0.unary("Loop", decode: .bytes, encode: .bytes) { _, _ in
        ByteBuffer(integer: UInt8(MultiThreadedEventLoopGroup.currentEventLoop == nil ? 0 : 1))
      }
    } _: { pair async throws in
      #expect(try await pair.unary("Loop") == ByteBuffer(integer: UInt8(1)))
    }
  }

  @Test func errorsBecomeStatuses() async throws {
    struct Convertible: GRPCStatusConvertible {
      let grpcStatus = GRPCStatus(.notFound, "gone")
    }
    struct Private: Error {}
    try await Pair.run {
      $0.unary("Status", decode: .bytes, encode: .bytes) { _, _ -> ByteBuffer in throw GRPCStatus(.aborted, "ünï") }
      $0.unary("Convertible", decode: .bytes, encode: .bytes) { _, _ -> ByteBuffer in throw Convertible() }
      $0.unary("Private", decode: .bytes, encode: .bytes) { _, _ -> ByteBuffer in throw Private() }
      $0.synchronousUnary("Now", decode: .bytes, encode: .bytes) { _, _ -> ByteBuffer in
        throw GRPCStatus(.aborted, "now")
      }
      $0.unary("Undecodable", decode: MessageDecoder { _ in throw Private() }, encode: .bytes) { (_: Int, _) in
        ByteBuffer()
      }
      $0.bidirectional("Late", decode: .bytes, encode: .bytes) { _, writer, _ in
        try await writer.write(ByteBuffer(string: "first"))
        throw GRPCStatus(.dataLoss, "late")
      }
    } _: { pair async throws in
      #expect(try await pair.status("Status") == GRPCStatus(.aborted, "ünï"))
      #expect(try await pair.status("Convertible") == GRPCStatus(.notFound, "gone"))
      #expect(try await pair.status("Private").code == .unknown)
      #expect(try await pair.status("Now") == GRPCStatus(.aborted, "now"))
      #expect(try await pair.status("Undecodable").code == .internal)
      #expect(try await pair.status("Missing").code == .unimplemented)
      let (_, responses) = try await pair.client.bidirectional("/t.S/Late", encode: .bytes, decode: .bytes)
      await #expect(throws: GRPCStatus(.dataLoss, "late")) {
        for try await response in responses { #expect(response == ByteBuffer(string: "first")) }
      }
    }
  }

  @Test func interceptorsSeeEveryCallAndMayRefuseIt() async throws {
    final class Guard: ServerInterceptor {
      let ended = Mutex<[String]>([])
      func begin(_ context: ServerContext) throws {
        if context.metadata["token"] != "secret" { throw GRPCStatus(.unauthenticated, "who are you") }
      }
      func end(_ context: ServerContext, _ status: GRPCStatus) {
        ended.withLock { $0.append("\(context.path) \(status.code)") }
      }
    }
    let door = Guard()
    try await Pair.run(interceptors: [door]) {
      echo(&$0)
    } _: { pair async throws in
      #expect(try await pair.status("Echo").code == .unauthenticated)
      var options = CallOptions()
      try options.metadata.add("token", "secret")
      #expect(try await pair.status("Echo", ByteBuffer(), options) == .ok)
    }
    #expect(door.ended.withLock { $0 } == ["/t.S/Echo ok"])
  }

  @Test func unaryMethodsTakeExactlyOneRequest() async throws {
    try await Pair.run {
      echo(&$0)
    } _: { pair async throws in
      for count in [0, 2] {
        await #expect(throws: GRPCStatus.self) {
          _ = try await pair.client.clientStreaming("/t.S/Echo", encode: .bytes, decode: .bytes) { writer in
            for _ in 0..<count { try await writer.write(ByteBuffer(string: "x")) }
          }
        }
      }
    }
  }

  @Test func slicesGoOutAsOneMessage() async throws {
    try await Pair.run {
      $0.unary(
        "Slices", decode: .bytes,
        encode: .slices { (message: ByteBuffer) in [ByteBuffer(string: "head "), message, ByteBuffer(string: " tail")] }
      ) { request, _ in request }
    } _: { pair async throws in
      let large = ByteBuffer(repeating: 65, count: 3_000_000)
      let reply = try await pair.unary("Slices", large)
      #expect(reply.readableBytes == 3_000_010)
      #expect(reply.getString(at: 0, length: 6) == "head A" && reply.getString(at: 3_000_004, length: 6) == "A tail")
    }
  }

  @Test func theClientConnectsAgainAfterItsServerWasReplaced() async throws {
    var service = GRPCService(name: "t.S")
    echo(&service)
    let first = GRPCServer(services: [service])
    let address = try await first.listen(on: .tcp(host: "127.0.0.1", port: 0))
    let client = try await GRPCClient.connect(to: address)
    let call = { try await client.unary("/t.S/Echo", ByteBuffer(string: "x"), encode: .bytes, decode: .bytes) }
    #expect(try await call() == ByteBuffer(string: "x"))
    await first.shutdown(grace: .seconds(5))
    await #expect(throws: GRPCStatus.self) { try await call() }
    let second = GRPCServer(services: [service])
    try await second.listen(on: address)
    #expect(try await call() == ByteBuffer(string: "x"))
    await client.close()
    await #expect(throws: GRPCStatus(.failedPrecondition, "The client is closed")) { try await call() }
    await second.shutdown(grace: .seconds(5))
  }
}
