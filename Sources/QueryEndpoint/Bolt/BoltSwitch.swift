import NIOCore

/// Finds out from the first bytes of a connection whether it speaks Bolt or begins with a request for a WebSocket.
final class BoltSwitch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let limits: QueryEndpointLimits
  private let plain: () -> BoltConnection
  private let webSocket: WebSocketDoor
  private var deadline: Scheduled<Void>?

  init(limits: QueryEndpointLimits, plain: @escaping () -> BoltConnection, webSocket: WebSocketDoor) {
    self.limits = limits
    self.plain = plain
    self.webSocket = webSocket
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: limits.timeToAuthenticate) { bound.value.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    do {
      // Requests begin with a letter; the first byte of Bolt is 0x60.
      if bytes.readableBytesView.first == UInt8(ascii: "G") {
        try webSocket.open(context.channel)
      } else {
        try context.pipeline.syncOperations.addHandler(plain())
      }
    } catch {
      return context.close(promise: nil)
    }
    context.fireChannelRead(wrapInboundOut(bytes))
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ConnectionGuard.Draining { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
