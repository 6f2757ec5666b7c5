import NIOCore
import NIOPosix
import Synchronization
import Transport

/// A TCP connection that sends manually encoded frames (RFC 9113, section 4.1) and stores received bytes.
final class RawConnection: Sendable {
  /// A frame sent by the server.
  struct Frame: Sendable {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]
  }

  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let bytes = Mutex<[UInt8]>([])
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let buffer = unwrapInboundIn(data)
      bytes.withLock { $0 += buffer.readableBytesView }
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  private let channel: any Channel
  private let collector: Collector

  /// Connects and sends the preface. If `reads` is false, it does not read from its socket, whose buffer is small.
  init(_ address: TransportAddress, reads: Bool = true) async throws {
    guard case .tcp(let host, let port) = address else { throw ChannelError.eof }
    let collector = Collector()
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.autoRead, value: reads)
      .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4096)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(collector) }
      }
      .connect(host: host, port: port).get()
    self.collector = collector
    await send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4))
  }

  func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

  /// Starts to send without waiting for completion.
  func push(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

  /// Reads once from the socket.
  func readOnce() { channel.read() }

  func close() async { try? await channel.close().get() }

  /// Waits until the server has closed the connection.
  func untilClosed() async { try? await channel.closeFuture.get() }

  var isOpen: Bool { channel.isActive }

  /// The frames received so far.
  var frames: [Frame] {
    let bytes = collector.bytes.withLock { $0 }
    var frames: [Frame] = []
    var start = 0
    while start + 9 <= bytes.count {
      let length = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
      guard start + 9 + length <= bytes.count else { break }
      let id = bytes[(start + 5)..<(start + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      frames.append(
        Frame(
          type: bytes[start + 3], flags: bytes[start + 4], stream: id,
          payload: Array(bytes[(start + 9)..<(start + 9 + length)])))
      start += 9 + length
    }
    return frames
  }

  /// Returns code and text of the last GOAWAY, when the server has closed the connection.
  func goAway() async -> (code: UInt32, text: String)? {
    await untilClosed()
    guard let payload = frames.last(where: { $0.type == 7 })?.payload else { return nil }
    return (payload[4..<8].reduce(0) { $0 << 8 | UInt32($1) }, String(decoding: payload[8...], as: UTF8.self))
  }

  /// Waits for a frame.
  func until(_ isWanted: (Frame) -> Bool) async -> Frame? {
    while true {
      if let frame = frames.first(where: isWanted) { return frame }
      if !isOpen { return frames.first(where: isWanted) }
      try? await Task.sleep(for: .milliseconds(1))
    }
  }

  // MARK: Frames

  static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = UInt32(payload.count)
    return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
      + (0..<4).map { UInt8(stream >> (24 - 8 * $0) & 255) } + payload
  }

  static func usual(_ path: String) -> [(String, String)] {
    [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"), ("te", "trailers"),
      ("content-type", "application/grpc"),
    ]
  }

  /// Returns the header block of a call. Fields are literals without indexing (RFC 7541, section 6.2.2).
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + string($0.0) + string($0.1) }
  }

  /// Returns a literal that is added to the dynamic table (RFC 7541, section 6.2.1).
  static func indexed(_ name: String, _ value: String) -> [UInt8] { [0x40] + string(name) + string(value) }
  /// A reference to the newest entry of the dynamic table (RFC 7541, section 6.1).
  static let newest: [UInt8] = [0x80 | 62]

  static func headers(_ stream: UInt32, _ block: [UInt8], end: Bool = false) -> [UInt8] {
    frame(1, flags: end ? 5 : 4, stream: stream, block)
  }

  /// Returns DATA with a message whose announced size is `length` bytes.
  static func message(
    _ stream: UInt32, announcing length: Int, _ bytes: [UInt8], end: Bool = false
  ) -> [UInt8] {
    let prefix = [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
    return frame(0, flags: end ? 1 : 0, stream: stream, prefix + bytes)
  }

  private static func string(_ text: String) -> [UInt8] {
    let count = text.utf8.count
    if count < 127 { return [UInt8(count)] + Array(text.utf8) }
    var bytes: [UInt8] = [127]
    var rest = count - 127
    while rest >= 128 {
      bytes.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return bytes + [UInt8(rest)] + Array(text.utf8)
  }
}
