import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// One address that is listened on.
struct AdminListener: Sendable {
  typealias Answer = @Sendable (Request, consuming ResponseWriter, any Channel) async throws -> Void

  /// With the port that was chosen.
  let address: AdminAddress
  private let server: Server<AdminChannel>
  private let task: Task<Void, any Error>
  private let socketFile: UnixSocketFile.Placed?

  init(
    _ address: AdminAddress, _ limits: AdminLimits, _ connections: ConnectionCount, _ group: any EventLoopGroup,
    _ logger: Logger, _ tls: (@Sendable (any Channel) throws -> Void)?, _ exposure: AdminExposure,
    _ answer: @escaping Answer
  ) async throws(AdminError) {
    let file = try Self.file(address, exposure)
    let (started, startedSource) = AsyncThrowingStream<Int?, any Error>.makeStream()
    let server = Server(
      childChannelSetup: AdminChannel(
        http: HTTP1Channel(responder: answer, configuration: Self.channelConfiguration(limits)),
        tls: file == nil ? tls : nil),
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
      if let error = error as? AdminError { throw error }
      throw AdminError(
        .unavailable, "cannot listen on \(address): \(error)",
        hint: "Choose another address, or stop the process that uses this one")
    }
  }

  /// Lets answers finish for a while, then closes everything; ends two seconds later at the latest, whatever handlers do.
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
    _ address: AdminAddress, _ exposure: AdminExposure
  ) throws(AdminError) -> UnixSocketFile? {
    switch address {
    case .unix(let path): return try UnixSocketFile(path)
    case .tcp(let host, let port):
      guard exposure.takesAnyHost || LoopbackHost.isOne(host), (0...65535).contains(port) else {
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

/// Counts the connections of a listener; while they are as many as may be, further ones wait to be accepted.
final class ConnectionCount: AvailableConnectionsDelegate {
  private let count = Atomic<Int>(0)
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Connections now.
  var current: Int { count.load(ordering: .relaxed) }

  func connectionOpened() { count.wrappingAdd(1, ordering: .relaxed) }
  func connectionClosed() { count.wrappingSubtract(1, ordering: .relaxed) }
  func isAcceptingNewConnections() -> Bool { current < limit }
}
