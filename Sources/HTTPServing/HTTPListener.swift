import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Transport

/// The setup of an HTTP/1.1 connection, over TLS if the listener uses it.
private struct ConnectionSetup: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  let http: HTTP1Channel
  let limits: HTTPLimits
  let connections: ConnectionTable
  let tls: (@Sendable (any Channel) throws -> Void)?

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.peerName().flatMap { peer in
      guard let connection = connections.enter(channel, peer: peer) else {
        channel.close(promise: nil)
        return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
      }
      return self.setup(channel, connection, logger)
    }
  }

  private func setup(
    _ channel: any Channel, _ connection: ConnectionTable.Connection, _ logger: Logger
  ) -> EventLoopFuture<Value> {
    let prepared = channel.eventLoop.makeCompletedFuture {
      if let tls {
        try tls(channel)
        try channel.pipeline.syncOperations.addHandler(PeerCertificateHandler())
      }
      let deadline = HeadDeadline(limits.headTimeout)
      try channel.pipeline.syncOperations.addHandler(deadline)
      return NIOLoopBound(deadline, eventLoop: channel.eventLoop)
    }
    return prepared.flatMap { deadline in
      http.setup(channel: channel, logger: logger).flatMapThrowing { value in
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(HeadInspector(connection, deadline.value), position: .after(decoder.handler))
        return value
      }
    }
  }

  func handle(value: Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}

/// A listener on one address.
struct HTTPListener: Sendable {
  typealias Answer = @Sendable (Request, consuming ResponseWriter, any Channel) async throws -> Void

  /// The address with the actual port.
  let address: HTTPAddress
  private let channel: NIOAsyncChannel<ConnectionSetup.Value, Never>
  private let setup: ConnectionSetup
  private let socketFile: UnixSocketFile.Placed?
  private let logger: Logger

  /// Binds the address. Connections wait until `run`, which must be called.
  init(
    _ address: HTTPAddress, _ limits: HTTPLimits, _ connections: ConnectionTable, _ group: any EventLoopGroup,
    _ logger: Logger, _ tls: (@Sendable (any Channel) throws -> Void)?, _ exposure: HTTPExposure,
    _ answer: @escaping Answer
  ) async throws(RequestError) {
    let file = try Self.file(address, exposure)
    let setup = ConnectionSetup(
      http: HTTP1Channel(responder: answer, configuration: Self.channelConfiguration(limits)),
      limits: limits, connections: connections, tls: file == nil ? tls : nil)
    (self.setup, self.logger) = (setup, logger)
    do {
      channel = try await Self.bind(file.map { .unix(path: $0.bindPath) } ?? address, setup, group, logger)
    } catch {
      let remedy = Listener.remedy(error, path: file?.path)
      throw RequestError(
        .unavailable, "cannot listen on \(address): \(error)", hint: remedy.prefix(1).uppercased() + remedy.dropFirst())
    }
    self.address = address.with(port: channel.channel.localAddress?.port)
    do throws(RequestError) {
      socketFile = try file?.place(mode: exposure.isSocketShared ? 0o666 : 0o600)
    } catch {
      // NIO requires that a channel is used before it is released.
      try? await channel.executeThenClose { _ in }
      throw error
    }
  }

  /// Accepts connections and answers their requests, each connection in a child task, until `stop` and the end of all
  /// connections, or until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      do {
        try await channel.executeThenClose { connections in
          for try await connection in connections {
            group.addTask { await setup.handle(value: connection, logger: logger) }
          }
        }
      } catch {
        logger.error("cannot accept connections", metadata: ["address": "\(address)", "error": "\(error)"])
      }
    }
  }

  /// Accepts no more connections. Those without a request are closed, the others after their answer.
  func stop() {
    socketFile?.remove()
    channel.channel.close(promise: nil)
    setup.connections.quiesce()
  }

  private static func bind(
    _ address: HTTPAddress, _ setup: ConnectionSetup, _ group: any EventLoopGroup, _ logger: Logger
  ) async throws -> NIOAsyncChannel<ConnectionSetup.Value, Never> {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = AvailableConnectionsChannelHandler(delegate: setup.connections)
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
    let initialize = { @Sendable (channel: any Channel) in setup.setup(channel: channel, logger: logger) }
    switch address {
    case .tcp(let host, let port):
      return try await bootstrap.bind(host: host, port: port, childChannelInitializer: initialize)
    case .unix(let path):
      return try await bootstrap.bind(
        unixDomainSocketPath: path, cleanupExistingSocketFile: true, childChannelInitializer: initialize)
    }
  }

  private static func file(
    _ address: HTTPAddress, _ exposure: HTTPExposure
  ) throws(RequestError) -> UnixSocketFile? {
    switch address {
    case .unix(let path): return try UnixSocketFile(path)
    case .tcp(let host, let port):
      guard exposure.takesAnyHost || LoopbackHost.isOne(host), (0...65535).contains(port) else {
        throw RequestError(
          .invalidArgument, "cannot listen on \(address)",
          hint: "Use a loopback address, unless access control is configured, and a port from 0 to 65535")
      }
      return nil
    }
  }

  private static func channelConfiguration(_ limits: HTTPLimits) -> HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      idleTimeout: limits.idleTimeout,
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: 64))
  }
}

extension HTTPAddress {
  fileprivate func with(port: Int?) -> HTTPAddress {
    if case .tcp(let host, _) = self, let port { return .tcp(host: host, port: port) }
    return self
  }
}
