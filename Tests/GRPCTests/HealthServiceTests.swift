import HTTP2
import NIOCore
import ProtobufFields
import Testing
import Transport
import Turns

@testable import GRPC

@Suite("grpc.health.v1", .takesTurns)
struct HealthServiceTests {
  /// Runs a server with a health service for `t.S`, and a client.
  private func with(_ body: (HealthService, GRPCClient) async throws -> Void) async throws {
    let health = HealthService(services: ["t.S"])
    var limits = ServerLimits()
    limits.http2.maxConcurrentStreams = 2 * HealthService.maxWatches
    let server = GRPCServer(services: [GRPCService(name: "t.S"), health.methods()], limits: limits)
    let client = try await GRPCClient.connect(to: try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)))
    do { try await body(health, client) } catch { Issue.record(error) }
    await client.close()
    await server.shutdown(grace: .zero)
  }

  private func request(_ service: String) -> ByteBuffer {
    var writer = ProtobufWriter()
    writer.text(1, service)
    return ByteBuffer(bytes: writer.bytes)
  }

  private func status(_ response: ByteBuffer) throws -> Int64? {
    var reader = ProtobufReader(Array(response.readableBytesView))
    return try reader.next()?.value.integer
  }

  private func check(_ client: GRPCClient, _ service: String) async throws -> Int64? {
    try status(
      try await client.unary("/grpc.health.v1.Health/Check", request(service), encode: .bytes, decode: .bytes))
  }

  private func watch(_ client: GRPCClient, _ service: String) async throws -> ResponseStream<ByteBuffer> {
    try await client.serverStreaming(
      "/grpc.health.v1.Health/Watch", request(service), encode: .bytes, decode: .bytes)
  }

  @Test("Check returns NOT_SERVING until the service is set to serving, for each service and for the whole server")
  func check() async throws {
    try await with { (health, client) async throws in
      for service in ["", "t.S"] { #expect(try await check(client, service) == 2) }
      health.set(isServing: true)
      for service in ["", "t.S"] { #expect(try await check(client, service) == 1) }
      health.set(isServing: false, of: ["t.S", "unheard.Of"])
      #expect(try await check(client, "") == 1)
      #expect(try await check(client, "t.S") == 2)
      let error = await #expect(throws: GRPCStatus.self) { try await check(client, "unheard.Of") }
      #expect(error?.code == .notFound)
    }
  }

  @Test("Watch reports each change, and SERVICE_UNKNOWN for other services, and ends with the server")
  func watch() async throws {
    try await with { (health, client) async throws in
      var known = try await watch(client, "t.S").makeAsyncIterator()
      var unknown = try await watch(client, "other").makeAsyncIterator()
      #expect(try await known.next().flatMap(status) == 2)
      #expect(try await unknown.next().flatMap(status) == 3)
      health.set(isServing: true)
      #expect(try await known.next().flatMap(status) == 1)
      health.set(isServing: true)
      health.close()
      #expect(try await known.next().flatMap(status) == 2)
      for var watch in [known, unknown] {
        let error = await #expect(throws: GRPCStatus.self) { try await watch.next() }
        #expect(error == .shuttingDown)
      }
      health.set(isServing: true)
      #expect(try await check(client, "t.S") == 2)
      var late = try await watch(client, "t.S").makeAsyncIterator()
      let error = await #expect(throws: GRPCStatus.self) { try await late.next() }
      #expect(error == .shuttingDown)
    }
  }

  @Test("The number of watches is limited; one that is cancelled makes room")
  func manyWatches() async throws {
    try await with { (health, client) async throws in
      var watches: [ResponseStream<ByteBuffer>] = []
      for _ in 0..<HealthService.maxWatches { watches.append(try await watch(client, "")) }
      while health.watchCount < HealthService.maxWatches { await Task.yield() }
      var more = try await watch(client, "").makeAsyncIterator()
      let error = await #expect(throws: GRPCStatus.self) { try await more.next() }
      #expect(error?.code == .resourceExhausted)
      watches.removeLast().cancel()
      while health.watchCount == HealthService.maxWatches { await Task.yield() }
      var again = try await watch(client, "").makeAsyncIterator()
      #expect(try await again.next().flatMap(status) == 2)
      for watch in watches { watch.cancel() }
    }
  }

  @Test("A request above the service's limit fails before it is received, and a malformed one is rejected")
  func hostileRequests() async throws {
    try await with { (_, client) async throws in
      let long = String(repeating: "x", count: HealthService.maxRequestBytes)
      let error = await #expect(throws: GRPCStatus.self) { try await check(client, long) }
      #expect(error?.code == .resourceExhausted)
      for bytes: [UInt8] in [[0x0a, 5, 1], [0x0a, 1, 0xff], [0xff]] {
        let error = await #expect(throws: GRPCStatus.self) {
          try await client.unary(
            "/grpc.health.v1.Health/Check", ByteBuffer(bytes: bytes), encode: .bytes, decode: .bytes)
        }
        #expect(error?.code == .invalidArgument)
      }
    }
  }
}
