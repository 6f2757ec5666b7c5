import HTTP2
import NIOCore
import NIOPosix
import Synchronization

/// Opens client connections.
public enum Dialer {
  /// Connects and starts HTTP/2, after TLS if it is used.
  ///
  /// - Parameters:
  ///   - secure: adds handlers before HTTP/2 (TLS); runs on the channel's event loop.
  ///   - onClosed: called once when the connection is closed.
  /// - Returns: the handler, for use on its event loop only.
  /// - Throws: `TransportError` if the connection cannot be established within `timeout`, or TLS fails.
  public static func connect(
    _ address: TransportAddress, group: any EventLoopGroup, http2Limits: HTTP2Limits, limits: ConnectionLimits,
    timeout: TimeAmount = .seconds(10), secure: (@Sendable (any Channel) throws -> Void)? = nil,
    onClosed: @escaping @Sendable () -> Void
  ) async throws -> NIOLoopBound<HTTP2ChannelHandler> {
    // Several addresses of a host may be tried, each with its own channel. A failed channel no longer has its handlers, but their
    // state is still needed.
    let handlers = Mutex<[ObjectIdentifier: NIOLoopBound<HTTP2ChannelHandler>]>([:])
    let bootstrap = ClientBootstrap(group: group)
      .connectTimeout(timeout)
      .channelOption(.maxMessagesPerRead, value: 4)
      .channelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16_384, maximum: 262_144)
      )
      .channelOption(
        .writeBufferWaterMark, value: .init(low: limits.writeLowWatermark, high: limits.writeHighWatermark)
      )
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try secure?(channel)
          let handler = HTTP2ChannelHandler(
            role: .client, channel: channel, peer: Peer(address), http2Limits: http2Limits, limits: limits,
            onClosed: onClosed)
          try channel.pipeline.syncOperations.addHandler(handler)
          let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
          handlers.withLock { $0[ObjectIdentifier(channel)] = bound }
        }
      }
    do {
      let channel =
        switch address {
        case .tcp(let host, let port):
          try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port).get()
        case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
        }
      guard let handler = handlers.withLock({ $0[ObjectIdentifier(channel)] }) else { throw ChannelError.eof }
      try await channel.eventLoop.flatSubmit { handler.value.started() }.get()
      return handler
    } catch {
      throw TransportError(
        code: .connectFailed, message: "Cannot connect to \(address)", evidence: "\(error)",
        hint: "check that a server listens there")
    }
  }
}
