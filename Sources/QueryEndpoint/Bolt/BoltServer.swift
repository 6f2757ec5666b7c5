import Logging
import NIOCore
import QueryAlgebra
import Synchronization

/// Serves a graph to the drivers of Neo4j: Bolt 4.1 to 4.4 and 5.0 to 5.8 (https://neo4j.com/docs/bolt/current/), also
/// through WebSockets on the same port, as neo4j-browser connects.
public struct BoltServer: Sendable {
  /// What a server tells its clients, and whom it admits.
  public struct Configuration: Sendable {
    /// The address in routing tables, as `host:port`; nil for the one by which a client says that it reached the server.
    public var advertisedAddress: String?
    /// The name of the server. Some drivers and tools accept only names that begin with `Neo4j/` and a version.
    public var agent = "Neo4j/5.26.0 (compatible; gscoordinator)"
    /// The name of the database.
    public var database = "neo4j"
    /// What connections may send, hold and take.
    public var limits = QueryEndpointLimits()
    /// The origins of web pages that may connect with a WebSocket, such as that of neo4j-browser; `*` admits all. Drivers are
    /// not concerned.
    public var allowedOrigins: Set<String> = []
    /// Decides whether a client may connect.
    public var authenticate: QueryAuthenticator

    /// Creates a configuration.
    public init(authenticate: @escaping QueryAuthenticator) { self.authenticate = authenticate }
  }

  /// Begins to listen.
  /// - Throws: an error of NIO if the address cannot be bound.
  public static func start(
    at listener: QueryListener, group: any EventLoopGroup, service: any QueryService, configuration: Configuration,
    logger: Logger
  ) async throws -> QueryServer {
    let numbers = ConnectionNumbers()
    return try await QueryServer.bind(
      at: listener, group: group, limits: configuration.limits, logger: logger
    ) { channel in
      let connection = { @Sendable in
        let identity = BoltSession.Identity(
          address: configuration.advertisedAddress, agent: configuration.agent, database: configuration.database,
          connection: "bolt-\(numbers.next())")
        return BoltConnection(
          service: service, identity: identity, limits: configuration.limits,
          authenticate: configuration.authenticate, logger: logger)
      }
      let door = WebSocketDoor(
        path: nil, origins: configuration.allowedOrigins, limits: configuration.limits,
        advice: "This port speaks Bolt: connect a driver of Neo4j to it.\n"
      ) { [WebSocketBytes(), connection()] }
      try channel.pipeline.syncOperations.addHandler(
        BoltSwitch(limits: configuration.limits, plain: connection, webSocket: door))
    }
  }
}

/// Numbers connections from 1.
private final class ConnectionNumbers: Sendable {
  private let last = Atomic(0)

  func next() -> Int { last.wrappingAdd(1, ordering: .relaxed).newValue }
}
