import NIOCore
import Synchronization
import Transport

/// Keeps one connection for a client and makes a new one when it is needed. Callers that come while it connects share
/// the attempt.
///
/// | state      | connection()     | dialled        | dial failed  | forget, lost | close  |
/// |------------|------------------|----------------|--------------|--------------|--------|
/// | idle       | dial, connecting | –              | –            | –            | closed |
/// | connecting | wait             | connected      | idle         | –            | closed |
/// | connected  | use              | –              | –            | idle         | closed |
/// | closed     | fail             | hang up        | –            | –            | –      |
final class Connector: Sendable {
  /// A connection with its number, which tells it from those before and after.
  struct Connection: Sendable {
    let number: Int
    let handler: NIOLoopBound<HTTP2ChannelHandler>
  }

  private typealias Waiter = CheckedContinuation<Connection, any Error>

  private enum State {
    case idle
    case connecting([Waiter])
    case connected(Connection)
    case closed
  }

  private enum Next {
    case use(Connection)
    case dial(Int)
    case wait
    case fail
  }

  private let address: TransportAddress
  private let limits: ClientLimits
  private let group: any EventLoopGroup
  private let tls: (@Sendable (any Channel) throws -> Void)?
  private let state = Mutex((state: State.idle, number: 0))
  private static let closed = GRPCStatus(.failedPrecondition, "The client is closed")

  init(
    address: TransportAddress, limits: ClientLimits, tls: (@Sendable (any Channel) throws -> Void)?,
    group: any EventLoopGroup
  ) {
    self.address = address
    self.limits = limits
    self.tls = tls
    self.group = group
  }

  /// The `:authority` of requests.
  var authority: String {
    if case .tcp = address { address.description } else { "localhost" }
  }

  func connection() async throws -> Connection {
    let next: Next = state.withLock { value in
      switch value.state {
      case .closed: return .fail
      case .connecting: return .wait
      case .connected(let connection): return .use(connection)
      case .idle:
        value.state = .connecting([])
        value.number += 1
        return .dial(value.number)
      }
    }
    switch next {
    case .use(let connection): return connection
    case .dial(let number): return try await dial(number)
    case .wait: return try await withCheckedThrowingContinuation { wait($0) }
    case .fail: throw Self.closed
    }
  }

  private func wait(_ continuation: Waiter) {
    let outcome: Result<Connection, any Error>? = state.withLock { value in
      switch value.state {
      case .connecting(let waiters):
        value.state = .connecting(waiters + [continuation])
        return nil
      case .connected(let connection): return .success(connection)
      case .idle: return .failure(GRPCStatus(.unavailable, "Cannot connect to \(address)"))
      case .closed: return .failure(Self.closed)
      }
    }
    if let outcome { continuation.resume(with: outcome) }
  }

  private func dial(_ number: Int) async throws -> Connection {
    let result: Result<Connection, any Error>
    do {
      let handler = try await Dialer.connect(
        address, group: group, http2Limits: limits.http2, limits: limits.connection, timeout: limits.connectTimeout,
        secure: tls
      ) { [weak self] in
        self?.forget(number: number)
      }
      result = .success(Connection(number: number, handler: handler))
    } catch {
      result = .failure(GRPCStatus(.unavailable, "\(error)"))
    }
    guard let waiters = settle(result) else {
      if case .success(let connection) = result { await hangUp(connection) }
      throw Self.closed
    }
    for waiter in waiters { waiter.resume(with: result) }
    return try result.get()
  }

  /// nil: the client was closed meanwhile.
  private func settle(_ result: Result<Connection, any Error>) -> [Waiter]? {
    state.withLock { value in
      guard case .connecting(let waiters) = value.state else { return nil }
      if case .success(let connection) = result { value.state = .connected(connection) } else { value.state = .idle }
      return waiters
    }
  }

  /// The connection takes no more calls. It ends by itself with those it has.
  func forget(_ connection: Connection) { forget(number: connection.number) }

  private func forget(number: Int) {
    state.withLock { value in
      if case .connected(let connection) = value.state, connection.number == number { value.state = .idle }
    }
  }

  func close() async {
    let old = state.withLock { value in
      defer { value.state = .closed }
      return value.state
    }
    switch old {
    case .idle, .closed: break
    case .connecting(let waiters): for waiter in waiters { waiter.resume(throwing: Self.closed) }
    case .connected(let connection): await hangUp(connection)
    }
  }

  private func hangUp(_ connection: Connection) async {
    try? await connection.handler.eventLoop.submit { connection.handler.value.close() }.get()
  }
}
