/// Answers Gremlin and Cypher queries over a stored graph.
public protocol QueryEngine: Sendable {
  /// Opens query endpoints for a graph and returns when they answer.
  /// - Throws: `EngineError`.
  func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints

  /// Closes the endpoints of a graph. Does nothing if the graph has none.
  func close(objectID: Int64) async throws

  /// Calls `body` when a process that serves a graph ends unexpectedly, at once if it has already. Never called after `close`,
  /// nor for engines inside the coordinator.
  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void)

  /// Closes all endpoints. Called when the session ends.
  func closeAll() async
}

extension QueryEngine {
  /// Does nothing: an embedded engine does not end unexpectedly.
  public func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {}
}

/// A client's request to open an interactive instance.
public struct QueryInstanceRequest: Sendable, Equatable {
  /// The number of the graph.
  public var objectID: Int64
  /// The schema file that the client received with the graph.
  public var schemaPath: String
  /// Engine parameters by name.
  public var parameters: [String: String]
  /// Whether Cypher must be answered, too.
  public var withCypher: Bool

  /// Creates a request from what the client sent.
  public init(objectID: Int64, schemaPath: String, parameters: [String: String], withCypher: Bool) {
    self.objectID = objectID
    self.schemaPath = schemaPath
    self.parameters = parameters
    self.withCypher = withCypher
  }
}

/// The addresses at which queries are answered, as `host:port`.
public struct QueryEndpoints: Sendable, Equatable {
  /// Gremlin over WebSocket.
  public var gremlin: String
  /// Cypher over Bolt; empty if there is none.
  public var cypher: String

  /// Creates the endpoints.
  public init(gremlin: String, cypher: String) {
    self.gremlin = gremlin
    self.cypher = cypher
  }
}
