import GRPC
import NIOCore
import Synchronization
import Testing
import Transport

/// A server with one service, and a connected client.
struct Pair {
  let server: GRPCServer
  let client: GRPCClient
  let address: TransportAddress

  static func run(
    _ limits: ServerLimits = ServerLimits(), clientLimits: ClientLimits = ClientLimits(),
    interceptors: [any ServerInterceptor] = [], _ register: (inout GRPCService) -> Void,
    _ body: (Pair) async throws -> Void
  ) async throws {
    var service = GRPCService(name: "t.S")
    register(&service)
    let server = GRPCServer(services: [service], limits: limits, interceptors: interceptors)
    let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
    let client = try await GRPCClient.connect(to: address, limits: clientLimits)
    do {
      try await body(Pair(server: server, client: client, address: address))
    } catch {
      Issue.record(error)
    }
    await client.close()
    await server.shutdown(grace: .zero)
    #expect(server.messageBudget.free == server.messageBudget.bytes)
  }

  func unary(
    _ method: String, _ message: ByteBuffer = ByteBuffer(), _ options: CallOptions = CallOptions()
  ) async throws -> ByteBuffer {
    try await client.unary("/t.S/\(method)", message, encode: .bytes, decode: .bytes, options: options)
  }

  /// Returns the status of a call that is expected to fail.
  func status(
    _ method: String, _ message: ByteBuffer = ByteBuffer(), _ options: CallOptions = CallOptions()
  ) async throws -> GRPCStatus {
    do {
      _ = try await unary(method, message, options)
      return .ok
    } catch let status as GRPCStatus {
      return status
    }
  }
}

/// An event that happens once, and can be waited for.
final class Signal: Sendable {
  private let fired = Atomic<Bool>(false)
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() { (stream, continuation) = AsyncStream.makeStream() }
  func fire() {
    fired.store(true, ordering: .relaxed)
    continuation.finish()
  }
  var hasFired: Bool { fired.load(ordering: .relaxed) }
  /// Returns when the event has happened, even if the surrounding task is cancelled before.
  func wait() async {
    let stream = stream
    await Task { for await _ in stream {} }.value
  }
}
