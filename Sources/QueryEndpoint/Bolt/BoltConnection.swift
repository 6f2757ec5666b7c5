import Logging
import NIOCore
import QueryAlgebra
import QueryValues

/// One Bolt connection: it performs what the session decides, on the connection's event loop.
final class BoltConnection: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let service: any QueryService
  private let identity: BoltSession.Identity
  private let limits: QueryEndpointLimits
  private let authenticate: QueryAuthenticator
  private let logger: Logger

  private var session: BoltSession?
  private var handshake = ByteBuffer()
  private var chunks: BoltChunkReader
  private var output = ByteBuffer()
  private var cursors = CursorTable<BoltSession.ResultID>()
  private var isUTC = false
  /// Whether the channel wanted to read while too many requests waited.
  private var isReadHeld = false
  private var deadline: Scheduled<Void>?
  private var patience: IdleWatch?

  init(
    service: any QueryService, identity: BoltSession.Identity, limits: QueryEndpointLimits,
    authenticate: @escaping QueryAuthenticator, logger: Logger
  ) {
    self.service = service
    self.identity = identity
    self.limits = limits
    self.authenticate = authenticate
    self.logger = logger
    chunks = BoltChunkReader(maximumBytes: limits.maximumMessageBytes)
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    let (me, context) = (
      NIOLoopBound(self, eventLoop: context.eventLoop), NIOLoopBound(context, eventLoop: context.eventLoop)
    )
    patience = IdleWatch(
      context.eventLoop, limits: limits, isAuthenticated: { me.value.session?.isUnauthenticated == false },
      isBusy: { me.value.session?.isBusy == true }, giveUp: { context.value.close(promise: nil) })
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    patience?.touch()
    var bytes = unwrapInboundIn(data)
    if session == nil {
      handshake.writeBuffer(&bytes)
      guard handshake.readableBytes >= BoltVersion.handshakeBytes else { return }
      guard negotiate(context) else { return context.close(promise: nil) }
      bytes = handshake
      handshake = ByteBuffer()
    }
    chunks.append(&bytes)
    readRequests(context)
  }

  func read(context: ChannelHandlerContext) {
    guard session?.acceptsRequests != false else {
      isReadHeld = true
      return
    }
    context.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    patience?.touch()
    handle(.writable(context.channel.isWritable), context)
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ConnectionGuard.Draining {
      if session == nil { context.close(promise: nil) } else { handle(.draining, context) }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    handle(.disconnected, context)
    cursors.cancelAll()
    deadline?.cancel()
    patience?.stop()
    patience = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("a Bolt connection failed", metadata: ["error": "\(error)"])
    context.close(promise: nil)
  }

  // MARK: Requests

  private func negotiate(_ context: ChannelHandlerContext) -> Bool {
    let proposals = handshake.readBytes(length: BoltVersion.handshakeBytes) ?? []
    guard BoltVersion.isHandshake(proposals) else { return false }
    let version = BoltVersion.negotiate(proposals)
    let answer = ByteBuffer(bytes: [0, 0, version?.minor ?? 0, version?.major ?? 0])
    context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    session = version.map { BoltSession(version: $0, identity: identity, limits: limits) }
    isUTC = version?.hasElementIDs == true
    return session != nil
  }

  /// Hands complete messages to the session, until as many wait as may.
  private func readRequests(_ context: ChannelHandlerContext) {
    while context.channel.isActive, session?.acceptsRequests == true {
      do {
        guard let message = try chunks.next() else { break }
        handle(.received(try BoltRequest(message, limits: limits)), context)
      } catch {
        return handle(.violated(error), context)
      }
    }
    if isReadHeld, session?.acceptsRequests == true {
      isReadHeld = false
      context.read()
    }
  }

  private func handle(_ event: BoltSession.Event, _ context: ChannelHandlerContext) {
    guard let actions = session?.handle(event, now: .now) else { return }
    for action in actions { perform(action, context) }
    flush(context)
  }

  private func flush(_ context: ChannelHandlerContext) {
    guard output.readableBytes > 0 else { return }
    context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    output = ByteBuffer()
  }

  private func perform(_ action: BoltSession.Action, _ context: ChannelHandlerContext) {
    switch action {
    case .send(let response): send(response, context)
    case .sendRows(let id, let rows): send(rows, of: id, context)
    case .authenticate(let credentials):
      let authenticate = authenticate
      run(context) { .authenticated(await authenticate(credentials)) }
    case .open(let id, let statement): open(id, statement, context)
    case .fetch(let id, let count): fetch(id, count, context)
    case .cancel(let id): cursors.cancel(id)
    case .setDeadline(let instant): set(instant, context)
    case .useUTC: isUTC = true
    case .close:
      flush(context)
      context.close(promise: nil)
    }
  }

  // MARK: Answers

  private var encoder: BoltValueEncoder {
    BoltValueEncoder(
      service.graph, hasElementIDs: session?.version.hasElementIDs == true, isUTC: isUTC,
      maximumNesting: limits.maximumNesting)
  }

  private func send(_ response: BoltResponse, _ context: ChannelHandlerContext) {
    do {
      try output.writeChunked { bytes throws(QueryError) in try encoder.message(response, into: &bytes) }
    } catch {
      logger.error("an answer of Bolt cannot be encoded", metadata: ["error": "\(error)"])
      context.close(promise: nil)
    }
  }

  private func send(_ rows: [[Value]], of id: BoltSession.ResultID, _ context: ChannelHandlerContext) {
    let encoder = encoder
    for row in rows {
      do {
        try output.writeChunked { bytes throws(QueryError) in try encoder.record(row, into: &bytes) }
      } catch {
        // The session is told once it has performed what it decided before.
        let (me, context) = (
          NIOLoopBound(self, eventLoop: context.eventLoop), NIOLoopBound(context, eventLoop: context.eventLoop)
        )
        return context.eventLoop.execute { me.value.handle(.failed(id, error), context.value) }
      }
    }
  }

  // MARK: Queries

  /// Runs what suspends, and hands its event to the session.
  @discardableResult
  private func run(
    _ context: ChannelHandlerContext, _ body: @escaping @Sendable () async -> BoltSession.Event
  ) -> Task<Void, Never> {
    let (me, bound) = (
      NIOLoopBound(self, eventLoop: context.eventLoop), NIOLoopBound(context, eventLoop: context.eventLoop)
    )
    return Task {
      let event = await body()
      bound.eventLoop.execute {
        me.value.handle(event, bound.value)
        me.value.readRequests(bound.value)
      }
    }
  }

  private func open(_ id: BoltSession.ResultID, _ statement: Statement, _ context: ChannelHandlerContext) {
    let (service, place) = (service, cursors.place(for: id))
    run(context) {
      do throws(QueryError) {
        let cursor = try await service.open(statement)
        guard place.fill(cursor) else { throw QueryError(.cancelled, "The query was ended") }
        return .opened(id, columns: cursor.columns)
      } catch {
        return .failed(id, error)
      }
    }
  }

  private func fetch(_ id: BoltSession.ResultID, _ count: Int, _ context: ChannelHandlerContext) {
    let cursor = cursors[id]
    run(context) {
      do throws(QueryError) {
        guard let cursor else { throw QueryError(.cancelled, "The query was ended") }
        let rows = try await cursor.next(count)
        return .rows(id, rows, plan: rows.isEmpty ? cursor.plan : nil)
      } catch {
        return .failed(id, error)
      }
    }
  }

  private func set(_ instant: ContinuousClock.Instant?, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    let (me, bound) = (
      NIOLoopBound(self, eventLoop: context.eventLoop), NIOLoopBound(context, eventLoop: context.eventLoop)
    )
    deadline = instant.map { instant in
      let (seconds, attoseconds) = ContinuousClock.now.duration(to: instant).components
      let delay = TimeAmount.nanoseconds(
        seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
          ? Int64.max / 4 : min(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, Int64.max / 4))
      return context.eventLoop.scheduleTask(in: delay) { me.value.handle(.expired, bound.value) }
    }
  }
}
