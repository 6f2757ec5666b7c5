import Access
import Coordinator
import Engines
import GRPC
import JSON
import Logging
import NIOCore
import Objects
import StateStore
import Transport
import Wire

/// The service that GraphScope's clients call, `gs.rpc.CoordinatorService`. Decodes requests, forwards them to the coordinator,
/// and encodes the answers.
public struct CoordinatorService: Sendable {
  /// The full name of the service.
  public static let name = "gs.rpc.CoordinatorService"
  let coordinator: Coordinator
  let spooler: StepSpooler
  let logReaders = LogReaders()
  private let access: AccessControl?

  /// Makes a service for a coordinator. `blockingWork` runs work that waits for the disk. With access control the server must
  /// have an `AccessGate`.
  public init(coordinator: Coordinator, access: AccessControl? = nil, blockingWork: @escaping BlockingWork) {
    self.coordinator = coordinator
    self.access = access
    spooler = StepSpooler(blockingWork: blockingWork)
  }

  /// Returns all methods, for a server.
  public func methods() -> GRPCService {
    var service = GRPCService(name: Self.name)
    addSessionMethods(to: &service)
    addLogMethods(to: &service)
    addStepMethods(to: &service)
    addInstanceMethods(to: &service)
    return service
  }

  /// Must be called when a connection ends; detaches its sessions.
  public func connectionClosed(_ number: UInt64) { coordinator.connectionClosed(ConnectionID(number)) }

  private func addSessionMethods(to service: inout GRPCService) {
    service.synchronous("HeartBeat") { (_: HeartBeatRequest, context) in
      coordinator.heartbeat(on: ConnectionID(context.connection), for: Caller(context).principal)
      return HeartBeatResponse()
    }
    service.unary("ConnectSession") { (request: ConnectSessionRequest, context) in
      let response = try await connect(request, context)
      note(request.reconnect ? "connect or reconnect to" : "connect to", response.sessionID, context)
      return response
    }
    service.unary("CloseSession") { (request: CloseSessionRequest, context) in
      try await answering { try await coordinator.close(request.sessionID, for: Caller(context)) }
      note("close", request.sessionID, context)
      return CloseSessionResponse()
    }
    // As a stream of one request, so that the bytes of an archive count as incoming until they are in a file.
    service.clientStreaming("AddLib", decode: .bytes, encode: .wire) { (requests, context) -> AddLibResponse in
      var requests = requests.makeAsyncIterator()
      guard let archive = try await requests.next() else {
        throw GRPCStatus(.unimplemented, "The method requires exactly one request, but received none")
      }
      try await answering { try await addLibrary(archive, Caller(context)) }
      return AddLibResponse()
    }
  }

  private func addLibrary(_ message: ByteBuffer, _ caller: Caller) async throws {
    try await spooler.blockingWork {
      let request = try message.withUnsafeReadableBytes { bytes in try AddLibRequest.decode(bytes) }
      let session = try coordinator.session(request.sessionID, for: caller)
      try request.archive.withUnsafeBytes { bytes in try session.addLibrary(bytes) }
    }
  }

  /// Records an action of the caller in the audit trail; without access control the transactions of the state store are
  /// sufficient.
  private func note(_ action: String, _ session: String, _ context: ServerContext) {
    guard let access, let caller = context.credential as? Authentication else { return }
    access.note(caller, action, ObjectReference.session(session).description)
  }

  private func connect(
    _ request: ConnectSessionRequest, _ context: ServerContext
  ) async throws -> ConnectSessionResponse {
    let caller = Caller(context)
    let lease: Duration? =
      request.danglingTimeoutSeconds > 0 ? .seconds(Int(request.danglingTimeoutSeconds)) : nil
    let session = try await answering {
      try await coordinator.connect(
        caller, .init(version: request.version, reconnect: request.reconnect, lease: lease))
    }
    // A session that was reconnected existed before.
    if !request.reconnect {
      try await requireClient(context) { try await coordinator.close(session.id, for: caller) }
    }
    return ConnectSessionResponse(
      sessionID: session.id, clusterType: .hosts, numWorkers: Int32(session.engineDescription.workerCount),
      engineConfig: session.engineDescription.clientConfiguration, hostNames: session.engineDescription.hosts)
  }
}

extension EngineDescription {
  /// The configuration that the client reads hosts and store addresses from, as JSON.
  var clientConfiguration: String {
    JSONValue.object([
      ("networkx", .string("OFF")),
      // The client passes it to learning engines in a handle, which must contain text.
      ("vineyard_socket", .string(objectStoreSocket ?? "")),
      ("vineyard_rpc_endpoint", objectStoreEndpoint.map { .string($0) } ?? .null),
      ("enable_java_sdk", .string("OFF")),
      ("engine_hosts", .string(hosts.joined(separator: ","))),
      ("mars_endpoint", .null),
    ]).encoded
  }
}

extension Caller {
  /// The caller of a call: as identified by the `AccessGate`, or, without one, by the connection.
  init(_ context: ServerContext) {
    if let caller = context.credential as? Authentication {
      self.init(caller.identity, connection: ConnectionID(context.connection))
      return
    }
    let principal: Principal =
      switch context.peer {
      case .tcp(let host, _): Principal("host \(host)")
      case .unix(let credentials?): Principal("uid \(credentials.uid)")
      case .unix(nil): Principal("unix socket")
      }
    self.init(principal: principal, connection: ConnectionID(context.connection))
  }
}

/// The largest request, in bytes, of the methods that receive neither a step nor an archive. Their handlers may take long, and
/// keep the message in memory.
private let smallRequestBytes = 1 << 20

// All messages of the client's protocol are decoded and encoded by `Wire`.
extension GRPCService {
  /// Adds methods that receive small requests.
  private mutating func small(_ add: (inout GRPCService) -> Void) {
    maxRequestBytes = smallRequestBytes
    add(&self)
    maxRequestBytes = .max
  }

  mutating func unary<Request: WireMessage, Response: WireMessage>(
    _ method: String, handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) {
    small { $0.unary(method, decode: .wire, encode: .wire, handler: handler) }
  }

  mutating func synchronous<Request: WireMessage, Response: WireMessage>(
    _ method: String, handler: @escaping @Sendable (Request, ServerContext) throws -> Response
  ) {
    small { $0.synchronousUnary(method, decode: .wire, encode: .wire, handler: handler) }
  }

  mutating func serverStreaming<Request: WireMessage, Response: WireMessage>(
    _ method: String,
    handler: @escaping @Sendable (Request, ResponseWriter<Response>, ServerContext) async throws -> Void
  ) {
    small { $0.serverStreaming(method, decode: .wire, encode: .wire, handler: handler) }
  }
}

extension MessageDecoder where Message: WireMessage {
  /// Decodes a message; a malformed one ends its call with INVALID_ARGUMENT.
  static var wire: MessageDecoder {
    MessageDecoder { buffer in
      do {
        return try buffer.withUnsafeReadableBytes { bytes in try Message.decode(bytes) }
      } catch let error as WireError {
        throw GRPCStatus(.invalidArgument, error.description)
      }
    }
  }
}

extension MessageEncoder where Message: WireMessage {
  /// Encodes a message directly into the buffer that is sent.
  static var wire: MessageEncoder { MessageEncoder { message, buffer in pack(message, into: &buffer) } }
}

/// Appends an encoded message to a buffer.
func pack(_ message: some WireMessage, into buffer: inout ByteBuffer) {
  message.encoded { encoded in
    _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: encoded.byteCount) { memory in
      if let base = memory.baseAddress { encoded.pack(into: base) }
      return encoded.byteCount
    }
  }
}
