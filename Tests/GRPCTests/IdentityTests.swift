import GRPC
import NIOCore
import Synchronization
import Testing
import Transport
import Turns

/// Fires the peer's certificate before the channel becomes active, as TLS does.
private final class Introduction: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  let certificate: PeerCertificate

  init(_ certificate: PeerCertificate) { self.certificate = certificate }

  func channelActive(context: ChannelHandlerContext) {
    context.fireUserInboundEventTriggered(certificate)
    context.fireChannelActive()
  }
}

@Suite("Identity of callers", .takesTurns)
struct IdentityTests {
  @Test("a handler sees the name of the listener and the peer's certificate")
  func listenerAndCertificate() async throws {
    let certificate = PeerCertificate(commonName: "alice", uris: ["spiffe://here/alice"], fingerprint: "ab")
    let seen = Mutex<[ServerContext]>([])
    try await Pair.run {
      $0.unary("Who", decode: .bytes, encode: .bytes) { request, context in
        seen.withLock { $0.append(context) }
        return request
      }
    } _: { pair in
      _ = try await pair.unary("Who")
      let address = try await pair.server.listen(on: .tcp(host: "127.0.0.1", port: 0), named: "inner") {
        try $0.pipeline.syncOperations.addHandler(Introduction(certificate))
      }
      let client = try await GRPCClient.connect(to: address)
      _ = try await client.unary("/t.S/Who", ByteBuffer(), encode: .bytes, decode: .bytes)
      await client.close()
    }
    let contexts = seen.withLock { $0 }
    #expect(contexts.map(\.listener) == ["main", "inner"])
    #expect(contexts.map(\.certificate) == [nil, certificate])
  }
}
