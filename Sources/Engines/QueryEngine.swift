/// Answers Gremlin and Cypher queries over a stored graph.
public protocol QueryEngine: Sendable {
  /// Opens query endpoints for a graph; returns once they answer.
  /// - Throws: `EngineError`.
  func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints

  /// Closes the endpoints of a graph; a graph without any is no error.
  func close(objectID: Int64) async throws

  /// Calls `body` when what serves a graph ends unasked, at once if it has. Not after `close`, and for engines inside the
  /// coordinator never.
  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void)

  /// Closes all endpoints, when the session ends.
  func closeAll() async
}

extension QueryEngine {
  /// It does not end unasked.
  public func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {}
}

/// What a client asks for when it opens an interactive instance.
public struct QueryInstanceRequest: Sendable, Equatable {
  /// The graph's number.
  public var objectID: Int64
  /// The schema file that the client was given with the graph.
  public var schemaPath: String
  /// Engine parameters by name.
  public var parameters: [String: String]
  /// Whether Cypher must be answered too.
  public var withCypher: Bool

  /// A request as the client sends it.
  public init(objectID: Int64, schemaPath: String, parameters: [String: String], withCypher: Bool) {
    self.objectID = objectID
    self.schemaPath = schemaPath
    self.parameters = parameters
    self.withCypher = withCypher
  }
}

/// Where queries are answered, as `host:port`.
public struct QueryEndpoints: Sendable, Equatable {
  /// Gremlin over WebSocket.
  public var gremlin: String
  /// Cypher over Bolt; empty when there is none.
  public var cypher: String

  /// Names the endpoints.
  public init(gremlin: String, cypher: String) {
    self.gremlin = gremlin
    self.cypher = cypher
  }
}
