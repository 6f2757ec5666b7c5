import CGraphScopeProto

// Messages that start and stop the engines of a session.

/// Starts the analytical engine of a session.
public struct CreateAnalyticalInstanceRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "") {
    self.sessionID = sessionID
  }
}

/// Describes the analytical engine that was started.
public struct CreateAnalyticalInstanceResponse: WireMessage {
  /// The id of the engine; the Python client ignores it.
  public var instanceID: String
  /// The engine's configuration, a JSON object.
  public var engineConfig: String
  /// The hosts of the workers.
  public var hostNames: [String]

  /// Creates a response; omitted fields are empty.
  public init(instanceID: String = "", engineConfig: String = "", hostNames: [String] = []) {
    self.instanceID = instanceID
    self.engineConfig = engineConfig
    self.hostNames = hostNames
  }
}

/// Starts a server that answers queries on a graph.
public struct CreateInteractiveInstanceRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String
  /// Object id of the graph.
  public var objectID: Int64
  /// Path of the schema file, as stated in the definition of the graph.
  public var schemaPath: String
  /// Options of the server.
  public var parameters: [String: String]
  /// Whether Cypher is requested in addition to Gremlin.
  public var withCypher: Bool

  /// Creates a request; omitted fields are empty.
  public init(
    sessionID: String = "", objectID: Int64 = 0, schemaPath: String = "", parameters: [String: String] = [:],
    withCypher: Bool = false
  ) {
    self.sessionID = sessionID
    self.objectID = objectID
    self.schemaPath = schemaPath
    self.parameters = parameters
    self.withCypher = withCypher
  }
}

/// Describes a query server. Endpoints are `host:port`, several of them separated by commas.
public struct CreateInteractiveInstanceResponse: WireMessage {
  /// The endpoint for Gremlin.
  public var gremlinEndpoint: String
  /// The endpoint for Cypher.
  public var cypherEndpoint: String
  /// Object id of the graph.
  public var objectID: Int64

  /// Creates a response; omitted fields are empty.
  public init(gremlinEndpoint: String = "", cypherEndpoint: String = "", objectID: Int64 = 0) {
    self.gremlinEndpoint = gremlinEndpoint
    self.cypherEndpoint = cypherEndpoint
    self.objectID = objectID
  }
}

/// Starts servers that sample a graph for training.
public struct CreateLearningInstanceRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String
  /// Object id of the graph.
  public var objectID: Int64
  /// The graph and its features, as base64-encoded JSON.
  public var handle: String
  /// The samples to serve, as base64-encoded JSON.
  public var config: String
  /// The learning engine to start.
  public var backend: LearningBackend

  /// Creates a request; omitted fields are empty.
  public init(
    sessionID: String = "", objectID: Int64 = 0, handle: String = "", config: String = "",
    backend: LearningBackend = .graphlearn
  ) {
    self.sessionID = sessionID
    self.objectID = objectID
    self.handle = handle
    self.config = config
    self.backend = backend
  }
}

/// Describes the servers that sample a graph.
public struct CreateLearningInstanceResponse: WireMessage {
  /// Object id of the graph.
  public var objectID: Int64
  /// The handle of the request, completed, as base64-encoded JSON.
  public var handle: String
  /// The configuration of the request.
  public var config: String
  /// `host:port` of every server.
  public var endpoints: [String]

  /// Creates a response; omitted fields are empty.
  public init(objectID: Int64 = 0, handle: String = "", config: String = "", endpoints: [String] = []) {
    self.objectID = objectID
    self.handle = handle
    self.config = config
    self.endpoints = endpoints
  }
}

/// Stops the analytical engine of a session.
public struct CloseAnalyticalInstanceRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String
  /// The id of the engine.
  public var instanceID: String

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "", instanceID: String = "") {
    self.sessionID = sessionID
    self.instanceID = instanceID
  }
}

/// Reports that the analytical engine is stopped.
public struct CloseAnalyticalInstanceResponse: WireMessage {
  /// Creates a response.
  public init() {}
}

/// Stops the query server of a graph.
public struct CloseInteractiveInstanceRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String
  /// Object id of the graph.
  public var objectID: Int64

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "", objectID: Int64 = 0) {
    self.sessionID = sessionID
    self.objectID = objectID
  }
}

/// Reports that the query server is stopped.
public struct CloseInteractiveInstanceResponse: WireMessage {
  /// Creates a response.
  public init() {}
}

/// Stops the servers that sample a graph.
public struct CloseLearningInstanceRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String
  /// Object id of the graph.
  public var objectID: Int64

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "", objectID: Int64 = 0) {
    self.sessionID = sessionID
    self.objectID = objectID
  }
}

/// Reports that the servers that sample a graph are stopped.
public struct CloseLearningInstanceResponse: WireMessage {
  /// Creates a response.
  public init() {}
}

/// An engine for graph learning. The set is open, so that an error about an unknown engine can name it.
public struct LearningBackend: RawRepresentable, Sendable, Equatable {
  /// The number on the wire.
  public let rawValue: Int32
  /// Creates the engine with a number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The engine for TensorFlow.
  public static let graphlearn = LearningBackend(rawValue: 0)
  /// The engine for PyTorch.
  public static let graphlearnTorch = LearningBackend(rawValue: 1)
}

extension CreateAnalyticalInstanceRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CreateAnalyticalInstanceRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CreateAnalyticalInstanceRequest.session_id")
  }

  func fill(_ c: inout Gs__Rpc__CreateAnalyticalInstanceRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
  }
}

extension CreateAnalyticalInstanceResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CreateAnalyticalInstanceResponse>) throws(WireError) {
    let c = c.pointee
    instanceID = try text(c.instance_id, "CreateAnalyticalInstanceResponse.instance_id")
    engineConfig = try text(c.engine_config, "CreateAnalyticalInstanceResponse.engine_config")
    hostNames = try texts(c.n_host_names, c.host_names, "CreateAnalyticalInstanceResponse.host_names")
  }

  func fill(_ c: inout Gs__Rpc__CreateAnalyticalInstanceResponse, in arena: Arena) {
    c.instance_id = arena.text(instanceID)
    c.engine_config = arena.text(engineConfig)
    (c.n_host_names, c.host_names) = (hostNames.count, arena.texts(hostNames))
  }
}

extension CreateInteractiveInstanceRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CreateInteractiveInstanceRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CreateInteractiveInstanceRequest.session_id")
    objectID = c.object_id
    schemaPath = try text(c.schema_path, "CreateInteractiveInstanceRequest.schema_path")
    parameters = [:]
    for index in 0..<c.n_params {
      guard let entry = c.params[index]?.pointee else { continue }
      parameters[try text(entry.key, "CreateInteractiveInstanceRequest.params")] = try text(
        entry.value, "CreateInteractiveInstanceRequest.params")
    }
    withCypher = c.with_cypher != 0
  }

  func fill(_ c: inout Gs__Rpc__CreateInteractiveInstanceRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.object_id = objectID
    c.schema_path = arena.text(schemaPath)
    typealias Entry = Gs__Rpc__CreateInteractiveInstanceRequest__ParamsEntry
    let entries = parameters.sorted { $0.key < $1.key }
    c.n_params = entries.count
    c.params = arena.list(entries, of: UnsafeMutablePointer<Entry>?.self) { key, value in
      let entry = arena.make(Entry.self)
      entry.pointee.key = arena.text(key)
      entry.pointee.value = arena.text(value)
      return entry
    }
    c.with_cypher = withCypher ? 1 : 0
  }
}

extension CreateInteractiveInstanceResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CreateInteractiveInstanceResponse>) throws(WireError) {
    let c = c.pointee
    gremlinEndpoint = try text(c.gremlin_endpoint, "CreateInteractiveInstanceResponse.gremlin_endpoint")
    cypherEndpoint = try text(c.cypher_endpoint, "CreateInteractiveInstanceResponse.cypher_endpoint")
    objectID = c.object_id
  }

  func fill(_ c: inout Gs__Rpc__CreateInteractiveInstanceResponse, in arena: Arena) {
    c.gremlin_endpoint = arena.text(gremlinEndpoint)
    c.cypher_endpoint = arena.text(cypherEndpoint)
    c.object_id = objectID
  }
}

extension CreateLearningInstanceRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CreateLearningInstanceRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CreateLearningInstanceRequest.session_id")
    objectID = c.object_id
    handle = try text(c.handle, "CreateLearningInstanceRequest.handle")
    config = try text(c.config, "CreateLearningInstanceRequest.config")
    backend = LearningBackend(rawValue: Int32(bitPattern: c.learning_backend.rawValue))
  }

  func fill(_ c: inout Gs__Rpc__CreateLearningInstanceRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.object_id = objectID
    c.handle = arena.text(handle)
    c.config = arena.text(config)
    c.learning_backend = Gs__Rpc__LearningBackend(number(backend))
  }
}

extension CreateLearningInstanceResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CreateLearningInstanceResponse>) throws(WireError) {
    let c = c.pointee
    objectID = c.object_id
    handle = try text(c.handle, "CreateLearningInstanceResponse.handle")
    config = try text(c.config, "CreateLearningInstanceResponse.config")
    endpoints = try texts(c.n_endpoints, c.endpoints, "CreateLearningInstanceResponse.endpoints")
  }

  func fill(_ c: inout Gs__Rpc__CreateLearningInstanceResponse, in arena: Arena) {
    c.object_id = objectID
    c.handle = arena.text(handle)
    c.config = arena.text(config)
    (c.n_endpoints, c.endpoints) = (endpoints.count, arena.texts(endpoints))
  }
}

extension CloseAnalyticalInstanceRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseAnalyticalInstanceRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CloseAnalyticalInstanceRequest.session_id")
    instanceID = try text(c.instance_id, "CloseAnalyticalInstanceRequest.instance_id")
  }

  func fill(_ c: inout Gs__Rpc__CloseAnalyticalInstanceRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.instance_id = arena.text(instanceID)
  }
}

extension CloseAnalyticalInstanceResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseAnalyticalInstanceResponse>) {}
  func fill(_ c: inout Gs__Rpc__CloseAnalyticalInstanceResponse, in arena: Arena) {}
}

extension CloseInteractiveInstanceRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseInteractiveInstanceRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CloseInteractiveInstanceRequest.session_id")
    objectID = c.object_id
  }

  func fill(_ c: inout Gs__Rpc__CloseInteractiveInstanceRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.object_id = objectID
  }
}

extension CloseInteractiveInstanceResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseInteractiveInstanceResponse>) {}
  func fill(_ c: inout Gs__Rpc__CloseInteractiveInstanceResponse, in arena: Arena) {}
}

extension CloseLearningInstanceRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseLearningInstanceRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CloseLearningInstanceRequest.session_id")
    objectID = c.object_id
  }

  func fill(_ c: inout Gs__Rpc__CloseLearningInstanceRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.object_id = objectID
  }
}

extension CloseLearningInstanceResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseLearningInstanceResponse>) {}
  func fill(_ c: inout Gs__Rpc__CloseLearningInstanceResponse, in arena: Arena) {}
}
