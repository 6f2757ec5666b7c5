import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
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
  private let server: Server<ConnectionSetup>
  private let task: Task<Void, any Error>
  private let socketFile: UnixSocketFile.Placed?

  init(
    _ address: HTTPAddress, _ limits: HTTPLimits, _ connections: ConnectionTable, _ group: any EventLoopGroup,
    _ logger: Logger, _ tls: (@Sendable (any Channel) throws -> Void)?, _ exposure: HTTPExposure,
    _ answer: @escaping Answer
  ) async throws(RequestError) {
    let file = try Self.file(address, exposure)
    let (started, startedSource) = AsyncThrowingStream<Int?, any Error>.makeStream()
    let server = Server(
      childChannelSetup: ConnectionSetup(
        http: HTTP1Channel(responder: answer, configuration: Self.channelConfiguration(limits)),
        limits: limits, connections: connections, tls: file == nil ? tls : nil),
      configuration: ServerConfiguration(
        address: Self.bindAddress(address, file),
        availableConnectionsDelegate: connections),
      onServerRunning: { channel in
        startedSource.yield(channel.localAddress?.port)
        startedSource.finish()
      }, eventLoopGroup: group, logger: logger)
    self.server = server
    task = Task {
      do { try await server.run() } catch {
        startedSource.finish(throwing: error)
        throw error
      }
    }
    do {
      var port: Int?
      for try await bound in started { port = bound }
      socketFile = try file?.place(mode: exposure.isSocketShared ? 0o666 : 0o600)
      self.address = address.with(port: port)
    } catch {
      task.cancel()
      if let error = error as? RequestError { throw error }
      let remedy = Listener.remedy(error, path: file?.path)
      throw RequestError(
        .unavailable, "cannot listen on \(address): \(error)", hint: remedy.prefix(1).uppercased() + remedy.dropFirst())
    }
  }

  /// Lets answers finish within `grace`, then closes all connections; ends at most two seconds later, whatever handlers do.
  func stop(grace: Duration) async {
    socketFile?.remove()
    let (ended, source) = AsyncStream<Void>.makeStream()
    let graceful = Task { [server, task] in
      try? await server.shutdownGracefully()
      _ = await task.result
      source.finish()
    }
    let force = Task { [task] in
      try await Task.sleep(for: grace)
      task.cancel()
      try await Task.sleep(for: .seconds(2))
      source.finish()
    }
    for await _ in ended {}
    force.cancel()
    graceful.cancel()
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

  private static func bindAddress(_ address: HTTPAddress, _ file: UnixSocketFile?) -> BindAddress {
    switch address {
    case .tcp(let host, let port): .hostname(host, port: port)
    case .unix(let path): .unixDomainSocket(path: file?.bindPath ?? path)
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
