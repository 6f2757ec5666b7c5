import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Pauses a listener while the maximum number of accepted connections is reached, and for a moment after the system lacked a
/// descriptor or memory for one. Further connections wait in the kernel's queue, where they need no descriptor. Without the pause
/// an event loop would retry continuously while a connection waits.
final class AcceptGate: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias OutboundIn = any Channel

  private let count: ConnectionCount
  private let report: RefusalReport?
  private var pausedUntil = NIODeadline.uptimeNanoseconds(0)
  /// Whether a retry is scheduled.
  private var isPaused = false

  /// The delay between retries while descriptors or memory are short.
  static let pause = TimeAmount.milliseconds(250)

  init(_ count: ConnectionCount, report: RefusalReport?) {
    self.count = count
    self.report = report
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    count.accept()
    unwrapInboundIn(data).closeFuture.whenComplete { [count] _ in count.close() }
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    let tryAgain: @Sendable () -> Void = { if bound.value.channel.isActive { bound.value.pipeline.read() } }
    if isPaused { return }
    guard pausedUntil <= .now() else {
      isPaused = true
      let me = NIOLoopBound(self, eventLoop: context.eventLoop)
      _ = context.eventLoop.scheduleTask(deadline: pausedUntil) {
        me.value.isPaused = false
        tryAgain()
      }
      return
    }
    if count.waitForPlace({ bound.eventLoop.execute(tryAgain) }) {
      report?(.connections, nil, "no more connections are accepted until one ends: \(count.current) are open")
    } else {
      context.read()
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, Self.isShortage(error.errnoCode) else { return context.fireErrorCaught(error) }
    pausedUntil = .now() + Self.pause
    report?(
      .descriptors, nil,
      "connections are not accepted for a moment: \(error). Raise the limit of open files "
        + "(ulimit -n, or LimitNOFILE= of a service)")
  }

  static func isShortage(_ code: CInt) -> Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) }
}
