import NIOCore
import ProtobufFields
import Synchronization

/// The service `grpc.health.v1.Health`: reports whether a server and each of its services accept calls, once (`Check`) or as a
/// stream of changes (`Watch`).
///
/// All services start as NOT_SERVING. For an unknown service, `Check` fails with NOT_FOUND and `Watch` reports SERVICE_UNKNOWN
/// and stays open, as the protocol requires. Probes and load balancers have no credentials, so an interceptor that requires them
/// should exempt the paths for which `HealthService.isPath` returns true.
public final class HealthService: Sendable {
  /// The full name of the service.
  public static let name = "grpc.health.v1.Health"
  /// Maximum number of concurrent watches; further ones end with RESOURCE_EXHAUSTED.
  public static let maxWatches = 1_000
  /// Maximum size of a request, in bytes: it contains only a service name.
  static let maxRequestBytes = 1024

  /// `grpc.health.v1.HealthCheckResponse.ServingStatus`.
  enum Status: Int64, Sendable { case serving = 1, notServing, serviceUnknown }

  private struct Watch {
    let service: String
    let statuses: AsyncStream<Status>.Continuation
  }

  private struct State {
    var serving: [String: Bool]
    var watches: [UInt64: Watch] = [:]
    var lastWatch: UInt64 = 0
    var isClosed = false

    func status(of service: String) -> Status {
      serving[service].map { $0 ? .serving : .notServing } ?? .serviceUnknown
    }
  }

  private let state: Mutex<State>

  /// Creates a health service for the services with these full names, and for the server as a whole, whose name is empty.
  public init(services: [String]) {
    state = Mutex(State(serving: Dictionary(([""] + services).map { ($0, false) }) { first, _ in first }))
  }

  /// Returns whether a path is that of a method of this service.
  public static func isPath(_ path: String) -> Bool { path.utf8.starts(with: pathPrefix) }
  private static let pathPrefix = Array("/\(name)/".utf8)

  /// Sets the status of services (by default of all services and the server as a whole) and reports the change to watches. Names
  /// not passed to `init`, and changes after `close()`, are ignored.
  public func set(isServing: Bool, of services: [String]? = nil) {
    state.withLock { state in
      guard !state.isClosed else { return }
      for service in services ?? Array(state.serving.keys) where state.serving[service] != nil {
        state.serving[service] = isServing
        for watch in state.watches.values where watch.service == service {
          watch.statuses.yield(isServing ? .serving : .notServing)
        }
      }
    }
  }

  /// Sets all services to NOT_SERVING permanently and ends all watches with UNAVAILABLE, so that a shutdown does not wait for
  /// them.
  public func close() {
    set(isServing: false)
    let watches = state.withLock { state in
      state.isClosed = true
      defer { state.watches = [:] }
      return state.watches.values
    }
    for watch in watches { watch.statuses.finish() }
  }

  /// The number of open watches.
  var watchCount: Int { state.withLock { $0.watches.count } }

  /// Returns the methods, to be passed to a server.
  public func methods() -> GRPCService {
    var service = GRPCService(name: Self.name)
    service.maxRequestBytes = Self.maxRequestBytes
    service.synchronousUnary("Check", decode: .healthRequest, encode: .healthResponse) { name, _ in
      let status = self.state.withLock { $0.status(of: name) }
      guard status != .serviceUnknown else {
        throw GRPCStatus(.notFound, "This server has no service '\(name)'")
      }
      return status
    }
    service.serverStreaming("Watch", decode: .healthRequest, encode: .healthResponse) { name, writer, _ in
      try await self.watch(name, writer)
    }
    return service
  }

  private func watch(_ service: String, _ writer: ResponseWriter<Status>) async throws {
    let (statuses, continuation) = AsyncStream.makeStream(of: Status.self, bufferingPolicy: .bufferingNewest(1))
    let id = try begin(Watch(service: service, statuses: continuation))
    defer { state.withLock { _ = $0.watches.removeValue(forKey: id) } }
    var last: Status?
    for await status in statuses where status != last {
      try await writer.write(status)
      last = status
    }
    throw GRPCStatus.shuttingDown
  }

  private func begin(_ watch: Watch) throws(GRPCStatus) -> UInt64 {
    let result: Result<UInt64, GRPCStatus> = state.withLock { state in
      guard !state.isClosed else { return .failure(.shuttingDown) }
      guard state.watches.count < Self.maxWatches else {
        return .failure(
          GRPCStatus(
            .resourceExhausted, "\(Self.maxWatches) watches of this server's health are open, which is the limit"))
      }
      state.lastWatch += 1
      state.watches[state.lastWatch] = watch
      watch.statuses.yield(state.status(of: watch.service))
      return .success(state.lastWatch)
    }
    return try result.get()
  }
}

extension MessageDecoder where Message == String {
  /// Decodes the service name of a `grpc.health.v1.HealthCheckRequest`.
  fileprivate static var healthRequest: MessageDecoder {
    MessageDecoder { buffer in
      var reader = ProtobufReader(Array(buffer.readableBytesView))
      var service = ""
      while let field = try reader.next() {
        guard field.number == 1 else { continue }
        guard let text = field.value.text else {
          throw ProtobufError(reason: "the name of the service is not valid UTF-8")
        }
        service = text
      }
      return service
    }
  }
}

extension MessageEncoder where Message == HealthService.Status {
  /// Encodes a `grpc.health.v1.HealthCheckResponse`.
  fileprivate static var healthResponse: MessageEncoder {
    MessageEncoder { status, buffer in
      var writer = ProtobufWriter()
      writer.integer(1, status.rawValue)
      buffer.writeBytes(writer.bytes)
    }
  }
}
