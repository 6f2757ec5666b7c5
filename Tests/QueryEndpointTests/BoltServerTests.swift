import Logging
import NIOCore
import NIOPosix
import QueryAlgebra
import Testing
import Turns

@testable import QueryEndpoint

@Suite("Bolt servers", .takesTurns, .timeLimit(.minutes(1)))
struct BoltServerTests {
  private static let (success, record, failure, ignored): (UInt8, UInt8, UInt8, UInt8) = (0x70, 0x71, 0x7f, 0x7e)

  private static func serve(
    _ limits: QueryEndpointLimits = QueryEndpointLimits(), isAllowed: Bool = true,
    _ body: (QueryServer, FixedService) async throws -> Void
  ) async throws {
    let service = FixedService()
    var configuration = BoltServer.Configuration { _ in isAllowed }
    configuration.limits = limits
    let server = try await BoltServer.start(
      at: .address(host: "127.0.0.1", port: 0), group: .singletonMultiThreadedEventLoopGroup, service: service,
      configuration: configuration, logger: Logger(label: "test"))
    do { try await body(server, service) } catch {
      await server.stop(within: .zero)
      throw error
    }
    await server.stop(within: .zero)
    #expect(server.connectionCount == 0)
  }

  @Test("A query is answered, and empty chunks between messages mean nothing")
  func query() async throws {
    try await Self.serve { server, service in
      try await RawBoltClient.connect(to: server) { client in
        #expect(try await client.greet() == [0, 0, 4, 4])
        try await client.send([0, 0, 0, 0])
        try await client.send([RawBoltClient.run("rows 2"), RawBoltClient.pull(-1)])
        #expect(try await client.tags(4) == [Self.success, Self.record, Self.record, Self.success])
        await service.waitForCursors(0)
      }
    }
  }

  @Test("RESET stops a query that runs")
  func reset() async throws {
    try await Self.serve { server, service in
      try await RawBoltClient.connect(to: server) { client in
        _ = try await client.greet()
        try await client.send([RawBoltClient.run("wait"), RawBoltClient.pull(-1)])
        #expect(try await client.tag() == Self.success)
        await service.waitForCursors(1)
        try await client.send([RawBoltClient.run("rows 1"), RawBoltClient.reset, RawBoltClient.run("rows 0")])
        #expect(try await client.tags(4) == [Self.ignored, Self.ignored, Self.success, Self.success])
        await service.waitForCursors(1)
      }
      await service.waitForCursors(0)
    }
  }

  @Test("A client that leaves ends its query")
  func disconnection() async throws {
    try await Self.serve { server, service in
      try await RawBoltClient.connect(to: server) { client in
        _ = try await client.greet()
        try await client.send([RawBoltClient.run("wait"), RawBoltClient.pull(-1)])
        await service.waitForCursors(1)
      }
      await service.waitForCursors(0)
    }
  }

  @Test("A client that reads nothing makes the server hold few rows")
  func backPressure() async throws {
    try await Self.serve { server, service in
      try await RawBoltClient.connect(to: server) { client in
        _ = try await client.greet()
        // 100 GB, if they were all fetched.
        try await client.send([RawBoltClient.run("texts 1000000 100000"), RawBoltClient.pull(-1)])
        #expect(try await client.tags(3) == [Self.success, Self.record, Self.record])
        await service.waitForCursors(1)
      }
      await service.waitForCursors(0)
    }
  }

  @Test("After a failure all is ignored until RESET")
  func failures() async throws {
    try await Self.serve { server, _ in
      try await RawBoltClient.connect(to: server) { client in
        _ = try await client.greet()
        try await client.send([RawBoltClient.run("fail SyntaxError"), RawBoltClient.pull(-1)])
        #expect(try await client.tags(2) == [Self.failure, Self.ignored])
        try await client.send([RawBoltClient.reset, RawBoltClient.run("nested 200"), RawBoltClient.pull(-1)])
        #expect(try await client.tags(3) == [Self.success, Self.success, Self.failure])
      }
    }
  }

  @Test(
    "A hostile connection is closed, and others go on",
    arguments: [
      Array("GET / HTTP/1.1\r\n\r\n\r\n".utf8), [0x60, 0x60, 0xb0, 0x17] + Array(repeating: 0, count: 16),
      [0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4] + Array(repeating: 0, count: 12) + [0, 2, 0xb1, 0xff, 0, 0],
      [0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4] + Array(repeating: 0, count: 12) + [0, 101],
    ] as [[UInt8]])
  func hostile(_ bytes: [UInt8]) async throws {
    var limits = QueryEndpointLimits()
    limits.maximumMessageBytes = 100
    try await Self.serve(limits) { server, _ in
      try await RawBoltClient.connect(to: server) { other in
        _ = try await other.greet()
        try await RawBoltClient.connect(to: server) { client in
          try await client.send(bytes)
          try await client.waitForEnd()
        }
        try await other.send([RawBoltClient.run("rows 1"), RawBoltClient.pull(-1)])
        #expect(try await other.tags(3) == [Self.success, Self.record, Self.success])
      }
    }
  }

  @Test("A connection that does not authenticate itself in time is closed")
  func slowGreeting() async throws {
    var limits = QueryEndpointLimits()
    limits.timeToAuthenticate = .milliseconds(1)
    try await Self.serve(limits) { server, _ in
      try await RawBoltClient.connect(to: server) { client in try await client.waitForEnd() }
    }
  }

  @Test("Connections beyond the limit are closed")
  func manyConnections() async throws {
    var limits = QueryEndpointLimits()
    limits.maximumConnections = 1
    try await Self.serve(limits) { server, _ in
      try await RawBoltClient.connect(to: server) { first in
        _ = try await first.greet()
        try await RawBoltClient.connect(to: server) { second in try await second.waitForEnd() }
      }
    }
  }

  @Test("A server that stops ends idle connections at once")
  func stop() async throws {
    try await Self.serve { server, _ in
      try await RawBoltClient.connect(to: server) { client in
        _ = try await client.greet()
        await server.stop(within: .hours(1))
        try await client.waitForEnd()
      }
    }
  }
}
