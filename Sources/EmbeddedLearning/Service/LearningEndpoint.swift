import Engines
import GRPC
import Glibc
import Logging
import NIOCore
import Synchronization
import Transport
import Workers

/// A gRPC server for the learning clients of one graph. It keeps its address as long as the session lives, because a client's
/// process connects to the address of the first instance of a graph for ever (contract "learning", section 2).
final class LearningEndpoint: Sendable {
  /// The path of the service (contract "learning", section 3).
  static let serviceName = "graphlearn.GraphLearn"
  /// Limits, listed in docs/limits.md.
  static let maximumOperatorBytes = 64 << 20
  static let maximumQueryBytes = 1 << 20
  static let maximumConnections = 1_024

  /// What serves now; nil while the instance is closed.
  private let service: Box
  private let server: GRPCServer
  private let place: LearningListening.Place
  /// Where clients connect.
  let address: String

  /// Shared with the methods of the server, which must not refer to the endpoint.
  private final class Box: Sendable {
    let current = Mutex<SamplingService?>(nil)
  }

  /// Listens. Requests are rejected until `serve`.
  /// - Throws: `EngineError` if the address cannot be bound.
  init(_ place: LearningListening.Place, _ computing: LearningComputing) async throws {
    let box = Box()
    service = box
    self.place = place
    server = GRPCServer(
      services: [Self.methods(box, computing)], limits: Self.limits, interceptors: [PeerCheck(place: place)],
      logger: Logger(label: "learning"),
      onConnectionClosed: { number in box.current.withLock { $0 }?.connectionClosed(number) })
    do {
      let bound = try await server.listen(on: place.address)
      address = bound.description
    } catch {
      throw EngineError(
        .engineFailure, "cannot listen for learning clients on \(place.address)", evidence: "\(error)",
        hint: "Close the instance and open it again")
    }
    if case .unix(let path) = place.address { chmod(path, place.directory == nil ? 0o600 : 0o666) }
  }

  /// Answers requests from now on; nil to reject them.
  func serve(_ service: SamplingService?) { self.service.current.withLock { $0 = service } }

  /// Ends all connections and removes the socket.
  func shutdown() async {
    serve(nil)
    await server.shutdown(grace: .zero)
    if case .unix(let path) = place.address { unlink(path) }
    if let directory = place.directory { rmdir(directory) }
  }

  private static var limits: ServerLimits {
    var limits = ServerLimits()
    limits.maxMessageBytes = maximumOperatorBytes
    limits.messageBudgetBytes = 4 * maximumOperatorBytes
    limits.connection.maxConnections = maximumConnections
    limits.connection.maxAcceptedConnections = maximumConnections
    limits.connection.received.total = 4 * maximumOperatorBytes
    // Prefetched batches wait here until they are read.
    limits.connection.readerTimeout = .hours(24)
    return limits
  }

  // MARK: Methods

  private static func methods(_ box: Box, _ computing: LearningComputing) -> GRPCService {
    let current: @Sendable () throws -> SamplingService = {
      guard let service = box.current.withLock({ $0 }) else {
        throw LearningError(.failedPrecondition, "the learning instance is closed")
      }
      return service
    }
    var service = GRPCService(name: serviceName)
    service.unary("HandleOp", decode: .bytes, encode: .bytes) { request, context in
      let connection = context.connection
      return try await computing.run { workers in
        let request = try MessageReading.operatorRequest(Array(request.readableBytesView))
        return MessageWriting.bytes(try current().run(request, connection: connection, workers))
      }
    }
    service.maxRequestBytes = maximumQueryBytes
    service.unary("HandleDag", decode: .bytes, encode: .bytes) { request, context in
      let connection = context.connection
      return try await computing.run { _ in
        try current().accept(MessageReading.query(Array(request.readableBytesView)), connection: connection)
        return []
      }
    }
    service.unary("HandleDagValues", decode: .bytes, encode: .bytes) { request, context in
      let connection = context.connection
      do {
        return try await computing.run { workers in
          let request = try MessageReading.batchRequest(Array(request.readableBytesView))
          let batch = try current().batch(request, connection: connection, workers, report: computing.report)
          return MessageWriting.bytes(batch)
        }
      } catch {
        computing.report("\(error)")
        return ByteBuffer()
      }
    }
    for name in ["HandleStop", "HandleReport"] {
      service.synchronousUnary(name, decode: .bytes, encode: .bytes) { _, _ in ByteBuffer() }
    }
    return service
  }
}

/// Rejects peers that are not the session's client.
private struct PeerCheck: ServerInterceptor {
  let place: LearningListening.Place

  func begin(_ context: ServerContext) throws {
    guard place.accepts(context.peer) else {
      throw GRPCStatus(.permissionDenied, "this server belongs to another client")
    }
  }
}

/// Where the requests of a session's learning clients are computed: on the threads of the pool, charged to the session.
struct LearningComputing: Sendable {
  let pool: WorkerPool
  let threads: Int
  let storage: any StorageAccount
  let gate: ComputingGate
  let logger: Logger

  init(pool: WorkerPool, size: EngineSize, storage: any StorageAccount, logger: Logger) {
    self.pool = pool
    threads = min(pool.width, size.threads ?? .max)
    self.storage = storage
    gate = ComputingGate(places: max(2, threads))
    self.logger = logger
  }

  /// Computes an answer.
  /// - Throws: `GRPCStatus`.
  func run(_ job: @escaping @Sendable (Workers) throws -> [UInt8]) async throws -> ByteBuffer {
    do {
      return try await gate.pass {
        try await pool.run(storage: storage, threads: threads) { ByteBuffer(bytes: try job($0)) }
      }
    } catch {
      throw Self.status(error)
    }
  }

  /// Records why a batch could not be computed: its client cannot be told.
  func report(_ reason: String) {
    logger.warning("a batch of a learning client could not be computed", metadata: ["error": "\(reason)"])
  }

  private static func status(_ error: any Error) -> GRPCStatus {
    switch error {
    case let error as LearningError: GRPCStatus(error.code.grpcCode, error.description)
    case is CancellationError: GRPCStatus(.cancelled, "the client has disconnected")
    case let error as StorageRefusal: Self.exhausted(error.description)
    case let error as WorkersError: Self.exhausted(error.description)
    default: GRPCStatus(.internal, "the operator failed")
    }
  }

  private static func exhausted(_ text: String) -> GRPCStatus {
    GRPCStatus(.resourceExhausted, LearningError(.resourceExhausted, text).description)
  }
}

extension LearningError.Code {
  fileprivate var grpcCode: GRPCStatus.Code {
    switch self {
    case .invalidArgument: .invalidArgument
    case .notFound: .notFound
    case .outOfRange: .outOfRange
    case .failedPrecondition: .failedPrecondition
    case .resourceExhausted: .resourceExhausted
    case .unimplemented: .unimplemented
    }
  }
}
