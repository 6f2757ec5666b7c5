/// Serves samples of a stored graph to learning clients.
public protocol LearningEngine: Sendable {
  /// Starts sampling servers for a graph; returns once they answer.
  /// - Throws: `EngineError`.
  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance

  /// Stops the servers of a graph; a graph without any is no error.
  func close(objectID: Int64) async throws

  /// Calls `body` when a server of a graph ends unasked, at once if one has. Not after `close`, and for engines inside the
  /// coordinator never.
  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void)

  /// Stops all servers, when the session ends.
  func closeAll() async
}

extension LearningEngine {
  /// They do not end unasked.
  public func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {}
}

/// What a client asks for when it opens a learning instance.
public struct LearningInstanceRequest: Sendable, Equatable {
  /// The library whose servers are wanted.
  public enum Backend: Sendable, Equatable {
    case graphlearn
    case graphlearnTorch
  }

  /// The graph's number.
  public var objectID: Int64
  /// Base64 of a JSON object that describes the graph to the servers.
  public var handle: String
  /// Base64 of a JSON object that says what to sample.
  public var configuration: String
  /// The library whose servers are wanted.
  public var backend: Backend

  /// A request as the client sends it.
  public init(objectID: Int64, handle: String, configuration: String, backend: Backend) {
    self.objectID = objectID
    self.handle = handle
    self.configuration = configuration
    self.backend = backend
  }
}

/// Running sampling servers.
public struct LearningInstance: Sendable, Equatable {
  /// The handle, completed for the client.
  public var handle: String
  /// The configuration, completed for the client.
  public var configuration: String
  /// `host:port` of every server.
  public var endpoints: [String]

  /// Describes running servers.
  public init(handle: String, configuration: String, endpoints: [String]) {
    self.handle = handle
    self.configuration = configuration
    self.endpoints = endpoints
  }
}
