import CGraphScopeProto

// Opening, keeping and closing sessions.

/// Opens a session, or comes back to one.
public struct ConnectSessionRequest: WireMessage {
  /// Whether closing the session stops the engines too: the client started this server itself.
  public var cleanupInstance: Bool
  /// Seconds without a heartbeat after which the session is given up; 0 or less means never.
  public var danglingTimeoutSeconds: Int32
  /// Version of the client.
  public var version: String
  /// Whether the client wants the session it had before.
  public var reconnect: Bool

  /// A request; what is not given is left empty.
  public init(
    cleanupInstance: Bool = false, danglingTimeoutSeconds: Int32 = 0, version: String = "", reconnect: Bool = false
  ) {
    self.cleanupInstance = cleanupInstance
    self.danglingTimeoutSeconds = danglingTimeoutSeconds
    self.version = version
    self.reconnect = reconnect
  }
}

/// The session.
public struct ConnectSessionResponse: WireMessage {
  /// Names the session in every later request.
  public var sessionID: String
  /// Where the engines run.
  public var clusterType: ClusterType
  /// Workers of an engine.
  public var numWorkers: Int32
  /// Namespace on Kubernetes.
  public var namespace: String
  /// A JSON object, never empty text. With `{}` and no host names the client asks for an analytical instance.
  public var engineConfig: String
  /// Where the workers run.
  public var hostNames: [String]

  /// A response; what is not given is left empty.
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

/// Keeps a session alive, or asks whether the server is ready.
public struct HeartBeatRequest: WireMessage {
  /// The session; the Python client leaves it empty.
  public var sessionID: String

  /// A request; what is not given is left empty.
  public init(sessionID: String = "") {
    self.sessionID = sessionID
  }
}

/// The server is ready.
public struct HeartBeatResponse: WireMessage {
  /// A response.
  public init() {}
}

/// Asks for the log of a session.
public struct FetchLogsRequest: WireMessage {
  /// The session.
  public var sessionID: String

  /// A request; what is not given is left empty.
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

  /// A response; what is not given is left empty.
  public init(info: String = "", error: String = "") {
    self.info = info
    self.error = error
  }
}

/// Ends a session.
public struct CloseSessionRequest: WireMessage {
  /// The session.
  public var sessionID: String

  /// A request; what is not given is left empty.
  public init(sessionID: String = "") {
    self.sessionID = sessionID
  }
}

/// The session is closed.
public struct CloseSessionResponse: WireMessage {
  /// A response.
  public init() {}
}

/// Uploads a library or an application of the user.
public struct AddLibRequest: WireMessage {
  /// The session.
  public var sessionID: String
  /// A zip archive with one file.
  public var archive: [UInt8]

  /// A request; what is not given is left empty.
  public init(sessionID: String = "", archive: [UInt8] = []) {
    self.sessionID = sessionID
    self.archive = archive
  }
}

/// The library is there.
public struct AddLibResponse: WireMessage {
  /// A response.
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
