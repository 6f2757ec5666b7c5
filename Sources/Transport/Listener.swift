import HTTP2
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A failure of a socket.
public struct TransportError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable {
    /// The address cannot be bound.
    case bindFailed
    /// The address cannot be connected to.
    case connectFailed
  }

  /// The kind.
  public var code: Code
  /// What failed.
  public var message: String
  /// The error reported by the system.
  public var evidence: String
  /// What to do about it.
  public var hint: String

  /// One line with all parts.
  public var description: String { "\(message): \(evidence); \(hint)" }
}

/// A socket that accepts HTTP/2 connections.
public struct Listener: Sendable {
  /// Creates the handler of an accepted channel; runs on the channel's event loop.
  public typealias Accept = @Sendable (_ channel: any Channel, _ peer: Peer) -> HTTP2ChannelHandler

  /// The address, with the port that was actually bound.
  public let address: TransportAddress
  private let channel: any Channel

  /// Binds an address and starts to accept connections.
  ///
  /// - Parameters:
  ///   - secure: adds handlers before HTTP/2 (TLS); runs on the channel's event loop.
  ///   - report: receives connections that are closed at once or not accepted.
  /// - Throws: `TransportError` if the address cannot be bound. A Unix socket left behind by a dead process is replaced; one on
  ///   which a process accepts connections is not.
  public static func bind(
    _ address: TransportAddress, group: any EventLoopGroup, count: ConnectionCount, limits: ConnectionLimits,
    secure: (@Sendable (any Channel) throws -> Void)? = nil, report: RefusalReport? = nil, accept: @escaping Accept
  ) async throws -> Listener {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptGate(count, report: report))
        }
      }
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16_384, maximum: 262_144)
      )
      .childChannelOption(
        .writeBufferWaterMark,
        value: .init(low: limits.writeLowWatermark, high: limits.writeHighWatermark)
      )
      .childChannelInitializer { channel in
        guard count.enter() else {
          report?(
            .connections, Peer(channel.remoteAddress, credentials: nil),
            "a connection is closed: the limit of open connections is reached")
          return channel.close()
        }
        channel.closeFuture.whenComplete { _ in count.leave() }
        return Self.peer(of: channel).flatMap { peer in
          guard count.enter(peer) else {
            report?(
              .connections, peer, "a connection is closed: its peer has as many open as one may, \(count.peerLimit)")
            return channel.close()
          }
          channel.closeFuture.whenComplete { _ in count.leave(peer) }
          return channel.eventLoop.makeCompletedFuture {
            try secure?(channel)
            try channel.pipeline.syncOperations.addHandler(accept(channel, peer))
          }
        }
      }
    do {
      let channel = try await bind(bootstrap, address)
      return Listener(address: address.with(port: channel.localAddress?.port), channel: channel)
    } catch {
      throw TransportError(
        code: .bindFailed, message: "Cannot listen on \(address)", evidence: "\(error)",
        hint: Self.remedy(error, path: address.path))
    }
  }

  private static func bind(_ bootstrap: ServerBootstrap, _ address: TransportAddress) async throws -> any Channel {
    switch address {
    case .tcp(let host, let port):
      return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
          // A client whose network is down sends nothing: its connection is closed after a minute rather than after the kernel's
          // two hours.
          .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30)
          .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10)
          .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
        #endif
        .bind(host: host, port: port).get()
    case .unix(let path):
      if await isAbandoned(path) { unlink(path) }
      return try await bootstrap.bind(unixDomainSocketPath: path).get()
    }
  }

  /// Returns a hint for an address that cannot be bound, based on the system's error.
  /// - Parameter path: the path of a Unix socket; nil for other addresses.
  public static func remedy(_ error: any Error, path: String?) -> String {
    let directory = path.map { path in path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
    switch ((error as? IOError)?.errnoCode, directory) {
    case (ENOENT, let directory?):
      return "there is no directory '\(directory)': create it, or choose another path for the socket"
    case (EACCES, let directory?), (EROFS, let directory?):
      return
        "this user may not create files in '\(directory)': choose another path for the socket, or grant the permission"
    case (EACCES, nil): return "this user may not listen on a port below 1024: choose another one"
    case (EMFILE, _), (ENFILE, _):
      return "raise the limit of open files (ulimit -n, or LimitNOFILE= of a service)"
    case (EADDRNOTAVAIL, _): return "this machine does not have this address: choose one of its own"
    default: return "choose another address, or stop the process that uses this one"
    }
  }

  /// Returns whether a path is a socket on which no process accepts connections.
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

  /// Returns the peer of a channel; the kernel provides the process of a Unix socket.
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

  /// Stops accepting; accepted connections remain open.
  public func close() async {
    try? await channel.close().get()
    if case .unix(let path) = address { unlink(path) }
  }
}

extension TransportAddress {
  fileprivate var path: String? {
    if case .unix(let path) = self { path } else { nil }
  }

  fileprivate func with(port: Int?) -> TransportAddress {
    if case .tcp(let host, _) = self, let port { return .tcp(host: host, port: port) }
    return self
  }
}
