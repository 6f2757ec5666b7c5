import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Where the admin endpoint listens.
public enum AdminAddress: Sendable, Hashable, CustomStringConvertible {
  /// A loopback host and a port; 0 for any free one.
  case tcp(host: String, port: Int)
  /// The path of a Unix socket that only its owner may connect to.
  case unix(path: String)

  /// `host:port` or `unix:path`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// The admin endpoint: REST over HTTP/1.1 for operators. It runs on event loops that it shares, starts no thread, and
/// handles no signals.
public final class AdminServer: Sendable {
  private let addresses: [AdminAddress]
  private let limits: AdminLimits
  private let group: any EventLoopGroup
  private let logger: Logger
  private let streams: LineStreams
  private let responder: RouterResponder<AdminContext>
  private let listeners = Mutex<[AdminListener]>([])

  /// A server that does not listen yet.
  public init(
    _ plane: any ControlPlane, on addresses: [AdminAddress], limits: AdminLimits = AdminLimits(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
  ) {
    self.addresses = addresses
    self.limits = limits
    self.group = group
    // The library's own words about listening and connections are of no interest to operators.
    var logger = logger
    logger.logLevel = max(logger.logLevel, .warning)
    self.logger = logger
    streams = LineStreams(limits)
    responder = AdminRouter.admin(AdminEnvironment(plane: plane, limits: limits, streams: streams)).buildResponder()
  }

  /// Streams of changes and records that are open.
  public var openStreams: Int { streams.count }

  /// Listens on all addresses, or on none.
  /// - Returns: the addresses, with the ports that were chosen.
  /// - Throws: `AdminError` that names the address.
  public func start() async throws -> [AdminAddress] {
    do {
      for address in addresses {
        let listener = try await AdminListener(address, limits, group, logger) { [self] in
          try await answer($0, $1, $2, to: address)
        }
        listeners.withLock { $0.append(listener) }
      }
    } catch {
      await stop()
      throw error
    }
    return listeners.withLock { $0.map(\.address) }
  }

  /// Ends all streams, lets other answers finish for a second, and closes everything.
  public func stop() async {
    streams.stop()
    let stopped = listeners.withLock { listeners in
      defer { listeners = [] }
      return listeners
    }
    for listener in stopped { await listener.stop() }
  }

  private func answer(
    _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel, to address: AdminAddress
  ) async throws {
    let response = await response(to: request, channel, address)
    if RequestGuard.hasBody(request) {
      // What is still to come of the body is thrown away, but not for long.
      channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    }
    try await writer.write(response: response.head, body: response.body)
  }

  private func response(to request: Request, _ channel: any Channel, _ address: AdminAddress) async -> Response {
    var isTCP = false
    if case .tcp = address { isTCP = true }
    do {
      try RequestGuard(limits: limits, isTCP: isTCP).check(request)
      return try await responder.respond(
        to: request, context: AdminContext(source: ApplicationRequestContextSource(channel: channel, logger: logger)))
    } catch {
      return AdminError(error).response
    }
  }
}

/// One address that is listened on.
private struct AdminListener: Sendable {
  typealias Answer = @Sendable (Request, consuming ResponseWriter, any Channel) async throws -> Void

  /// With the port that was chosen.
  let address: AdminAddress
  private let server: Server<HTTP1Channel>
  private let task: Task<Void, any Error>
  private let socketFile: UnixSocketFile.Placed?

  init(
    _ address: AdminAddress, _ limits: AdminLimits, _ group: any EventLoopGroup, _ logger: Logger,
    _ answer: @escaping Answer
  ) async throws(AdminError) {
    let file = try Self.file(address)
    let (started, startedSource) = AsyncThrowingStream<Int?, any Error>.makeStream()
    let server = Server(
      childChannelSetup: HTTP1Channel(responder: answer, configuration: Self.channelConfiguration(limits)),
      configuration: ServerConfiguration(
        address: Self.bindAddress(address, file),
        availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
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
      socketFile = try file?.place()
      self.address = address.with(port: port)
    } catch {
      task.cancel()
      if let error = error as? AdminError { throw error }
      throw AdminError(
        .unavailable, "cannot listen on \(address): \(error)",
        hint: "Choose another address, or stop the process that uses this one")
    }
  }

  func stop() async {
    socketFile?.remove()
    let force = Task { [task] in
      try await Task.sleep(for: .seconds(1))
      task.cancel()
    }
    try? await server.shutdownGracefully()
    _ = await task.result
    force.cancel()
  }

  private static func file(_ address: AdminAddress) throws(AdminError) -> UnixSocketFile? {
    switch address {
    case .unix(let path): return try UnixSocketFile(path)
    case .tcp(let host, let port):
      guard LoopbackHost.isOne(host), (0...65535).contains(port) else {
        throw AdminError(
          .invalidArgument, "the admin endpoint cannot listen on \(address)",
          hint: "Without authentication it listens on loopback addresses only, with a port from 0 to 65535")
      }
      return nil
    }
  }

  private static func bindAddress(_ address: AdminAddress, _ file: UnixSocketFile?) -> BindAddress {
    switch address {
    case .tcp(let host, let port): .hostname(host, port: port)
    case .unix(let path): .unixDomainSocket(path: file?.bindPath ?? path)
    }
  }

  private static func channelConfiguration(_ limits: AdminLimits) -> HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      idleTimeout: limits.idleTimeout,
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: 64))
  }
}

extension AdminAddress {
  fileprivate func with(port: Int?) -> AdminAddress {
    if case .tcp(let host, _) = self, let port { return .tcp(host: host, port: port) }
    return self
  }
}
