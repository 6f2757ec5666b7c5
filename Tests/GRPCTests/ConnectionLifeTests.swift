import GRPC
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport
import Turns

@Suite("Lifetime of connections", .takesTurns)
struct ConnectionLifeTests {
  /// Connects a client that sends its preface and nothing else.
  private func silentClient(_ address: TransportAddress) async throws -> any Channel {
    guard case .tcp(let host, let port) = address else { throw ChannelError.eof }
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: host, port: port).get()
    // The preface and empty SETTINGS; then nothing, not even answers.
    var bytes = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    bytes.writeBytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    try await channel.writeAndFlush(bytes)
    return channel
  }

  @Test("A client that answers PINGs stays connected; a dead one is dropped with its calls")
  func keepAlive() async throws {
    var limits = ServerLimits()
    limits.connection.keepAliveInterval = .milliseconds(50)
    limits.connection.keepAliveTimeout = .seconds(1)
    let (started, release) = (Signal(), Signal())
    try await Pair.run(limits) { service in
      service.unary("Wait", decode: .bytes, encode: .bytes) { request, _ in
        started.fire()
        await release.wait()
        return request
      }
    } _: { pair async throws in
      let answer = Task { try await pair.unary("Wait", ByteBuffer(string: "x")) }
      await started.wait()
      let dead = try await silentClient(pair.address)
      try await dead.closeFuture.get()
      while pair.server.connectionCount > 1 { await Task.yield() }
      release.fire()
      #expect(try await answer.value == ByteBuffer(string: "x"))
    }
  }

  @Test("A connection at its maximum age accepts no new calls; current calls may finish within the grace period")
  func age() async throws {
    var limits = ServerLimits()
    limits.connection.maxAge = .milliseconds(100)
    limits.connection.maxAgeGrace = .milliseconds(500)
    let connections = Mutex<Set<UInt64>>([])
    try await Pair.run(limits) { service in
      service.unary("Number", decode: .bytes, encode: .bytes) { request, context in
        connections.withLock { _ = $0.insert(context.connection) }
        return request
      }
      service.unary("Hang", decode: .bytes, encode: .bytes) { request, _ in
        try await Task.sleep(for: .seconds(3600))
        return request
      }
    } _: { pair async throws in
      let hanging = Task { try await pair.status("Hang") }
      while connections.withLock({ $0.count }) < 3 {
        #expect(try await pair.status("Number") == .ok)
        try await Task.sleep(for: .milliseconds(5))
      }
      let status = try await hanging.value
      #expect(status.code == .unavailable && status.reason == "CONNECTION_AGE" && status.retryDelay == .zero)
    }
  }
}
