import NIOCore
import NIOPosix

/// Sends a real query to a Cypher server on a port of 127.0.0.1, in version 4.4 of the Bolt protocol. The server listens long
/// before it answers queries, and clients' drivers would time out meanwhile.
enum CypherProbe {
  /// The protocol's magic number, followed by version 4.4 as the only proposal.
  private static let handshake: [UInt8] = [0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4] + Array(repeating: 0, count: 12)
  private static let maximumBytes = 1 << 16

  /// Returns whether the server answers a query. Ends when the task is cancelled.
  static func answers(port: UInt16) async -> Bool {
    (try? await ask(port)) ?? false
  }

  private static func ask(_ port: UInt16) async throws -> Bool {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.seconds(5))
      .connect(host: "127.0.0.1", port: Int(port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(bytes: handshake + requests.flatMap(chunked)))
      var received = ByteBuffer()
      for try await bytes in inbound {
        received.writeImmutableBuffer(bytes)
        if let isAnswered = isAnswered(received) { return isAnswered }
        guard received.readableBytes < maximumBytes else { return false }
      }
      return false
    }
  }

  // MARK: Messages

  /// HELLO; ROUTE, with which drivers begin; RUN; and PULL for the whole result.
  private static var requests: [[UInt8]] {
    let identity = map([
      ("user_agent", "gscoordinator/1"), ("scheme", "basic"), ("principal", ""), ("credentials", ""),
    ])
    return [
      [0xb1, 0x01] + identity,
      [0xb3, 0x66, 0xa0, 0x90, 0xa0],
      [0xb3, 0x10] + text("MATCH (n) RETURN n LIMIT 1") + [0xa0, 0xa0],
      [0xb1, 0x3f, 0xa1] + text("n") + [0xff],
    ]
  }

  /// Returns a message in one chunk, followed by the empty chunk that ends it.
  static func chunked(_ message: [UInt8]) -> [UInt8] {
    [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message + [0, 0]
  }

  private static func map(_ members: [(String, String)]) -> [UInt8] {
    [0xa0 + UInt8(members.count)] + members.flatMap { text($0.0) + text($0.1) }
  }

  /// Encodes a text of up to 255 bytes (PackStream).
  private static func text(_ text: String) -> [UInt8] {
    let count = UInt8(text.utf8.count)
    return (count < 16 ? [0x80 + count] : [0xd0, count]) + Array(text.utf8)
  }

  /// Returns whether the server has answered all requests successfully, given everything received so far; nil while answers are
  /// outstanding.
  static func isAnswered(_ received: ByteBuffer) -> Bool? {
    var received = received
    guard let version = received.readBytes(length: 4) else { return nil }
    guard version == [0, 0, 4, 4] else { return false }
    var successes = 0
    while let kind = nextMessage(&received) {
      switch kind {
      case 0x70: successes += 1
      case 0x71: break
      default: return false
      }
      if successes == requests.count { return true }
    }
    return nil
  }

  /// Reads a complete message and returns its type; nil if it is incomplete. Empty chunks between messages are skipped.
  private static func nextMessage(_ received: inout ByteBuffer) -> UInt8? {
    var message: [UInt8] = []
    while let count = received.readInteger(as: UInt16.self) {
      if count > 0 {
        guard let chunk = received.readBytes(length: Int(count)) else { return nil }
        message += chunk
      } else if message.count >= 2 {
        return message[1]
      }
    }
    return nil
  }
}
