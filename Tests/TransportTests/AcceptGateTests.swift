import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Transport

#if canImport(Glibc)
  import Glibc
#endif

/// Counts the reads that reach the socket.
private final class ReadCounter: ChannelOutboundHandler {
  typealias OutboundIn = any Channel
  var count = 0
  func read(context: ChannelHandlerContext) { count += 1 }
}

struct AcceptGateTests {
  @Test("Accepting pauses when descriptors run out, is retried, and is reported")
  func shortage() throws {
    let channel = EmbeddedChannel()
    let reads = ReadCounter()
    let reports = Mutex<[Refusal]>([])
    try channel.pipeline.syncOperations.addHandlers([
      reads, AcceptGate(ConnectionCount(limit: 10)) { kind, _, _ in reports.withLock { $0.append(kind) } },
    ])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    reads.count = 0
    channel.read()
    #expect(reads.count == 1)
    channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
    for _ in 0..<100 { channel.read() }
    #expect(reads.count == 1)
    #expect(reports.withLock { $0 } == [.descriptors])
    #expect(!AcceptGate.isShortage(ECONNABORTED) && AcceptGate.isShortage(ENOMEM))
    _ = try? channel.finish()
  }
}
