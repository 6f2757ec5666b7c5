import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Turns a connection of HTTP/1.1 into a WebSocket, and tells other requests what is here.
///
/// A web page can connect to a server on the machine of its reader. So a request that names an origin is admitted only if that
/// is the server's own address, or one of those that the operator allows.
struct WebSocketDoor: Sendable {
  /// The path at which WebSockets are accepted; nil for all.
  let path: String?
  let origins: Set<String>
  let limits: QueryEndpointLimits
  /// The answer to a request for the path that asks for no WebSocket.
  let advice: String
  /// Creates the handlers of a WebSocket; its frames are whole messages.
  let handlers: @Sendable () -> [any ChannelHandler]

  /// Adds what waits for the request; runs on the channel's event loop.
  func open(_ channel: any Channel) throws {
    let (limits, handlers) = (limits, handlers)
    let upgrader = NIOWebSocketServerUpgrader(
      maxFrameSize: limits.maximumMessageBytes,
      shouldUpgrade: { channel, head in
        channel.eventLoop.makeSucceededFuture(rejection(of: head) == nil ? HTTPHeaders() : nil)
      },
      upgradePipelineHandler: { channel, _ in
        channel.eventLoop.makeCompletedFuture {
          let joined = NIOWebSocketFrameAggregator(
            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
            maxAccumulatedFrameSize: limits.maximumMessageBytes)
          try channel.pipeline.syncOperations.addHandlers([joined] + handlers())
        }
      })
    let plain = PlainRequests(door: self)
    let bound = NIOLoopBound(plain, eventLoop: channel.eventLoop)
    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
      withServerUpgrade: (
        upgraders: [upgrader],
        completionHandler: { context in context.pipeline.syncOperations.removeHandler(bound.value, promise: nil) }
      ))
    try channel.pipeline.syncOperations.addHandler(plain)
  }

  /// Why a request is not admitted; nil if it is.
  func rejection(of head: HTTPRequestHead) -> HTTPResponseStatus? {
    if let path, head.uri.prefix(while: { $0 != "?" }) != path[...] { return .notFound }
    guard let origin = head.headers.first(name: "Origin"), !origins.contains("*"), !origins.contains(origin) else {
      return nil
    }
    let address = origin.split(separator: "/").last.map(String.init)
    return address == head.headers.first(name: "Host") ? nil : .forbidden
  }
}

/// Answers requests that do not become a WebSocket, and ends connections over which none comes in time.
private final class PlainRequests: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let door: WebSocketDoor
  private var deadline: Scheduled<Void>?

  init(door: WebSocketDoor) { self.door = door }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: door.limits.timeToAuthenticate) { bound.value.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let head) = unwrapInboundIn(data) else { return }
    let rejection = door.rejection(of: head)
    let text =
      switch rejection {
      case .forbidden: "Web pages of this origin may not connect; the operator allows origins.\n"
      case .notFound: "There is nothing here but \(door.path ?? "/").\n"
      default: door.advice
      }
    let body = ByteBuffer(string: text)
    let headers: HTTPHeaders = [
      "Content-Type": "text/plain", "Content-Length": "\(body.readableBytes)", "Connection": "close",
    ]
    let status = rejection ?? .upgradeRequired
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ConnectionGuard.Draining { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A WebSocket that is not admitted is answered as a plain request, which follows.
    if error is NIOWebSocketUpgradeError { return }
    context.close(promise: nil)
  }
}
