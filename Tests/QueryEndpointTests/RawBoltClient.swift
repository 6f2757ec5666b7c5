import NIOCore
import NIOPosix

@testable import QueryEndpoint

/// A Bolt client that sends what it is given, over a real socket.
enum RawBoltClient {
  /// Connects, runs `body`, and disconnects.
  static func connect(to server: QueryServer, _ body: (inout Conversation) async throws -> Void) async throws {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connect(to: server.address) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    try await channel.executeThenClose { inbound, outbound in
      var conversation = Conversation(inbound: inbound.makeAsyncIterator(), outbound: outbound)
      try await body(&conversation)
    }
  }

  /// What is sent and received on one connection.
  struct Conversation {
    fileprivate var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received = ByteBuffer()
    private var chunks = BoltChunkReader(maximumBytes: 100_000_000)

    fileprivate init(
      inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
      outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
      self.inbound = inbound
      self.outbound = outbound
    }

    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// Sends messages in one packet.
    func send(_ messages: [[UInt8]]) async throws {
      var bytes = ByteBuffer()
      for message in messages { bytes.writeChunked { $0.writeBytes(message) } }
      try await outbound.write(bytes)
    }

    /// Negotiates 4.4 and greets.
    mutating func greet() async throws -> [UInt8] {
      try await send([0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4] + Array(repeating: 0, count: 12))
      while received.readableBytes < 4, var next = try await inbound.next() { received.writeBuffer(&next) }
      let version = received.readBytes(length: 4) ?? []
      try await send([[0xb1, 0x01, 0xa0]])
      _ = try await tag()
      return version
    }

    /// The tag of the next message; nil at the end of the connection.
    mutating func tag() async throws -> UInt8? {
      while true {
        chunks.append(&received)
        received = ByteBuffer()
        if let message = try chunks.next() { return message.getInteger(at: message.readerIndex + 1) }
        guard let next = try await inbound.next() else { return nil }
        received = next
      }
    }

    /// Reads until the server closes the connection.
    mutating func waitForEnd() async throws {
      do { while try await inbound.next() != nil {} } catch is IOError {}
    }

    /// The tags of the next messages.
    mutating func tags(_ count: Int) async throws -> [UInt8?] {
      var tags: [UInt8?] = []
      for _ in 0..<count { tags.append(try await tag()) }
      return tags
    }
  }

  // MARK: Messages

  static func run(_ query: String) -> [UInt8] {
    var bytes = ByteBuffer()
    bytes.packStructure(0x10, 3)
    bytes.pack(query)
    bytes.packMap(0)
    bytes.packMap(0)
    return Array(bytes.readableBytesView)
  }

  static func pull(_ count: Int64) -> [UInt8] {
    var bytes = ByteBuffer()
    bytes.packStructure(0x3f, 1)
    bytes.packMap(1)
    bytes.pack("n")
    bytes.pack(count)
    return Array(bytes.readableBytesView)
  }

  static let reset: [UInt8] = [0xb0, 0x0f]
}
