import Coordinator
import Engines
import GRPC
import Logging
import NIOCore
import Wire

/// The service that GraphScope's clients call, `gs.rpc.CoordinatorService`: decodes, asks the coordinator, encodes.
public struct CoordinatorService: Sendable {
  let coordinator: Coordinator
  let spooler: StepSpooler
  private let access: AccessControl?

  /// A service in front of a coordinator. `blockingWork` runs work that waits for the disk. With access control the server
  /// must have an `AccessGate`.
  public init(coordinator: Coordinator, access: AccessControl? = nil, blockingWork: @escaping BlockingWork) {
    self.coordinator = coordinator
    self.access = access
    spooler = StepSpooler(blockingWork: blockingWork)
  }

  /// All methods, ready for a server.
  public func methods() -> GRPCService {
    var service = GRPCService(name: "gs.rpc.CoordinatorService")
    addSessionMethods(to: &service)
    addStepMethods(to: &service)
    addInstanceMethods(to: &service)
    return service
  }

  /// Tell the coordinator when a connection ends, so that its sessions are detached.
  public func connectionClosed(_ number: UInt64) { coordinator.connectionClosed(ConnectionID(number)) }

  private func addSessionMethods(to service: inout GRPCService) {
    service.synchronous("HeartBeat") { (_: HeartBeatRequest, context) in
      coordinator.heartbeat(on: ConnectionID(context.connection), for: Caller(context).principal)
      return HeartBeatResponse()
    }
    service.unary("ConnectSession") { (request: ConnectSessionRequest, context) in
      let response = try await connect(request, Caller(context))
      note(request.reconnect ? "connect or reconnect to" : "connect to", response.sessionID, context)
      return response
    }
    service.unary("CloseSession") { (request: CloseSessionRequest, context) in
      try await answering { try await coordinator.close(request.sessionID, for: Caller(context)) }
      note("close", request.sessionID, context)
      return CloseSessionResponse()
    }
    service.unary("AddLib") { (request: AddLibRequest, context) in
      try await answering {
        let session = try coordinator.session(request.sessionID, for: Caller(context))
        try await spooler.blockingWork {
          try request.archive.withUnsafeBytes { bytes in try session.addLibrary(bytes) }
        }
      }
      return AddLibResponse()
    }
    service.serverStreaming("FetchLogs") { (request: FetchLogsRequest, writer, context) in
      let session = try await answering { try coordinator.session(request.sessionID, for: Caller(context)) }
      for await line in session.log.lines() {
        let isError = line.level == .error
        try await writer.write(FetchLogsResponse(info: isError ? "" : line.text, error: isError ? line.text : ""))
      }
    }
  }

  /// Tells the audit trail what the caller did; without access control the transactions of the state store say enough.
  private func note(_ action: String, _ session: String, _ context: ServerContext) {
    guard let access, let caller = context.credential as? Authentication else { return }
    access.note(caller, action, "session/\(session)")
  }

  private func connect(_ request: ConnectSessionRequest, _ caller: Caller) async throws -> ConnectSessionResponse {
    let lease: Duration? =
      request.danglingTimeoutSeconds > 0 ? .seconds(Int(request.danglingTimeoutSeconds)) : nil
    let session = try await answering {
      try await coordinator.connect(
        caller, .init(version: request.version, reconnect: request.reconnect, lease: lease))
    }
    return ConnectSessionResponse(
      sessionID: session.id, clusterType: .hosts, numWorkers: Int32(session.engineDescription.workerCount),
      engineConfig: session.engineDescription.clientConfiguration, hostNames: session.engineDescription.hosts)
  }
}

extension EngineDescription {
  /// The object that the client reads hosts and store addresses from.
  var clientConfiguration: String {
    JSONValue.object([
      ("networkx", .string("OFF")),
      ("vineyard_socket", objectStoreSocket.map { .string($0) } ?? .null),
      ("vineyard_rpc_endpoint", objectStoreEndpoint.map { .string($0) } ?? .null),
      ("enable_java_sdk", .string("OFF")),
      ("engine_hosts", .string(hosts.joined(separator: ","))),
      ("mars_endpoint", .null),
    ]).encoded
  }
}

extension Caller {
  /// Who called: as the `AccessGate` found out, or, without one, by the call's connection.
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

// Every message of the client's protocol is decoded and encoded by `Wire`.
extension GRPCService {
  mutating func unary<Request: WireMessage, Response: WireMessage>(
    _ method: String, handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) {
    unary(method, decode: .wire, encode: .wire, handler: handler)
  }

  mutating func synchronous<Request: WireMessage, Response: WireMessage>(
    _ method: String, handler: @escaping @Sendable (Request, ServerContext) throws -> Response
  ) {
    synchronousUnary(method, decode: .wire, encode: .wire, handler: handler)
  }

  mutating func serverStreaming<Request: WireMessage, Response: WireMessage>(
    _ method: String,
    handler: @escaping @Sendable (Request, ResponseWriter<Response>, ServerContext) async throws -> Void
  ) {
    serverStreaming(method, decode: .wire, encode: .wire, handler: handler)
  }
}

extension MessageDecoder where Message: WireMessage {
  /// Reads a message; one that cannot be read ends its call with INVALID_ARGUMENT.
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
  /// Packs a message straight into the buffer that is sent.
  static var wire: MessageEncoder { MessageEncoder { message, buffer in pack(message, into: &buffer) } }
}

/// Packs a message behind what the buffer holds.
func pack(_ message: some WireMessage, into buffer: inout ByteBuffer) {
  message.encoded { encoded in
    _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: encoded.byteCount) { memory in
      if let base = memory.baseAddress { encoded.pack(into: base) }
      return encoded.byteCount
    }
  }
}
