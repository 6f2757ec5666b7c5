import Logging
import NIOCore
import NIOPosix

/// Where an endpoint listens.
public enum QueryListener: Sendable {
  /// An address to bind; port 0 chooses a free one.
  case address(host: String, port: Int)
  /// A socket that is bound already, such as one that a parent process handed down.
  case descriptor(CInt)
}

/// A listening query endpoint.
public struct QueryServer: Sendable {
  /// The address on which it listens, with the port that was bound.
  public let address: SocketAddress
  private let channel: any Channel
  private let connections: ConnectionGuard

  /// The number of open connections.
  public var connectionCount: Int { connections.count }

  /// Begins to listen.
  /// - Parameter configure: Adds the handlers of an accepted connection; runs on its event loop.
  static func bind(
    at listener: QueryListener, group: any EventLoopGroup, limits: QueryEndpointLimits, logger: Logger,
    configure: @escaping @Sendable (any Channel) throws -> Void
  ) async throws -> QueryServer {
    let connections = ConnectionGuard(maximum: limits.maximumConnections)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(
        .writeBufferWaterMark, value: .init(low: limits.writeLowWatermark, high: limits.writeHighWatermark)
      )
      .childChannelInitializer { channel in
        guard connections.admit(channel) else {
          logger.debug("a connection is closed: as many are open as may be, or the endpoint stops")
          return channel.close()
        }
        return channel.eventLoop.makeCompletedFuture { try configure(channel) }
      }
    let channel =
      switch listener {
      case .address(let host, let port): try await bootstrap.bind(host: host, port: port).get()
      case .descriptor(let socket): try await bootstrap.withBoundSocket(socket).get()
      }
    guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
    return QueryServer(address: address, channel: channel, connections: connections)
  }

  /// Stops accepting connections, lets the open ones end what they are doing, and closes them after a time.
  public func stop(within time: TimeAmount) async {
    try? await channel.close().get()
    await connections.drain(within: time)
  }
}
