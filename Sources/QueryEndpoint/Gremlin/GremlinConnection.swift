import Logging
import NIOCore
import NIOWebSocket
import QueryAlgebra
import QueryValues

/// One Gremlin connection over a WebSocket: it performs what the session decides, on the connection's event loop.
final class GremlinConnection: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private let service: any QueryService
  private let limits: QueryEndpointLimits
  private let authenticate: QueryAuthenticator
  private let logger: Logger

  private var session: GremlinSession
  private var cursors = CursorTable<GremlinSession.Number>()
  /// Whether the client writes text, and is answered so.
  private var isText = false
  private var isReadHeld = false
  private var isClosing = false
  private var patience: IdleWatch?

  init(
    service: any QueryService, limits: QueryEndpointLimits, authenticate: @escaping QueryAuthenticator, logger: Logger
  ) {
    self.service = service
    self.limits = limits
    self.authenticate = authenticate
    self.logger = logger
    session = GremlinSession(limits: limits)
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    let (me, bound) = bind(context)
    patience = IdleWatch(
      context.eventLoop, limits: limits, isAuthenticated: { me.value.session.isAdmitted },
      isBusy: { me.value.session.isBusy }, giveUp: { me.value.close(.goingAway, bound.value) })
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    patience?.touch()
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case _ where isClosing: break
    case .binary, .text: receive(frame, context)
    case .ping: context.writeAndFlush(wrapOutboundOut(Self.frame(.pong, frame.unmaskedData)), promise: nil)
    case .connectionClose:
      close(.normalClosure, context)
      handle(.disconnected, context)
    default: break
    }
  }

  func read(context: ChannelHandlerContext) {
    guard session.acceptsRequests else {
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
    if event is ConnectionGuard.Draining { handle(.draining, context) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    handle(.disconnected, context)
    cursors.cancelAll()
    patience?.stop()
    patience = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("a Gremlin connection failed", metadata: ["error": "\(error)"])
    context.close(promise: nil)
  }

  // MARK: Requests

  private func receive(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
    // A client masks what it sends (RFC 6455).
    guard frame.maskKey != nil else { return close(.protocolError, context) }
    let reader = GremlinRequestReader(limits: limits)
    isText = frame.opcode == .text
    do {
      let (request, format) =
        isText ? try reader.request(text: frame.unmaskedData) : try reader.request(binary: frame.unmaskedData)
      handle(.received(request, format), context)
    } catch {
      logger.debug("a request of Gremlin cannot be read", metadata: ["reason": "\(error.reason)"])
      close(.dataInconsistentWithMessage, context)
      handle(.disconnected, context)
    }
  }

  private func handle(_ event: GremlinSession.Event, _ context: ChannelHandlerContext) {
    for action in session.handle(event) { perform(action, context) }
    context.flush()
    if isReadHeld, session.acceptsRequests {
      isReadHeld = false
      context.read()
    }
  }

  private func perform(_ action: GremlinSession.Action, _ context: ChannelHandlerContext) {
    switch action {
    case .send(let client, let status): write(writer(client).message(status), context)
    case .sendResults(let number, let client, let results, let code):
      do {
        for message in try writer(client).messages(results, last: code) { write(message, context) }
      } catch {
        fail(number, client, error, context)
      }
    case .authenticate(let credentials):
      let authenticate = authenticate
      run(context) { .authenticated(await authenticate(credentials)) }
    case .open(let number, let statement): open(number, statement, context)
    case .fetch(let number, let count): fetch(number, count, context)
    case .cancel(let number): cursors.cancel(number)
    case .resume(let number):
      let (me, bound) = bind(context)
      context.eventLoop.execute { me.value.handle(.resumed(number), bound.value) }
    case .close: close(.goingAway, context)
    }
  }

  // MARK: Responses

  private func writer(_ client: GremlinSession.Client) -> GremlinResponseWriter {
    GremlinResponseWriter(
      id: client.id, format: client.format, settings: client.settings, names: ElementNames(service.graph),
      limits: limits)
  }

  private func write(_ message: ByteBuffer, _ context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(Self.frame(isText ? .text : .binary, message)), promise: nil)
  }

  /// Answers a request whose results cannot be written. The session knows no more of it if this was its last response.
  private func fail(
    _ number: GremlinSession.Number, _ client: GremlinSession.Client, _ error: QueryError,
    _ context: ChannelHandlerContext
  ) {
    if session.isRunning(number) {
      handle(.failed(number, error), context)
    } else {
      write(
        writer(client).message(GremlinStatus(.serializationFailed, error.message, exceptions: [error.kind.rawValue])),
        context)
    }
  }

  private static func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, data: data)
  }

  private func close(_ code: WebSocketErrorCode, _ context: ChannelHandlerContext) {
    guard !isClosing else { return }
    isClosing = true
    var data = ByteBuffer()
    data.write(webSocketErrorCode: code)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(Self.frame(.connectionClose, data))).whenComplete { _ in
      bound.value.close(promise: nil)
    }
  }

  // MARK: Queries

  private func bind(_ context: ChannelHandlerContext) -> (
    NIOLoopBound<GremlinConnection>, NIOLoopBound<ChannelHandlerContext>
  ) {
    (NIOLoopBound(self, eventLoop: context.eventLoop), NIOLoopBound(context, eventLoop: context.eventLoop))
  }

  /// Runs what suspends, and hands its event to the session.
  private func run(_ context: ChannelHandlerContext, _ body: @escaping @Sendable () async -> GremlinSession.Event) {
    let (me, bound) = bind(context)
    Task {
      let event = await body()
      bound.eventLoop.execute { me.value.handle(event, bound.value) }
    }
  }

  private func open(_ number: GremlinSession.Number, _ statement: Statement, _ context: ChannelHandlerContext) {
    let (service, place) = (service, cursors.place(for: number))
    run(context) {
      do throws(QueryError) {
        let cursor = try await service.open(statement)
        guard place.fill(cursor) else { throw QueryError(.cancelled, "The query was ended") }
        return .opened(number, hasBulk: cursor.columns.count == 2 && cursor.columns[1] == "bulk")
      } catch {
        return .failed(number, error)
      }
    }
  }

  private func fetch(_ number: GremlinSession.Number, _ count: Int, _ context: ChannelHandlerContext) {
    let cursor = cursors[number]
    run(context) {
      do throws(QueryError) {
        guard let cursor else { throw QueryError(.cancelled, "The query was ended") }
        return .rows(number, try await cursor.next(count))
      } catch {
        return .failed(number, error)
      }
    }
  }
}
