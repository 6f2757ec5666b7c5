import Logging
import NIOCore
import QueryAlgebra

/// Serves a graph to the drivers of TinkerPop as Gremlin Server does (https://tinkerpop.apache.org/docs/current/dev/provider/):
/// WebSockets at `/gremlin`, in GraphBinary 1, GraphSON 3 and GraphSON 2.
public struct GremlinServer: Sendable {
  /// Whom a server admits, and what connections may send, hold and take.
  public struct Configuration: Sendable {
    /// What connections may send, hold and take.
    public var limits = QueryEndpointLimits()
    /// The origins of web pages that may connect, such as `https://browser.example.org`; `*` admits all. Programs that are no
    /// browsers name no origin and are not concerned.
    public var allowedOrigins: Set<String> = []
    /// Decides whether a client may connect. It is asked with the scheme `none` first; a client is challenged for a name and a
    /// password (SASL PLAIN) if that is not admitted.
    public var authenticate: QueryAuthenticator

    /// Creates a configuration.
    public init(authenticate: @escaping QueryAuthenticator) { self.authenticate = authenticate }
  }

  /// The path of the endpoint.
  static let path = "/gremlin"

  /// Begins to listen.
  /// - Throws: an error of NIO if the address cannot be bound.
  public static func start(
    at listener: QueryListener, group: any EventLoopGroup, service: any QueryService, configuration: Configuration,
    logger: Logger
  ) async throws -> QueryServer {
    let limits = configuration.limits
    let door = WebSocketDoor(
      path: path, origins: configuration.allowedOrigins, limits: limits,
      advice: "Connect to this path with a WebSocket.\n"
    ) {
      [GremlinConnection(service: service, limits: limits, authenticate: configuration.authenticate, logger: logger)]
    }
    return try await QueryServer.bind(at: listener, group: group, limits: limits, logger: logger) { channel in
      try door.open(channel)
    }
  }
}
