import GRPC
import NIOCore
import Synchronization
import Testing
import Transport
import Turns

@Suite("Lifetime of connections", .takesTurns)
struct ConnectionLifeTests {
  @Test("A client that answers each PING is sent the next one and stays connected")
  func answeringClient() async throws {
    var limits = ServerLimits()
    limits.connection.keepAliveInterval = .milliseconds(20)
    // The next PING is sent after this time. It is long, so that the answer of a slow machine counts.
    limits.connection.keepAliveTimeout = .seconds(10)
    try await Pair.run(limits) { _ in
    } _: { pair async throws in
      let client = try await RawConnection(pair.address)
      func pings() -> [RawConnection.Frame] { client.frames.filter { $0.type == 6 && $0.flags == 0 } }
      for count in 1...2 {
        while client.isOpen, pings().count < count { try await Task.sleep(for: .milliseconds(1)) }
        guard let ping = pings().last else { break }
        await client.send(RawConnection.frame(6, flags: 1, ping.payload))
      }
      #expect(client.isOpen && pings().count >= 2)
      await client.close()
    }
  }

  @Test("A client that does not answer a PING is disconnected, and its calls are cancelled")
  func silentClient() async throws {
    var limits = ServerLimits()
    limits.connection.keepAliveInterval = .milliseconds(50)
    limits.connection.keepAliveTimeout = .milliseconds(200)
    let cancelled = Signal()
    var service = GRPCService(name: "t.S")
    service.unary("Hang", decode: .bytes, encode: .bytes) { request, _ in
      do {
        try await Task.sleep(for: .seconds(3600))
      } catch {
        cancelled.fire()
        throw error
      }
      return request
    }
    let server = GRPCServer(services: [service], limits: limits)
    let client = try await RawConnection(try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)))
    await client.send(
      RawConnection.headers(1, RawConnection.block(RawConnection.usual("/t.S/Hang")))
        + RawConnection.message(1, announcing: 0, [], end: true))
    await client.untilClosed()
    await cancelled.wait()
    while server.connectionCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
    await server.shutdown(grace: .zero)
  }

  @Test("Clients connect again when a connection has reached its maximum age")
  func age() async throws {
    var limits = ServerLimits()
    limits.connection.maxAge = .milliseconds(100)
    limits.connection.maxAgeGrace = .minutes(10)
    let connections = Mutex<Set<UInt64>>([])
    try await Pair.run(limits) { service in
      service.unary("Number", decode: .bytes, encode: .bytes) { request, context in
        connections.withLock { _ = $0.insert(context.connection) }
        return request
      }
    } _: { pair async throws in
      while connections.withLock({ $0.count }) < 3 {
        #expect(try await pair.status("Number") == .ok)
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }

  @Test("A call that outlasts the grace period after the maximum age fails and may be retried at once")
  func grace() async throws {
    var limits = ServerLimits()
    limits.connection.maxAge = .milliseconds(100)
    limits.connection.maxAgeGrace = .milliseconds(100)
    try await Pair.run(limits) { service in
      service.unary("Hang", decode: .bytes, encode: .bytes) { request, _ in
        try await Task.sleep(for: .seconds(3600))
        return request
      }
    } _: { pair async throws in
      let status = try await pair.status("Hang")
      #expect(status.code == .unavailable && status.reason == "CONNECTION_AGE" && status.retryDelay == .zero)
    }
  }
}
