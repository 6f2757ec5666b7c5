import HTTP2
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What failed at the level of sockets.
public struct TransportError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable {
    /// The address cannot be listened on.
    case bindFailed
    /// The address cannot be connected to.
    case connectFailed
  }

  /// The kind.
  public var code: Code
  /// What failed.
  public var message: String
  /// What the system said.
  public var evidence: String
  /// What to do about it.
  public var hint: String

  /// One line with all parts.
  public var description: String { "\(message): \(evidence); \(hint)" }
}

/// Counts the connections of a server over all of its listeners.
public final class ConnectionCount: Sendable {
  private let count = Atomic<Int>(0)
  private let limit: Int

  /// Admits at most `limit` connections at once.
  public init(limit: Int) { self.limit = limit }

  /// Connections now.
  public var current: Int { count.load(ordering: .relaxed) }

  /// Takes a place. False: none is left.
  func enter() -> Bool {
    if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
    leave()
    return false
  }

  /// Gives the place back.
  func leave() {
    count.wrappingSubtract(1, ordering: .relaxed)
  }
}

/// A socket that accepts HTTP/2 connections.
public struct Listener: Sendable {
  /// Makes the handler of an accepted channel; runs on the channel's event loop.
  public typealias Accept = @Sendable (_ channel: any Channel, _ peer: Peer) -> HTTP2ChannelHandler

  /// Where it listens; the port is the one really bound.
  public let address: TransportAddress
  private let channel: any Channel

  /// Binds and starts to accept.
  ///
  /// - Parameters:
  ///   - secure: adds handlers before HTTP/2 (TLS); runs on the channel's event loop.
  /// - Throws: `TransportError` when the address cannot be bound. A Unix socket that a dead process has left behind is
  ///   replaced; one that somebody serves is not.
  public static func bind(
    _ address: TransportAddress, group: any EventLoopGroup, count: ConnectionCount, limits: ConnectionLimits,
    secure: (@Sendable (any Channel) throws -> Void)? = nil, accept: @escaping Accept
  ) async throws -> Listener {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16_384, maximum: 262_144)
      )
      .childChannelOption(
        .writeBufferWaterMark,
        value: .init(low: limits.writeLowWatermark, high: limits.writeHighWatermark)
      )
      .childChannelInitializer { channel in
        guard count.enter() else { return channel.close() }
        channel.closeFuture.whenComplete { _ in count.leave() }
        return Self.peer(of: channel).flatMapThrowing { peer in
          try secure?(channel)
          try channel.pipeline.syncOperations.addHandler(accept(channel, peer))
        }
      }
    do {
      let channel = try await bind(bootstrap, address)
      return Listener(address: address.with(port: channel.localAddress?.port), channel: channel)
    } catch {
      throw TransportError(
        code: .bindFailed, message: "Cannot listen on \(address)", evidence: "\(error)",
        hint: "choose another address, or stop the process that uses this one")
    }
  }

  private static func bind(_ bootstrap: ServerBootstrap, _ address: TransportAddress) async throws -> any Channel {
    switch address {
    case .tcp(let host, let port):
      return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelOption(.socketOption(.so_keepalive), value: 1)
        .bind(host: host, port: port).get()
    case .unix(let path):
      if await isAbandoned(path) { unlink(path) }
      return try await bootstrap.bind(unixDomainSocketPath: path).get()
    }
  }

  /// Whether a socket file is there that nobody accepts connections on.
  private static func isAbandoned(_ path: String) async -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
    do {
      let probe = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(unixDomainSocketPath: path).get()
      try? await probe.close().get()
      return false
    } catch let error as IOError {
      return error.errnoCode == ECONNREFUSED
    } catch {
      return false
    }
  }

  /// Who connected; on a Unix socket the kernel knows the process.
  private static func peer(of channel: any Channel) -> EventLoopFuture<Peer> {
    let address = channel.remoteAddress
    #if os(Linux)
      if address?.ipAddress == nil, let provider = channel as? any SocketOptionProvider {
        let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
          level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return credentials.map { Peer(address, credentials: $0) }
          .flatMapErrorThrowing { _ in Peer(address, credentials: nil) }
      }
    #endif
    return channel.eventLoop.makeSucceededFuture(Peer(address, credentials: nil))
  }

  /// Stops accepting; connections that were accepted live on.
  public func close() async {
    try? await channel.close().get()
    if case .unix(let path) = address { unlink(path) }
  }
}

extension TransportAddress {
  fileprivate func with(port: Int?) -> TransportAddress {
    if case .tcp(let host, _) = self, let port { return .tcp(host: host, port: port) }
    return self
  }
}
