import Foundation
import HTTPClient
import Synchronization

/// Sends requests to the members of an etcd cluster, as JSON over HTTP.
///
/// If a member fails, the next one is tried. After a round through all members, the client pauses; the pause doubles from 50 ms
/// to 2 s and is shortened by a random part of up to one half, so that clients do not return all at once. Every request may be
/// repeated: the store makes its writes idempotent.
final class EtcdClient: Sendable {
  private struct Shared {
    var endpoint = 0
    var token: String?
    var isClosed = false
  }

  let configuration: EtcdConfiguration
  private let http: HTTPClient
  private let shared = Mutex(Shared())

  /// The maximum size of a response in bytes.
  static let maximumBodyByteCount = 16 << 20

  init(_ configuration: EtcdConfiguration) throws {
    self.configuration = configuration
    var options = HTTPClientConfiguration()
    options.tls = configuration.tls
    options.connectTimeout = configuration.requestTimeout
    do {
      http = try HTTPClient(options)
    } catch {
      throw StateStoreError(.unavailable, error.description)
    }
  }

  func close() {
    shared.withLock { $0.isClosed = true }
    http.close()
  }

  var isClosed: Bool { shared.withLock { $0.isClosed } }

  // MARK: Calls

  /// Calls a method, retrying until a member responds or the retry budget is exhausted.
  /// - Parameter check: Throws if a response is a failure despite its status.
  /// - Throws: `EtcdFailure.refused`, `StateStoreError` or `CancellationError`.
  func call<Request: Encodable & Sendable, Response: Decodable & Sendable>(
    _ method: String, _ request: Request, as: Response.Type = Response.self,
    check: (Response) throws -> Void = { _ in }
  ) async throws -> Response {
    let body = try encode(request)
    return try await repeating(method) { endpoint, timeout in
      let data = Data(try await self.send(method, body, to: endpoint, timeout))
      guard let response = try? JSONDecoder().decode(Response.self, from: data) else {
        throw EtcdFailure.retry("\(endpoint) does not answer like etcd")
      }
      try check(response)
      return response
    }
  }

  /// Calls a method with a streaming response, retrying until a member starts to respond.
  /// - Parameter duration: The time after which the stream is ended, even if it is busy.
  func stream<Request: Encodable & Sendable>(
    _ method: String, _ request: Request, for duration: Duration
  ) async throws -> HTTPStream {
    let body = try encode(request)
    return try await repeating(method) { endpoint, _ in
      let stream = try await self.open(method, body, at: endpoint, duration)
      guard stream.status == 200 else {
        throw EtcdFailure(
          status: stream.status, body: try await stream.body.collect(upTo: Self.maximumBodyByteCount))
      }
      return stream
    }
  }

  /// Selects another member for the next request, because the stream of the current one failed.
  func leaveEndpoint() { shared.withLock { next(&$0, from: $0.endpoint) } }

  /// Discards the token, so that the next call fetches a new one.
  func forgetToken() { shared.withLock { $0.token = nil } }

  private func encode(_ request: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return Array(try encoder.encode(request))
  }

  // MARK: Repetition

  private func repeating<Result: Sendable>(
    _ method: String, _ attempt: (_ endpoint: String, _ timeout: Duration) async throws -> Result
  ) async throws -> Result {
    let deadline = ContinuousClock.now + configuration.retryBudget
    var (failures, logins) = (0, 0)
    while true {
      let index = try current()
      do {
        let left = ContinuousClock.now.duration(to: deadline)
        return try await attempt(
          configuration.endpoints[index], max(.milliseconds(50), min(configuration.requestTimeout, left)))
      } catch let error as HTTPClientError {
        try await pause(&failures, EtcdFailure(error), index, deadline, method)
      } catch EtcdFailure.tokenInvalid(let text) {
        forgetToken()
        logins += 1
        if logins > 3 { throw EtcdFailure.refused(.denied, text) }
      } catch let failure as EtcdFailure {
        try await pause(&failures, failure, index, deadline, method)
      }
    }
  }

  /// Returns the member to send to.
  private func current() throws -> Int {
    try shared.withLock { shared in
      if shared.isClosed { throw StateStoreError(.closed, "The state store is closed.") }
      return shared.endpoint
    }
  }

  /// Advances to the next member, and pauses if all have failed.
  private func pause(
    _ failures: inout Int, _ failure: EtcdFailure, _ index: Int, _ deadline: ContinuousClock.Instant, _ method: String
  ) async throws {
    guard case .retry(let text) = failure else { throw failure }
    _ = try current()
    shared.withLock { next(&$0, from: index) }
    failures += 1
    var delay = Duration.zero
    if failures % configuration.endpoints.count == 0 {
      let round = failures / configuration.endpoints.count
      delay = .milliseconds(min(2000, 50 << min(round - 1, 6))) * Double.random(in: 0.5...1)
    }
    guard ContinuousClock.now + delay < deadline else {
      throw StateStoreError(
        .unavailable,
        "etcd did not answer \(method) within \(configuration.retryBudget) on any of "
          + "\(configuration.endpoints.joined(separator: ", ")); the last error: \(text). "
          + "Check with 'etcdctl endpoint status' that a majority of its members is running.")
    }
    if delay > .zero { try await Task.sleep(for: delay) }
  }

  private func next(_ shared: inout Shared, from index: Int) {
    if shared.endpoint == index { shared.endpoint = (index + 1) % configuration.endpoints.count }
  }

  // MARK: One attempt

  private func send(_ method: String, _ body: [UInt8], to endpoint: String, _ timeout: Duration) async throws -> [UInt8]
  {
    let stream = try await open(method, body, at: endpoint, timeout)
    let answer = try await stream.body.collect(upTo: Self.maximumBodyByteCount)
    guard stream.status == 200 else { throw EtcdFailure(status: stream.status, body: answer) }
    return answer
  }

  private func open(_ method: String, _ body: [UInt8], at endpoint: String, _ timeout: Duration) async throws
    -> HTTPStream
  {
    // A member without a leader must report that at once rather than leave a stream silent.
    var headers = [HTTPField("Content-Type", "application/json"), HTTPField("Grpc-Metadata-hasleader", "true")]
    if let token = try await token(endpoint) { headers.append(HTTPField("Authorization", token)) }
    return try await http.stream(
      HTTPRequest("POST", "\(endpoint)/v3/\(method)", headers: headers, body: body, timeout: timeout))
  }

  private func token(_ endpoint: String) async throws -> String? {
    guard let credentials = configuration.credentials else { return nil }
    if let token = shared.withLock({ $0.token }) { return token }
    let body = try encode(EtcdLogin(name: credentials.user, password: credentials.password))
    let response = try await http.send(
      HTTPRequest("POST", "\(endpoint)/v3/auth/authenticate", body: body, timeout: configuration.requestTimeout))
    guard response.status == 200 else { throw EtcdFailure(status: response.status, body: response.body) }
    guard let answer = try? JSONDecoder().decode(EtcdToken.self, from: Data(response.body)) else {
      throw EtcdFailure.retry("the answer to the login has no token")
    }
    shared.withLock { $0.token = answer.token }
    return answer.token
  }
}
