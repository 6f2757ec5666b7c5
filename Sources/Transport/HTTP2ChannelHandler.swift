import HTTP2
import NIOCore
import Synchronization

private let connectionCounter = Atomic<UInt64>(0)

/// An HTTP/2 connection on a NIO channel. Processes the bytes read and writes frames, with one flush per tick of the event loop.
///
/// Confined to the channel's event loop. A TLS handler, if there is one, precedes it in the pipeline; nothing is written before
/// the channel is active.
public final class HTTP2ChannelHandler: ChannelDuplexHandler {
  /// Bytes from the socket or from TLS.
  public typealias InboundIn = ByteBuffer
  /// No handler writes through this one.
  public typealias OutboundIn = Never
  /// Bytes of frames, split anywhere.
  public typealias OutboundOut = ByteBuffer

  /// The peer of the connection.
  public let peer: Peer
  /// The peer's key for accounting; empty for clients. See `Peer.origin`.
  public let origin: String
  /// The name of the listener that accepted the connection; empty for clients.
  public let listener: String
  /// The peer's certificate, set before the first stream; nil if it has none or there is no TLS.
  public private(set) var certificate: PeerCertificate?
  /// The number of the connection, unique within the process.
  public let number = connectionCounter.wrappingAdd(1, ordering: .relaxed).newValue
  /// The number of queued bytes of bodies, over all streams of this connection.
  public internal(set) var pendingBodyBytes = 0
  /// The account of the connection's resources; nil for clients.
  let account: ConnectionAccount?
  let report: RefusalReport?
  private var refusedStreams = 0
  var isWatching = false
  var socketPace = Pace()
  /// The number of bytes passed to the channel.
  var handedBytes = 0
  /// Bytes that wait for the next turn because the bytes before them have opened many streams.
  private var backlog: ByteBuffer?
  /// Whether a read was requested while there was a backlog.
  private var readIsHeld = false
  /// The number of streams opened before this turn.
  private var streamsBeforeTurn = 0
  /// The kind of refusal with which the connection was cut off.
  var cause: Refusal?
  /// The event loop of the channel.
  public let eventLoop: any EventLoop
  /// The limits of the connection.
  public let limits: ConnectionLimits
  /// The allocator of the channel.
  public let allocator: ByteBufferAllocator
  /// Why the connection was lost; nil if it was closed regularly.
  public private(set) var failure: HTTP2Error?

  let role: HTTP2Role
  private let http2Limits: HTTP2Limits
  var makeStream: ((HTTP2ChannelHandler) -> HTTP2Stream)?
  private var onClosed: (() -> Void)?
  private var whenStarted: EventLoopPromise<Void>?
  private var hasEnded = false
  private(set) var http2: HTTP2Connection?
  var context: ChannelHandlerContext?
  /// Bytes of frames that are not passed to the channel yet.
  var outbox: ByteBuffer
  /// The last reported writability of the channel, which reports every change.
  private(set) var isWritable = true
  var isReading = false
  var isDraining = false
  var drainIsScheduled = false
  /// Whether bytes were passed to the channel since the last flush.
  var hasWritten = false
  var lifecycle = ConnectionLifecycle()
  private var timers: [Int: Scheduled<Void>] = [:]
  private var timerCount = 0
  var lastActivity = NIODeadline.now()
  /// The time of the last byte received from the peer.
  private(set) var lastHeard = NIODeadline.now()
  var keepAlive: KeepAlive?
  var keepAliveTimer: Scheduled<Void>?
  /// Called to end the remaining calls when the connection has reached its maximum age and the grace period is over.
  public var endOfAge: ((HTTP2ChannelHandler) -> Void)?

  /// Payloads that distinguish the answers to PINGs.
  private static let noticePing: UInt64 = 0
  static let lifePing: UInt64 = 1
  /// Number of streams that may be opened before other connections of the event loop get their turn.
  private static let streamsPerTurn = 500
  /// Number of bytes processed between checks of that limit: opening a stream takes at least ten.
  private static let pieceBytes = 16 * 1024

  /// Creates the handler of one channel; must be added on the channel's event loop.
  ///
  /// - Parameters:
  ///   - makeStream: makes the object for a stream that the peer opens (servers).
  ///   - accounts: counts and limits the resources held on behalf of the connection. nil: no accounting.
  ///   - report: receives refusals, including the reason why the connection is cut off.
  ///   - onClosed: called once, after all streams were closed.
  public init(
    role: HTTP2Role, channel: any Channel, peer: Peer, listener: String = "", http2Limits: HTTP2Limits,
    limits: ConnectionLimits, accounts: PeerAccounts? = nil, report: RefusalReport? = nil,
    makeStream: ((HTTP2ChannelHandler) -> HTTP2Stream)? = nil, onClosed: (() -> Void)? = nil
  ) {
    account = accounts?.open(peer)
    self.report = report
    origin = role == .server ? peer.origin : ""
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

  /// Whether new streams can be opened on the connection.
  public var isUsable: Bool { http2 != nil && http2?.peerGoAway == nil && failure == nil }

  /// Whether the transport is closed or was never connected.
  public var isClosed: Bool { http2 == nil }

  /// The number of open streams.
  public var openStreams: Int { http2?.streams.count ?? 0 }

  /// Returns a future that completes when HTTP/2 has started, after TLS if it is used. Fails with the reason if the connection
  /// ends before.
  func started() -> EventLoopFuture<Void> {
    if http2 != nil { return eventLoop.makeSucceededVoidFuture() }
    if hasEnded { return eventLoop.makeFailedFuture(failure ?? Self.ended) }
    let promise = whenStarted ?? eventLoop.makePromise()
    whenStarted = promise
    return promise.futureResult
  }

  private static let ended = HTTP2Error(.cancel, "The peer has closed the connection")

  // MARK: Channel events

  /// Starts HTTP/2 if the channel is active already.
  public func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { start() }
  }

  /// Starts HTTP/2.
  public func channelActive(context: ChannelHandlerContext) {
    start()
    context.fireChannelActive()
  }

  /// Stores the peer's certificate.
  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? PeerCertificate { certificate = event }
    context.fireUserInboundEventTriggered(event)
  }

  /// Processes bytes; the resulting frames are written in `channelReadComplete`.
  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    var buffer = unwrapInboundIn(data)
    if backlog?.writeBuffer(&buffer) == nil { receive(buffer) }
  }

  /// Processes bytes in pieces, until they have opened so many streams that other connections must get their turn.
  private func receive(_ buffer: ByteBuffer) {
    guard let http2, failure == nil else { return }
    lastActivity = .now()
    lastHeard = lastActivity
    var buffer = buffer
    while buffer.readableBytes > 0 && failure == nil {
      let count = min(buffer.readableBytes, Self.pieceBytes)
      do {
        try buffer.withUnsafeReadableBytes { bytes throws(HTTP2Error) in
          try http2.receive(UnsafeRawBufferPointer(rebasing: bytes[..<count]), now: lastActivity.uptimeNanoseconds)
        }
      } catch {
        fail(error)
      }
      buffer.moveReaderIndex(forwardBy: count)
      if buffer.readableBytes > 0 && http2.openedStreams - streamsBeforeTurn > Self.streamsPerTurn {
        postpone(buffer)
        break
      }
    }
    noteProgress(http2)
  }

  private func postpone(_ rest: ByteBuffer) {
    backlog = rest
    eventLoop.assumeIsolated().execute { [self] in
      guard let rest = backlog else { return }
      backlog = nil
      isReading = true
      streamsBeforeTurn = http2?.openedStreams ?? 0
      receive(rest)
      isReading = false
      drain()
      armWatch()
      guard backlog == nil, readIsHeld else { return }
      readIsHeld = false
      context?.read()
    }
  }

  /// Reads, or delays reading while there is a backlog.
  public func read(context: ChannelHandlerContext) {
    if backlog == nil { context.read() } else { readIsHeld = true }
  }

  /// Writes all frames that result from the bytes read, with one flush.
  public func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    drain()
    streamsBeforeTurn = http2?.openedStreams ?? 0
    armWatch()
    context.fireChannelReadComplete()
  }

  /// Continues writing when the socket has accepted enough bytes.
  public func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    if isWritable && !isDraining { drain() }
    context.fireChannelWritabilityChanged()
  }

  /// Closes all streams.
  public func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  /// Closes all streams; also called for a channel that was never active.
  public func handlerRemoved(context: ChannelHandlerContext) {
    end()
    self.context = nil
  }

  /// Closes the channel.
  public func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if failure == nil { failure = HTTP2Error(.internalError, "The socket failed", evidence: "\(error)") }
    context.close(promise: nil)
  }

  // MARK: Lifecycle

  private func start() {
    guard http2 == nil, failure == nil else { return }
    http2 = HTTP2Connection(role: role, limits: http2Limits, delegate: self)
    if role == .server {
      after(limits.prefaceTimeout) { $0.happen(.prefaceTimeout) }
      if limits.idleTimeout != nil { watchIdleness() }
      if let age = limits.maxAge { endAt(age) }
      if let interval = limits.keepAliveInterval {
        keepAlive = KeepAlive(interval: interval, timeout: limits.keepAliveTimeout)
        lookForLife()
      }
    }
    drain()
    whenStarted?.succeed(())
    whenStarted = nil
  }

  private func end() {
    hasEnded = true
    backlog = nil
    whenStarted?.fail(failure ?? Self.ended)
    whenStarted = nil
    _ = lifecycle.handle(.lost)
    keepAliveTimer?.cancel()
    for timer in timers.values { timer.cancel() }
    timers.removeAll()
    let lost = http2
    http2 = nil
    lost?.onPingAcknowledged = nil
    lost?.close(failure?.code ?? .cancel)
    account?.close()
    makeStream = nil
    endOfAge = nil
    onClosed?()
    onClosed = nil
  }

  private func noteProgress(_ http2: HTTP2Connection) {
    guard role == .server else { return }
    if http2.hasPeerPreface { happen(.preface) }
    if http2.acceptedStreams > 0 { happen(.request) }
    if http2.refusedStreams > refusedStreams {
      refusedStreams = http2.refusedStreams
      refused(.streams, "a call is rejected: its connection or peer has reached the limit of open calls")
    }
  }

  func happen(_ event: ConnectionLifecycle.Event) {
    switch lifecycle.handle(event) {
    case .none: break
    case .expectRequest:
      if let time = limits.firstRequestTimeout { after(time) { $0.happen(.requestTimeout) } }
    case .cut:
      if event == .prefaceTimeout { refused(.preface, "a connection is closed: no HTTP/2 preface arrived in time") }
      context?.close(promise: nil)
    case .notice: sendNotice()
    case .leave: http2?.goAway()
    }
  }

  private func sendNotice() {
    http2?.announceShutdown()
    http2?.onPingAcknowledged = { [weak self] in if $0 == Self.noticePing { self?.happen(.noticeOver) } }
    http2?.ping(Self.noticePing)
    after(limits.shutdownNotice) { $0.happen(.noticeOver) }
  }

  /// Closes the channel immediately.
  public func close() {
    context?.close(promise: nil)
  }

  func after(_ time: TimeAmount, _ body: @escaping (HTTP2ChannelHandler) -> Void) {
    timerCount += 1
    let number = timerCount
    timers[number] = eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
      guard let self else { return }
      timers[number] = nil
      body(self)
    }
  }

  func fail(_ error: HTTP2Error) {
    guard failure == nil else { return }
    failure = error
    if role == .server { refused(cause ?? Refusal(error), "a connection is closed: \(error)") }
  }
}
