import HTTP2
import NIOCore
import Synchronization

private let connectionCounter = Atomic<UInt64>(0)

/// An HTTP/2 connection on a NIO channel: bytes that are read go in, frames come out in one flush per loop tick.
///
/// Confined to the channel's event loop. A handler for TLS, when there is one, stands before it in the pipeline;
/// nothing is written before the channel is active.
public final class HTTP2ChannelHandler: ChannelInboundHandler {
  /// Bytes from the socket, or from TLS.
  public typealias InboundIn = ByteBuffer
  /// Frames, cut anywhere.
  public typealias OutboundOut = ByteBuffer

  /// Who is at the other end.
  public let peer: Peer
  /// The name of the listener that the connection came over; empty for clients.
  public let listener: String
  /// What the peer's certificate says, known before the first stream; nil: it has none, or there is no TLS.
  public private(set) var certificate: PeerCertificate?
  /// Names the connection within this process; no number is used twice.
  public let number = connectionCounter.wrappingAdd(1, ordering: .relaxed).newValue
  /// Bytes of bodies that wait on this connection, over all streams.
  public internal(set) var pendingBodyBytes = 0
  /// The event loop of the channel.
  public let eventLoop: any EventLoop
  /// The bounds in force.
  public let limits: ConnectionLimits
  /// The allocator of the channel.
  public let allocator: ByteBufferAllocator
  /// Why the connection was lost, when it was not by mutual consent.
  public private(set) var failure: HTTP2Error?

  let role: HTTP2Role
  private let http2Limits: HTTP2Limits
  private var makeStream: ((HTTP2ChannelHandler) -> HTTP2Stream)?
  private var onClosed: (() -> Void)?
  private var whenStarted: EventLoopPromise<Void>?
  private var hasEnded = false
  private(set) var http2: HTTP2Connection?
  private var context: ChannelHandlerContext?
  private var outbox: ByteBuffer
  /// What the channel said last: it announces every change.
  private var isWritable = true
  private var isReading = false
  private var isDraining = false
  private var drainIsScheduled = false
  /// Whether something was handed to the channel since the last flush.
  private var hasWritten = false
  private var lifecycle = ConnectionLifecycle()
  private var timers: [Scheduled<Void>] = []
  private var lastActivity = NIODeadline.now()

  /// Buffers smaller than this are gathered into one; larger ones are written as they are.
  private static let copyThreshold = 8 * 1024
  private static let outboxBytes = 32 * 1024
  /// Refills of the socket in one go before other connections of the loop get their turn.
  private static let roundsPerTurn = 4

  /// Makes the handler of one channel; add it on the channel's event loop.
  ///
  /// - Parameters:
  ///   - makeStream: makes the object behind a stream that the peer opens (servers).
  ///   - onClosed: called once, after the last stream was told that the connection is gone.
  public init(
    role: HTTP2Role, channel: any Channel, peer: Peer, listener: String = "", http2Limits: HTTP2Limits,
    limits: ConnectionLimits, makeStream: ((HTTP2ChannelHandler) -> HTTP2Stream)? = nil,
    onClosed: (() -> Void)? = nil
  ) {
    self.role = role
    self.peer = peer
    self.listener = listener
    self.http2Limits = http2Limits
    self.limits = limits
    self.makeStream = makeStream
    self.onClosed = onClosed
    eventLoop = channel.eventLoop
    allocator = channel.allocator
    outbox = channel.allocator.buffer(capacity: 0)
  }

  /// Whether the connection can carry new streams.
  public var isUsable: Bool { http2 != nil && http2?.peerGoAway == nil && failure == nil }

  /// Whether the transport is gone (or was never there).
  public var isClosed: Bool { http2 == nil }

  /// Streams that are open.
  public var openStreams: Int { http2?.streams.count ?? 0 }

  /// Completes when HTTP/2 has started, behind TLS if there is any; fails with the reason if the connection ends before.
  func started() -> EventLoopFuture<Void> {
    if http2 != nil { return eventLoop.makeSucceededVoidFuture() }
    if hasEnded { return eventLoop.makeFailedFuture(failure ?? Self.ended) }
    let promise = whenStarted ?? eventLoop.makePromise()
    whenStarted = promise
    return promise.futureResult
  }

  private static let ended = HTTP2Error(.cancel, "The peer has closed the connection")

  // MARK: Channel events

  /// Starts, if the channel is active already.
  public func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { start() }
  }

  /// Starts.
  public func channelActive(context: ChannelHandlerContext) {
    start()
    context.fireChannelActive()
  }

  /// Takes the peer's certificate.
  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? PeerCertificate { certificate = event }
    context.fireUserInboundEventTriggered(event)
  }

  /// Feeds the connection; what it has to say waits for `channelReadComplete`.
  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    let buffer = unwrapInboundIn(data)
    guard let http2, failure == nil else { return }
    lastActivity = .now()
    do {
      try buffer.withUnsafeReadableBytes { bytes throws(HTTP2Error) in
        try http2.receive(bytes, now: lastActivity.uptimeNanoseconds)
      }
    } catch {
      fail(error)
    }
    noteProgress(http2)
  }

  /// Writes everything that the bytes read have caused, in one flush.
  public func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    drain()
    context.fireChannelReadComplete()
  }

  /// Goes on writing when the socket has taken enough.
  public func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    if isWritable && !isDraining { drain() }
    context.fireChannelWritabilityChanged()
  }

  /// Tells all streams that the connection is gone.
  public func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  /// Follows every end of a channel, even one that was never active.
  public func handlerRemoved(context: ChannelHandlerContext) {
    end()
    self.context = nil
  }

  /// Closes the channel.
  public func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if failure == nil { failure = HTTP2Error(.internalError, "The socket failed", evidence: "\(error)") }
    context.close(promise: nil)
  }

  // MARK: Life

  private func start() {
    guard http2 == nil, failure == nil else { return }
    http2 = HTTP2Connection(role: role, limits: http2Limits, delegate: self)
    if role == .server {
      after(limits.prefaceTimeout) { $0.happen(.prefaceTimeout) }
      if limits.idleTimeout != nil { watchIdleness() }
    }
    drain()
    whenStarted?.succeed(())
    whenStarted = nil
  }

  private func end() {
    hasEnded = true
    whenStarted?.fail(failure ?? Self.ended)
    whenStarted = nil
    _ = lifecycle.handle(.lost)
    for timer in timers { timer.cancel() }
    timers.removeAll()
    let lost = http2
    http2 = nil
    lost?.onPingAcknowledged = nil
    lost?.close(failure?.code ?? .cancel)
    makeStream = nil
    onClosed?()
    onClosed = nil
  }

  private func noteProgress(_ http2: HTTP2Connection) {
    guard role == .server else { return }
    if http2.hasPeerPreface { happen(.preface) }
    if http2.acceptedStreams > 0 { happen(.request) }
  }

  private func happen(_ event: ConnectionLifecycle.Event) {
    switch lifecycle.handle(event) {
    case .none: break
    case .expectRequest:
      if let time = limits.firstRequestTimeout { after(time) { $0.happen(.requestTimeout) } }
    case .cut: context?.close(promise: nil)
    case .notice: sendNotice()
    case .leave: http2?.goAway()
    }
  }

  private func sendNotice() {
    http2?.announceShutdown()
    http2?.onPingAcknowledged = { [weak self] _ in self?.happen(.noticeOver) }
    http2?.ping(0)
    after(limits.shutdownNotice) { $0.happen(.noticeOver) }
  }

  /// Begins a graceful end: two GOAWAYs a round trip apart, then the connection closes with its last stream.
  public func shutdown() {
    happen(.shutdown)
  }

  /// Calls `body` for every open stream.
  public func forEachStream(_ body: (HTTP2Stream) -> Void) {
    for stream in Array(http2?.streams ?? []) { body(stream) }
  }

  /// Ends every stream by `end`, gives the peer what could still be written at once, and closes the connection.
  public func endStreams(_ end: (HTTP2Stream) -> Void) {
    guard let http2 else { return close() }
    for stream in Array(http2.streams) { end(stream) }
    http2.goAway()
    drain()
    close()
  }

  /// Ends the connection now.
  public func close() {
    context?.close(promise: nil)
  }

  private func watchIdleness() {
    guard let idle = limits.idleTimeout else { return }
    after(max(lastActivity + idle - .now(), .milliseconds(1))) { handler in
      guard let http2 = handler.http2 else { return }
      if http2.streams.isEmpty && .now() - handler.lastActivity >= idle { handler.happen(.idle) }
      if !http2.streams.isEmpty { handler.lastActivity = .now() }
      handler.watchIdleness()
    }
  }

  private func after(_ time: TimeAmount, _ body: @escaping (HTTP2ChannelHandler) -> Void) {
    let timer = eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
      if let self { body(self) }
    }
    timers.append(timer)
  }

  private func fail(_ error: HTTP2Error) {
    guard failure == nil else { return }
    failure = error
  }

  // MARK: Writing

  /// Queues a buffer behind what was written before; used by streams while the connection drains.
  func write(_ buffer: ByteBuffer) {
    if buffer.readableBytes < Self.copyThreshold {
      buffer.withUnsafeReadableBytes { write($0) }
    } else {
      handOver()
      hasWritten = true
      context?.write(wrapOutboundOut(buffer), promise: nil)
    }
  }

  private func handOver() {
    guard outbox.readableBytes > 0 else { return }
    hasWritten = true
    context?.write(wrapOutboundOut(outbox), promise: nil)
    outbox = allocator.buffer(capacity: 64)
  }

  /// Writes what the connection has, in rounds of at most the socket's watermark.
  private func drain() {
    guard let http2, let context, !isDraining else { return }
    isDraining = true
    defer { isDraining = false }
    for _ in 0..<Self.roundsPerTurn {
      var isComplete = true
      do {
        isComplete = try http2.drain(into: self)
      } catch {
        fail(error)
      }
      flush(context)
      if failure != nil || http2.isFinished {
        context.close(promise: nil)
        return
      }
      // Not complete and not writable: channelWritabilityChanged goes on.
      if isComplete || !wantsMore { return }
    }
    scheduleDrain(in: .microseconds(50))
  }

  private func flush(_ context: ChannelHandlerContext) {
    defer { hasWritten = false }
    if outbox.readableBytes == 0 {
      if hasWritten { context.flush() }
    } else {
      context.writeAndFlush(wrapOutboundOut(outbox), promise: nil)
      // Keeps its memory if the socket has taken everything, else leaves it to the pending write.
      outbox.clear()
    }
  }

  private func scheduleDrain(in time: TimeAmount?) {
    guard !drainIsScheduled else { return }
    drainIsScheduled = true
    let go: () -> Void = { [self] in
      drainIsScheduled = false
      drain()
    }
    let loop = eventLoop.assumeIsolated()
    if let time { loop.scheduleTask(in: time, go) } else { loop.execute(go) }
  }
}

extension HTTP2ChannelHandler: HTTP2ConnectionDelegate {
  /// Makes the stream that the peer has opened.
  public func acceptStream() -> HTTP2Stream {
    makeStream?(self) ?? HTTP2Stream()
  }

  /// Frames made outside of a read are gathered until the tasks of this tick have run: one flush for all.
  public func connectionWantsDrain() {
    if !isReading && !isDraining { scheduleDrain(in: nil) }
  }

  /// Opens a stream with a request. Clients only.
  ///
  /// - Throws: when the connection is closing.
  public func request(_ stream: HTTP2Stream, _ headers: HTTP2Headers, body: Bool) throws(HTTP2Error) {
    guard let http2 else { throw HTTP2Error(.refusedStream, "The connection is closed", hint: "open a new one") }
    try http2.request(stream, headers, body: body)
  }
}

extension HTTP2ChannelHandler: HTTP2Output {
  /// Whether the socket is below its watermark.
  public var wantsMore: Bool { isWritable }

  /// Gathers frames.
  public func write(_ bytes: UnsafeRawBufferPointer) {
    outbox.writeBytes(bytes)
    if outbox.readableBytes >= Self.outboxBytes { handOver() }
  }
}
