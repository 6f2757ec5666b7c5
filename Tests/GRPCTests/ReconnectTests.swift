import HTTP2
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport
import Turns

@testable import GRPC

@Suite("Reconnecting", .takesTurns)
struct ReconnectTests {
  private func echo() -> GRPCService {
    var service = GRPCService(name: "t.S")
    service.unary("Echo", decode: .bytes, encode: .bytes) { request, _ in request }
    service.serverStreaming("Twice", decode: .bytes, encode: .bytes) { request, writer, _ in
      for _ in 0..<2 { try await writer.write(request) }
    }
    service.unary("Hang", decode: .bytes, encode: .bytes) { request, _ in
      try await Task.sleep(for: .seconds(3600))
      return request
    }
    return service
  }

  private func call(_ client: GRPCClient, _ options: CallOptions = CallOptions()) async throws -> ByteBuffer {
    try await client.unary("/t.S/Echo", ByteBuffer(string: "x"), encode: .bytes, decode: .bytes, options: options)
  }

  private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
    do { try await body() } catch { return error as? GRPCStatus }
    return nil
  }

  /// Returns an address on which nothing listens.
  private func freeAddress() async throws -> TransportAddress {
    let server = GRPCServer(services: [])
    defer { Task { await server.shutdown(grace: .zero) } }
    let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
    await server.shutdown(grace: .zero)
    return address
  }

  @Test("Delays grow by the factor up to the maximum, varied by the jitter")
  func backoff() {
    let backoff = ConnectionBackoff()
    #expect(backoff.delay(failures: 0, chance: 1) == .zero && backoff.delay(failures: 1, chance: 1) == .zero)
    #expect(backoff.delay(failures: 2, chance: 0) == .milliseconds(100))
    #expect(backoff.delay(failures: 3, chance: 0) == .milliseconds(160))
    #expect(backoff.delay(failures: 1000, chance: 0) == .seconds(30))
    #expect(backoff.delay(failures: 1000, chance: 1) == .seconds(36))
    #expect(backoff.delay(failures: 1000, chance: -1) == .seconds(24))
  }

  @Test("Calls made during a back-off fail with its reason, without another attempt")
  func failsFast() async throws {
    var limits = ClientLimits()
    limits.backoff.first = .seconds(3600)
    limits.backoff.longest = .seconds(3600)
    let address = try await freeAddress()
    let client = GRPCClient(to: address, limits: limits)
    // The second attempt follows the first without delay.
    #expect(await status { _ = try await call(client) }?.code == .unavailable)
    let first = await status { _ = try await call(client) }
    #expect(first?.code == .unavailable)
    let server = GRPCServer(services: [echo()])
    try await server.listen(on: address)
    #expect(await status { _ = try await call(client) } == first)
    // The deadline applies while a call waits.
    let options = CallOptions(timeout: .milliseconds(100), waitsForReady: true)
    #expect(await status { _ = try await call(client, options) }?.code == .deadlineExceeded)
    await client.close()
    await server.shutdown(grace: .zero)
  }

  @Test("A call that waits for the server is made when it is available, and can be cancelled")
  func waits() async throws {
    let address = try await freeAddress()
    let client = GRPCClient(to: address)
    let waiting = Task { try await call(client, CallOptions(waitsForReady: true)) }
    let cancelled = Task { try await call(client, CallOptions(waitsForReady: true)) }
    #expect(await status { _ = try await call(client) }?.code == .unavailable)
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    let server = GRPCServer(services: [echo()])
    try await server.listen(on: address)
    #expect(try await waiting.value == ByteBuffer(string: "x"))
    await client.close()
    await server.shutdown(grace: .zero)
  }

  /// Serves an address at which the first calls are refused with REFUSED_STREAM.
  private func refusing(_ count: Int) async throws -> (port: TransportAddress, any Channel, Counter) {
    let seen = Counter()
    let service = echo()
    let core = ServerCore(
      services: [service], limits: ServerLimits(), interceptors: [], logger: .init(label: "test"))
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let executor = EventLoopTaskExecutor(channel.eventLoop)
          let handler = HTTP2ChannelHandler(
            role: .server, channel: channel, peer: .unix(nil), http2Limits: .init(), limits: .init(),
            makeStream: { handler in
              guard seen.next() <= count else { return ServerCall(core: core, channel: handler, executor: executor) }
              return Refusal(channel: handler)
            })
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return (.tcp(host: "127.0.0.1", port: channel.localAddress?.port ?? 0), channel, seen)
  }

  /// Refuses its call.
  private final class Refusal: ByteBufferStream {
    override func receiveHeadersEnd() { reset(.refusedStream) }
  }

  final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
    var value: Int { count.load(ordering: .relaxed) }
  }

  @Test("A call with one request that the server refused to begin is made again, at most twice")
  func refused() async throws {
    for count in 0...2 {
      let (address, channel, seen) = try await refusing(count)
      let client = GRPCClient(to: address)
      #expect(try await call(client) == ByteBuffer(string: "x"))
      #expect(seen.value == count + 1)
      await client.close()
      try await channel.close()
    }
    let (address, channel, seen) = try await refusing(3)
    let client = GRPCClient(to: address)
    let refusal = await status { _ = try await call(client) }
    #expect(refusal?.code == .unavailable && refusal?.isUnprocessed == true && seen.value == 3)
    await client.close()
    try await channel.close()
  }

  @Test("A call with a stream of responses is made again as well; one with many requests reports that it may be")
  func refusedStreams() async throws {
    let (address, channel, _) = try await refusing(1)
    let client = GRPCClient(to: address)
    let responses = try await client.serverStreaming(
      "/t.S/Twice", ByteBuffer(string: "y"), encode: .bytes, decode: .bytes)
    var count = 0
    for try await response in responses { count += response == ByteBuffer(string: "y") ? 1 : 0 }
    #expect(count == 2)
    await client.close()
    try await channel.close()
    let (other, second, _) = try await refusing(1)
    let another = GRPCClient(to: other)
    let refusal = await status {
      let _: ByteBuffer = try await another.clientStreaming("/t.S/Echo", encode: .bytes, decode: .bytes) { requests in
        try await requests.write(ByteBuffer(string: "z"))
      }
    }
    #expect(refusal?.isUnprocessed == true)
    await another.close()
    try await second.close()
  }

  @Test("Calls with one request survive the replacement of a server: those after its GOAWAY are made again")
  func replacedServer() async throws {
    let first = GRPCServer(services: [echo()])
    let address = try await first.listen(on: .tcp(host: "127.0.0.1", port: 0))
    let client = try await GRPCClient.connect(to: address)
    _ = try await call(client)
    let calls = Task {
      for _ in 0..<400 { _ = try await call(client, CallOptions(timeout: .seconds(60), waitsForReady: true)) }
    }
    await first.shutdown(grace: .seconds(10))
    let second = GRPCServer(services: [echo()])
    try await second.listen(on: address)
    try await calls.value
    await client.close()
    await second.shutdown(grace: .zero)
  }
}
