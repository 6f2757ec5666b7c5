import CGraphScopeProto
import Vocabulary

// Messages that open, keep alive and close sessions.

/// Opens a session, or reconnects to one.
public struct ConnectSessionRequest: WireMessage {
  /// Whether closing the session also stops the engines. Set by a client that started this server itself.
  public var cleanupInstance: Bool
  /// The lease in seconds: the session ends when no heartbeat arrives for so long; 0 or less means never.
  public var danglingTimeoutSeconds: Int32
  /// Version of the client.
  public var version: String
  /// Whether the client reconnects to its earlier session.
  public var reconnect: Bool

  /// Creates a request; omitted fields are empty.
  public init(
    cleanupInstance: Bool = false, danglingTimeoutSeconds: Int32 = 0, version: String = "", reconnect: Bool = false
  ) {
    self.cleanupInstance = cleanupInstance
    self.danglingTimeoutSeconds = danglingTimeoutSeconds
    self.version = version
    self.reconnect = reconnect
  }
}

/// Describes the opened session.
public struct ConnectSessionResponse: WireMessage {
  /// The id of the session, required in every later request.
  public var sessionID: String
  /// Where the engines run.
  public var clusterType: ClusterType
  /// Number of workers of an engine.
  public var numWorkers: Int32
  /// The Kubernetes namespace.
  public var namespace: String
  /// The engine's configuration, a JSON object and never empty. If it is `{}` and there are no host names, the client requests an
  /// analytical instance.
  public var engineConfig: String
  /// The hosts of the workers.
  public var hostNames: [String]

  /// Creates a response; omitted fields are empty.
  public init(
    sessionID: String = "", clusterType: ClusterType = .hosts, numWorkers: Int32 = 0, namespace: String = "",
    engineConfig: String = "", hostNames: [String] = []
  ) {
    self.sessionID = sessionID
    self.clusterType = clusterType
    self.numWorkers = numWorkers
    self.namespace = namespace
    self.engineConfig = engineConfig
    self.hostNames = hostNames
  }
}

/// Renews the lease of a session, or checks that the server is ready.
public struct HeartBeatRequest: WireMessage {
  /// The id of the session; the Python client leaves it empty.
  public var sessionID: String

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "") {
    self.sessionID = sessionID
  }
}

/// Reports that the server is ready.
public struct HeartBeatResponse: WireMessage {
  /// Creates a response.
  public init() {}
}

/// Requests the log of a session.
public struct FetchLogsRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "") {
    self.sessionID = sessionID
  }
}

/// A piece of the log.
public struct FetchLogsResponse: WireMessage {
  /// Text for standard output.
  public var info: String
  /// Text for standard error.
  public var error: String

  /// Creates a response; omitted fields are empty.
  public init(info: String = "", error: String = "") {
    self.info = info
    self.error = error
  }
}

/// Closes a session.
public struct CloseSessionRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "") {
    self.sessionID = sessionID
  }
}

/// Reports that the session is closed.
public struct CloseSessionResponse: WireMessage {
  /// Creates a response.
  public init() {}
}

/// Uploads a library or an application of the client.
public struct AddLibRequest: WireMessage {
  /// The id of the session.
  public var sessionID: String
  /// A zip archive that contains one file.
  public var archive: [UInt8]

  /// Creates a request; omitted fields are empty.
  public init(sessionID: String = "", archive: [UInt8] = []) {
    self.sessionID = sessionID
    self.archive = archive
  }
}

/// Reports that the library was added.
public struct AddLibResponse: WireMessage {
  /// Creates a response.
  public init() {}
}

extension ConnectSessionRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__ConnectSessionRequest>) throws(WireError) {
    let c = c.pointee
    cleanupInstance = c.cleanup_instance != 0
    danglingTimeoutSeconds = c.dangling_timeout_seconds
    version = try text(c.version, "ConnectSessionRequest.version")
    reconnect = c.reconnect != 0
  }

  func fill(_ c: inout Gs__Rpc__ConnectSessionRequest, in arena: Arena) {
    c.cleanup_instance = cleanupInstance ? 1 : 0
    c.dangling_timeout_seconds = danglingTimeoutSeconds
    c.version = arena.text(version)
    c.reconnect = reconnect ? 1 : 0
  }
}

extension ConnectSessionResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__ConnectSessionResponse>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "ConnectSessionResponse.session_id")
    clusterType = try enumeration(c.cluster_type.rawValue, "ConnectSessionResponse.cluster_type")
    numWorkers = c.num_workers
    namespace = try text(c.namespace_, "ConnectSessionResponse.namespace")
    engineConfig = try text(c.engine_config, "ConnectSessionResponse.engine_config")
    hostNames = try texts(c.n_host_names, c.host_names, "ConnectSessionResponse.host_names")
  }

  func fill(_ c: inout Gs__Rpc__ConnectSessionResponse, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.cluster_type = Gs__Rpc__ClusterType(number(clusterType))
    c.num_workers = numWorkers
    c.namespace_ = arena.text(namespace)
    c.engine_config = arena.text(engineConfig)
    (c.n_host_names, c.host_names) = (hostNames.count, arena.texts(hostNames))
  }
}

extension HeartBeatRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__HeartBeatRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "HeartBeatRequest.session_id")
  }

  func fill(_ c: inout Gs__Rpc__HeartBeatRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
  }
}

extension HeartBeatResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__HeartBeatResponse>) {}
  func fill(_ c: inout Gs__Rpc__HeartBeatResponse, in arena: Arena) {}
}

extension FetchLogsRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__FetchLogsRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "FetchLogsRequest.session_id")
  }

  func fill(_ c: inout Gs__Rpc__FetchLogsRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
  }
}

extension FetchLogsResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__FetchLogsResponse>) throws(WireError) {
    let c = c.pointee
    info = try text(c.info_message, "FetchLogsResponse.info_message")
    error = try text(c.error_message, "FetchLogsResponse.error_message")
  }

  func fill(_ c: inout Gs__Rpc__FetchLogsResponse, in arena: Arena) {
    c.info_message = arena.text(info)
    c.error_message = arena.text(error)
  }
}

extension CloseSessionRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseSessionRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "CloseSessionRequest.session_id")
  }

  func fill(_ c: inout Gs__Rpc__CloseSessionRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
  }
}

extension CloseSessionResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__CloseSessionResponse>) {}
  func fill(_ c: inout Gs__Rpc__CloseSessionResponse, in arena: Arena) {}
}

extension AddLibRequest: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__AddLibRequest>) throws(WireError) {
    let c = c.pointee
    sessionID = try text(c.session_id, "AddLibRequest.session_id")
    archive = bytes(c.gar)
  }

  func fill(_ c: inout Gs__Rpc__AddLibRequest, in arena: Arena) {
    c.session_id = arena.text(sessionID)
    c.gar = arena.bytes(archive)
  }
}

extension AddLibResponse: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__AddLibResponse>) {}
  func fill(_ c: inout Gs__Rpc__AddLibResponse, in arena: Arena) {}
}
