import Access
import HTTPServing
import Logging
import NIOCore
import NIOPosix

/// The admin endpoint: REST over HTTP/1.1 for operators.
///
/// | path | least role |
/// |---|---|
/// | `/healthz`, `/readyz` | none; only operators receive the reasons |
/// | `GET` of `/version`, objects, their history, differences, events, audit trail, a session's log | viewer, of its tenant |
/// | `DELETE` of a session or of a step | user, of its own |
/// | everything else, including unknown paths | operator |
public final class AdminServer: Sendable {
  private let server: HTTPServer
  private let streams: LineStreams

  /// The names of the listeners, as used in the access file.
  public static let (tcpListener, socketListener) = ("admin", "admin-socket")

  /// Makes a server that does not listen yet.
  /// - Parameters:
  ///   - tls: adds TLS to a channel accepted on a TCP address; called on its event loop. nil for plain HTTP.
  ///   - access: the access control; nil to allow everything.
  ///   - exposure: who can reach the server; by default this machine over TCP, and the process's own user over the socket.
  ///   - hold: returns the error with which to answer every admitted request instead of handling it; nil to handle requests.
  public init(
    _ plane: any AdminBackend, on addresses: [HTTPAddress], limits: HTTPLimits = HTTPLimits(),
    tls: (@Sendable (any Channel) throws -> Void)? = nil, access: AccessControl? = nil,
    exposure: HTTPExposure = HTTPExposure(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger,
    hold: @escaping @Sendable () -> RequestError? = { nil }
  ) {
    streams = LineStreams(limits)
    let routes = Routes.admin(AdminEnvironment(plane: plane, limits: limits, streams: streams, access: access))
    server = HTTPServer(
      routes, streams: streams, on: addresses, named: .init(tcp: Self.tcpListener, socket: Self.socketListener),
      limits: limits, tls: tls, access: access, exposure: exposure, group: group, logger: logger, hold: hold)
  }

  /// The number of open streams of changes and records.
  public var openStreams: Int { streams.count }

  /// Ends the streams of the selected callers, with an error as the last line.
  public func endStreams(_ refusal: AccessRefusal, where isMeant: @Sendable (Authentication) -> Bool) {
    streams.end(RequestError(refusal), where: isMeant)
  }

  /// Listens on all addresses, or fails without listening on any. Requests wait until `run`, which must be called next.
  /// - Returns: the addresses with the actual ports.
  /// - Throws: `RequestError` that names the address.
  public func listen() async throws(RequestError) -> [HTTPAddress] { try await server.listen() }

  /// Answers requests until `stop` or the cancellation of the task. Then ends all streams, lets other answers finish within
  /// `HTTPLimits.shutdownGrace`, and closes all connections.
  public func run() async { await server.run() }

  /// Makes `run` end; does not wait for it.
  public func stop() { server.stop() }
}
