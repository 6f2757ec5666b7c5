/// Serves samples of a stored graph to learning clients.
public protocol LearningEngine: Sendable {
  /// Starts sampling servers for a graph and returns when they answer.
  /// - Throws: `EngineError`.
  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance

  /// Stops the servers of a graph. Does nothing if the graph has none.
  func close(objectID: Int64) async throws

  /// Calls `body` when a server of a graph ends unexpectedly, at once if one has already. Never called after `close`, nor for
  /// engines inside the coordinator.
  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void)

  /// Stops all servers. Called when the session ends.
  func closeAll() async
}

extension LearningEngine {
  /// Does nothing: an embedded engine has no servers that could end.
  public func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {}
}

/// A client's request to open a learning instance.
public struct LearningInstanceRequest: Sendable, Equatable {
  /// The library whose servers to start.
  public enum Backend: Sendable, Equatable {
    case graphlearn
    case graphlearnTorch
  }

  /// The number of the graph.
  public var objectID: Int64
  /// Base64 of a JSON object that describes the graph to the servers.
  public var handle: String
  /// Base64 of a JSON object that describes what to sample.
  public var configuration: String
  /// The library whose servers to start.
  public var backend: Backend
  /// How the client reached the coordinator, so that it can reach the servers in the same way, and others cannot.
  public var route: ClientRoute

  /// Creates a request from what the client sent.
  public init(
    objectID: Int64, handle: String, configuration: String, backend: Backend,
    route: ClientRoute = .network(host: "127.0.0.1")
  ) {
    self.objectID = objectID
    self.handle = handle
    self.configuration = configuration
    self.backend = backend
    self.route = route
  }
}

/// The way from a client to the coordinator.
public enum ClientRoute: Sendable, Hashable {
  /// TCP, from a host with a numeric address.
  case network(host: String)
  /// A Unix socket, from a process of a user; nil if the kernel did not say which.
  case socket(user: UInt32?)
}

/// Running sampling servers.
public struct LearningInstance: Sendable, Equatable {
  /// The handle, completed for the client.
  public var handle: String
  /// The configuration, completed for the client.
  public var configuration: String
  /// The address of every server: `host:port`, or `unix:path`.
  public var endpoints: [String]

  /// Creates a description of running servers.
  public init(handle: String, configuration: String, endpoints: [String]) {
    self.handle = handle
    self.configuration = configuration
    self.endpoints = endpoints
  }
}
