import HTTP2
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Turns

@testable import Transport

#if canImport(Glibc)
  import Glibc
#endif

/// Answers every request with a fixed body after reading it completely.
private final class AnswerStream: ByteBufferStream {
  var answer = ByteBuffer()
  /// Whether to answer in a task of the event loop, as handlers do after a suspension.
  var isLate = false
  var received = 0
  private static let ok = HTTP2StaticHeaders([(":status", "200")])

  override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    received += bytes.count
    consume(bytes.count)
  }
  override func receiveEnd() {
    if isLate { channel.eventLoop.assumeIsolated().execute { self.respond() } } else { respond() }
  }
  private func respond() {
    respond(Self.ok, body: true)
    send(answer.readableBytes > 0 ? answer : ByteBuffer(string: String(received)))
    finishBody(trailers: false)
  }
}

/// A peer that sends bytes as soon as it is connected and stores what it receives until the connection ends. Runs entirely on the
/// event loop, so that tests that occupy the cooperative pool do not delay it.
private final class RawPeer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let bytes: [UInt8]
  private let received: EventLoopPromise<[UInt8]>
  private var all: [UInt8] = []

  init(sending bytes: [UInt8], received: EventLoopPromise<[UInt8]>) {
    self.bytes = bytes
    self.received = received
  }

  func channelActive(context: ChannelHandlerContext) {
    if !bytes.isEmpty { context.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil) }
  }
  func channelRead(context: ChannelHandlerContext, data: NIOAny) { all += unwrapInboundIn(data).readableBytesView }
  /// A reset, because the server closed the connection with unread bytes.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  func handlerRemoved(context: ChannelHandlerContext) { received.succeed(all) }
}

/// Counts the flushes of a channel.
private final class FlushCounter: ChannelOutboundHandler, Sendable {
  typealias OutboundIn = ByteBuffer
  let count = Atomic<Int>(0)
  func flush(context: ChannelHandlerContext) {
    count.wrappingAdd(1, ordering: .relaxed)
    context.flush()
  }
}

/// Sends a body and returns the bytes of the response when it is complete.
private final class AskStream: ByteBufferStream {
  let done: EventLoopPromise<ByteBuffer>
  private var received = ByteBuffer()

  init(channel: HTTP2ChannelHandler, done: EventLoopPromise<ByteBuffer>) {
    self.done = done
    super.init(channel: channel)
  }
  override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    received.writeBytes(bytes)
    consume(bytes.count)
  }
  override func receiveEnd() { done.succeed(received) }
  override func closed(_ code: HTTP2Error.Code) {
    super.closed(code)
    done.fail(HTTP2Error(code, "closed"))
  }
}

@Suite(.takesTurns)
struct ConnectionTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let local = TransportAddress.tcp(host: "127.0.0.1", port: 0)

  private func listen(
    on address: TransportAddress? = nil, limits: ConnectionLimits = ConnectionLimits(),
    answer: ByteBuffer = ByteBuffer(),
    isLate: Bool = false, flushes: FlushCounter? = nil, seen: (@Sendable (Peer) -> Void)? = nil
  ) async throws -> Listener {
    try await Listener.bind(
      address ?? local, group: group, count: ConnectionCount(limit: limits.maxConnections), limits: limits,
      secure: { channel in
        if let flushes { try channel.pipeline.syncOperations.addHandler(flushes) }
      }
    ) { channel, peer in
      seen?(peer)
      return HTTP2ChannelHandler(
        role: .server, channel: channel, peer: peer, http2Limits: HTTP2Limits(), limits: limits,
        makeStream: { handler in
          let stream = AnswerStream(channel: handler)
          stream.answer = answer
          stream.isLate = isLate
          return stream
        })
    }
  }

  private func dial(_ address: TransportAddress) async throws -> NIOLoopBound<HTTP2ChannelHandler> {
    try await Dialer.connect(address, group: group, http2Limits: HTTP2Limits(), limits: ConnectionLimits()) {}
  }

  private func ask(_ connection: NIOLoopBound<HTTP2ChannelHandler>, _ body: ByteBuffer) async throws -> ByteBuffer {
    try await connection.eventLoop.flatSubmit { start(connection.value, body) }.get()
  }

  private func start(_ handler: HTTP2ChannelHandler, _ body: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
    let done = handler.eventLoop.makePromise(of: ByteBuffer.self)
    let stream = AskStream(channel: handler, done: done)
    var headers = HTTP2Headers()
    for (name, value) in [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "x")] {
      headers.add(name, value)
    }
    do {
      try handler.request(stream, headers, body: true)
      stream.send(body)
      stream.finishBody(trailers: false)
    } catch {
      done.fail(error)
    }
    return done.futureResult
  }

  /// Connects a plain socket; returns all bytes that the server sends before it closes the connection.
  private func untilClosed(_ address: TransportAddress, sending bytes: [UInt8]) async throws -> [UInt8] {
    guard case .tcp(let host, let port) = address else { return [] }
    let received = group.any().makePromise(of: [UInt8].self)
    _ = ClientBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(RawPeer(sending: bytes, received: received))
        }
      }
      .connect(host: host, port: port)
    return try await received.futureResult.get()
  }

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

  private func containsGoAway(_ bytes: [UInt8]) -> Bool {
    var start = 0
    while start + 9 <= bytes.count {
      if bytes[start + 3] == 7 { return true }
      start += 9 + Int(bytes[start]) << 16 + Int(bytes[start + 1]) << 8 + Int(bytes[start + 2])
    }
    return false
  }

  @Test func smallAndLargeBodiesCrossBothWays() async throws {
    let size = 20_000_000
    let answer = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    let listener = try await listen(answer: answer)
    let connection = try await dial(listener.address)
    #expect(try await ask(connection, ByteBuffer(string: "x")) == answer)
    #expect(try await ask(connection, answer) == answer)

    let counting = try await listen()
    let other = try await dial(counting.address)
    #expect(try await String(buffer: ask(other, answer)) == String(size))
    await listener.close()
    await counting.close()
  }

  @Test(arguments: [false, true])
  func answersOfOneTickShareAFlush(isLate: Bool) async throws {
    let flushes = FlushCounter()
    let listener = try await listen(isLate: isLate, flushes: flushes)
    let connection = try await dial(listener.address)
    _ = try await ask(connection, ByteBuffer(string: "x"))
    let before = flushes.count.load(ordering: .relaxed)
    // 500 requests are sent in one tick and arrive in one or two reads.
    let answers = try await connection.eventLoop.flatSubmit {
      EventLoopFuture.whenAllComplete(
        (0..<500).map { _ in start(connection.value, ByteBuffer(string: "x")) }, on: connection.eventLoop)
    }.get()
    #expect(answers.count == 500)
    #expect(flushes.count.load(ordering: .relaxed) - before < 50)
    await listener.close()
  }

  @Test func aSilentSocketIsCut() async throws {
    var limits = ConnectionLimits()
    limits.prefaceTimeout = .milliseconds(20)
    let listener = try await listen(limits: limits)
    let bytes = try await untilClosed(listener.address, sending: [])
    #expect(!containsGoAway(bytes))
    // Half a preface is treated like none.
    _ = try await untilClosed(listener.address, sending: Array(Self.preface.prefix(10)))
    await listener.close()
  }

  @Test func aConnectionWithoutRequestsIsLeft() async throws {
    var limits = ConnectionLimits()
    limits.firstRequestTimeout = .milliseconds(20)
    let listener = try await listen(limits: limits)
    #expect(containsGoAway(try await untilClosed(listener.address, sending: Self.preface)))
    await listener.close()
  }

  @Test func anIdleConnectionIsLeft() async throws {
    var limits = ConnectionLimits()
    limits.idleTimeout = .milliseconds(20)
    let listener = try await listen(limits: limits)
    #expect(containsGoAway(try await untilClosed(listener.address, sending: Self.preface)))
    await listener.close()
  }

  @Test func oneConnectionTooManyIsClosed() async throws {
    var limits = ConnectionLimits()
    limits.maxConnections = 1
    let listener = try await listen(limits: limits)
    let first = try await dial(listener.address)
    #expect(try await String(buffer: ask(first, ByteBuffer(string: "abc"))) == "3")
    #expect(try await untilClosed(listener.address, sending: []).isEmpty)
    #expect(try await String(buffer: ask(first, ByteBuffer(string: "abcd"))) == "4")
    await listener.close()
  }

  @Test("Small frames are not held back (TCP_NODELAY), at either end, and no option is set that takes privileges")
  func options() async throws {
    let listener = try await listen()
    guard case .tcp(_, let port) = listener.address else { return }
    let connection = try await dial(listener.address)
    #expect(try await String(buffer: ask(connection, ByteBuffer(string: "abc"))) == "3")
    let ends = (3..<Int32(4096)).filter { descriptor in
      guard let peer = Self.port(descriptor, getpeername), let own = Self.port(descriptor, getsockname) else {
        return false
      }
      return [peer, own].contains(port)
    }
    #expect(ends.count == 2)
    for descriptor in ends {
      #expect(Self.option(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY) == 1)
      // Only CAP_NET_ADMIN may set it, and its number is that of TCP_NODELAY at another level.
      #expect(Self.option(descriptor, SOL_SOCKET, SO_DEBUG) == 0)
    }
    await listener.close()
  }

  private static func port(
    _ descriptor: Int32, _ name: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
  ) -> Int? {
    // Family and port by their places in `sockaddr_in`: which module defines its members depends on the order of imports.
    var address = [UInt16](repeating: 0, count: 64)
    var size = socklen_t(128)
    let status = address.withUnsafeMutableBytes {
      name(descriptor, $0.baseAddress?.bindMemory(to: sockaddr.self, capacity: 1), &size)
    }
    guard status == 0, address[0] == UInt16(AF_INET) else { return nil }
    return Int(UInt16(bigEndian: address[1]))
  }

  private static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = -1
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : nil
  }

  @Test func brokenFramesAreAnsweredWithGoAway() async throws {
    let listener = try await listen()
    // A PING of three bytes is a frame size error.
    let bytes = try await untilClosed(listener.address, sending: Self.preface + [0, 0, 3, 6, 0, 0, 0, 0, 0, 1, 2, 3])
    #expect(containsGoAway(bytes))
    await listener.close()
  }

  @Test func aUnixSocketTellsWhoConnects() async throws {
    let path = "/tmp/gsc-transport-\(UInt64.random(in: 0 ... .max)).sock"
    let (peers, saw) = AsyncStream<Peer>.makeStream()
    let listener = try await listen(on: .unix(path: path)) { saw.yield($0) }
    let connection = try await dial(listener.address)
    #expect(try await String(buffer: ask(connection, ByteBuffer(string: "abc"))) == "3")
    let peer = await peers.first { _ in true }
    #if os(Linux)
      #expect(peer == .unix(PeerCredentials(pid: getpid(), uid: getuid(), gid: getgid())))
    #endif
    // Another listener serves this path, so it is not replaced.
    await #expect(throws: TransportError.self) { try await listen(on: .unix(path: path)) }
    await listener.close()
    await #expect(throws: TransportError.self) { try await dial(.unix(path: path)) }
  }

  @Test func aPortInUseIsAnErrorThatSaysSo() async throws {
    let listener = try await listen()
    await #expect(throws: TransportError.self) { try await listen(on: listener.address) }
    await listener.close()
  }
}
