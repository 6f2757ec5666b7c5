import Coordinator
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

  /// Longest path of a Unix socket, in bytes, that SwiftNIO binds on all its systems; Linux alone would take 107.
  public static let maximumPathBytes = 103

  /// `host:port` or `unix:path`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// Who may reach the admin endpoint, before anybody is asked who he is.
public struct AdminExposure: Sendable {
  /// Whether it listens on addresses beside the loopback ones.
  public var takesAnyHost: Bool
  /// Whether other users of the machine may connect to its Unix socket.
  public var isSocketShared: Bool

  /// By default as few as possible.
  public init(takesAnyHost: Bool = false, isSocketShared: Bool = false) {
    self.takesAnyHost = takesAnyHost
    self.isSocketShared = isSocketShared
  }
}

/// The admin endpoint: REST over HTTP/1.1 for operators. It runs on event loops that it shares, starts no thread, and
/// handles no signals.
public final class AdminServer: Sendable {
  private let addresses: [AdminAddress]
  private let limits: AdminLimits
  private let tls: (@Sendable (any Channel) throws -> Void)?
  private let access: AccessControl?
  private let exposure: AdminExposure
  private let group: any EventLoopGroup
  private let logger: Logger
  private let streams: LineStreams
  private let responder: RouterResponder<AdminContext>
  private let listeners = Mutex<[AdminListener]>([])

  /// A server that does not listen yet.
  /// - Parameters:
  ///   - tls: puts TLS on a channel that was accepted on a TCP address; runs on its event loop. nil: none.
  ///   - access: who may do what; nil: everybody everything.
  ///   - exposure: who may reach it; by default this machine over TCP, and the process's own user over the socket.
  public init(
    _ plane: any ControlPlane, on addresses: [AdminAddress], limits: AdminLimits = AdminLimits(),
    tls: (@Sendable (any Channel) throws -> Void)? = nil, access: AccessControl? = nil,
    exposure: AdminExposure = AdminExposure(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
  ) {
    self.addresses = addresses
    self.limits = limits
    self.tls = tls
    self.access = access
    self.exposure = exposure
    self.group = group
    // The library's own words about listening and connections are of no interest to operators.
    var logger = logger
    logger.logLevel = max(logger.logLevel, .warning)
    self.logger = logger
    streams = LineStreams(limits)
    responder = AdminRouter.admin(
      AdminEnvironment(plane: plane, limits: limits, streams: streams, access: access)
    ).buildResponder()
  }

  /// Streams of changes and records that are open.
  public var openStreams: Int { streams.count }

  /// The listeners' names, for the access file.
  public static let (tcpListener, socketListener) = ("admin", "admin-socket")

  /// Ends the streams of callers who are meant, with an error in their last line.
  public func endStreams(_ refusal: AccessRefusal, where isMeant: @Sendable (Authentication) -> Bool) {
    streams.end(AdminError(refusal), where: isMeant)
  }

  /// Listens on all addresses, or on none.
  /// - Returns: the addresses, with the ports that were chosen.
  /// - Throws: `AdminError` that names the address.
  public func start() async throws -> [AdminAddress] {
    do {
      for address in addresses {
        let connections = ConnectionCount(limit: limits.connections)
        let listener = try await AdminListener(address, limits, connections, group, logger, tls, exposure) {
          [self] in
          try await answer($0, $1, $2, address, connections)
        }
        listeners.withLock { $0.append(listener) }
      }
    } catch {
      await stop()
      throw error
    }
    return listeners.withLock { $0.map(\.address) }
  }

  /// Ends all streams, lets other answers finish for `AdminLimits.shutdownGrace`, and closes everything.
  public func stop() async {
    streams.stop()
    let stopped = listeners.withLock { listeners in
      defer { listeners = [] }
      return listeners
    }
    await withTaskGroup { group in
      for listener in stopped { group.addTask { [limits] in await listener.stop(grace: limits.shutdownGrace) } }
    }
  }

  private func answer(
    _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel, _ address: AdminAddress,
    _ connections: ConnectionCount
  ) async throws {
    var response = await response(to: request, channel, address)
    if RequestGuard.hasBody(request) {
      // What is still to come of the body is thrown away, but not for long.
      channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    }
    // An answer to HEAD has no body (RFC 9110, 9.3.2); only errors are answered to it.
    if request.method == .head { response = Response(status: response.status, headers: response.headers) }
    // When places become few, clients are asked not to keep theirs.
    if connections.current * 2 > limits.connections { response.headers[.connection] = "close" }
    try await writer.write(response: response.head, body: response.body)
  }

  private static func answer(to error: any Error) -> Response {
    var response = AdminError(error).response
    guard let refusal = error as? AccessRefusal else { return response }
    // RFC 9110, 11.6.1 and 10.2.3.
    if refusal.code == .unauthenticated { response.headers[.wwwAuthenticate] = "Bearer" }
    if let seconds = refusal.retryAfterSeconds { response.headers[.retryAfter] = String(seconds) }
    return response
  }

  private func response(to request: Request, _ channel: any Channel, _ address: AdminAddress) async -> Response {
    var isTCP = false
    if case .tcp = address { isTCP = true }
    do {
      try RequestGuard(limits: limits, isTCP: isTCP, isOpenToOthers: access != nil).check(request)
      var context = AdminContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
      let access = AdminAccess(
        control: access, listener: isTCP ? Self.tcpListener : Self.socketListener, hasTLS: isTCP && tls != nil)
      context.caller = try await access.caller(of: request, channel)
      return try await responder.respond(to: request, context: context)
    } catch {
      return Self.answer(to: error)
    }
  }
}
