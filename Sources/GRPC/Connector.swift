import NIOCore
import Synchronization
import Transport

/// Keeps the connection of a client and makes a new one when needed. Callers that arrive during an attempt to connect share it;
/// those that arrive within the back-off after a failed attempt fail with the same error.
///
/// | state      | connection()                              | dialled   | dial failed | forget, lost | close   |
/// |------------|-------------------------------------------|-----------|-------------|--------------|---------|
/// | idle       | dial, connecting                          | –         | –           | –            | closed  |
/// | connecting | wait                                      | connected | failed      | –            | closed  |
/// | failed     | fail; dial, connecting after the back-off | –         | –           | –            | closed  |
/// | connected  | use                                       | –         | –           | idle         | closed  |
/// | closed     | fail                                      | hang up   | –           | –            | –       |
final class Connector: Sendable {
  /// A connection with a number that distinguishes it from earlier and later ones.
  struct Connection: Sendable {
    let number: Int
    let handler: NIOLoopBound<HTTP2ChannelHandler>
  }

  private typealias Waiter = CheckedContinuation<Connection, any Error>

  private enum Phase {
    case idle
    case connecting([UInt64: Waiter])
    case failed(GRPCStatus, until: ContinuousClock.Instant)
    case connected(Connection)
    case closed
  }

  private struct State {
    var phase = Phase.idle
    var number = 0
    /// Consecutive failures since the last success.
    var failures = 0
    var lastTicket: UInt64 = 0
  }

  private let address: TransportAddress
  private let limits: ClientLimits
  private let group: any EventLoopGroup
  private let tls: (@Sendable (any Channel) throws -> Void)?
  private let state = Mutex(State())
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

  /// The `:scheme` of requests.
  var scheme: String { tls == nil ? "http" : "https" }

  /// Returns the connection, connecting first if there is none.
  ///
  /// - Parameters:
  ///   - deadline: when to stop waiting; nil: never.
  ///   - isPatient: whether to reconnect, after each back-off, until an attempt succeeds.
  /// - Throws: UNAVAILABLE if the server cannot be reached; DEADLINE_EXCEEDED; `CancellationError`.
  func connection(by deadline: ContinuousClock.Instant? = nil, isPatient: Bool = false) async throws -> Connection {
    if case .connected(let connection) = state.withLock({ $0.phase }) { return connection }
    guard let deadline else { return try await connect(isPatient) }
    return try await withThrowingTaskGroup(of: Connection.self) { group in
      group.addTask { try await self.connect(isPatient) }
      group.addTask {
        try await ContinuousClock().sleep(until: deadline)
        throw GRPCStatus(.deadlineExceeded, "Deadline Exceeded while connecting to \(self.address)")
      }
      defer { group.cancelAll() }
      guard let connection = try await group.next() else { throw CancellationError() }
      return connection
    }
  }

  private func connect(_ isPatient: Bool) async throws -> Connection {
    while true {
      do {
        return try await attempt()
      } catch let status as GRPCStatus where isPatient && status.code == .unavailable {
        if case .failed(_, let until) = state.withLock({ $0.phase }) { try await ContinuousClock().sleep(until: until) }
      }
    }
  }

  /// Joins the current attempt to connect, or starts one.
  private func attempt() async throws -> Connection {
    let ticket = state.withLock { state in
      state.lastTicket += 1
      return state.lastTicket
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { wait($0, ticket) }
    } onCancel: {
      withdraw(ticket)
    }
  }

  private func wait(_ continuation: Waiter, _ ticket: UInt64) {
    enum Next { case dial(Int), wait, resume(Result<Connection, any Error>) }
    let next: Next = state.withLock { state in
      if Task.isCancelled { return .resume(.failure(CancellationError())) }
      switch state.phase {
      case .closed: return .resume(.failure(Self.closed))
      case .connected(let connection): return .resume(.success(connection))
      case .failed(let status, let until) where ContinuousClock.now < until: return .resume(.failure(status))
      case .connecting(var waiters):
        waiters[ticket] = continuation
        state.phase = .connecting(waiters)
        return .wait
      case .idle, .failed:
        state.phase = .connecting([ticket: continuation])
        state.number += 1
        return .dial(state.number)
      }
    }
    switch next {
    case .wait: break
    case .resume(let result): continuation.resume(with: result)
    // Not a child task of the first caller: others wait for the same connection, and each may stop waiting.
    case .dial(let number): Task { await dial(number) }
    }
  }

  private func withdraw(_ ticket: UInt64) {
    let waiter: Waiter? = state.withLock { state in
      guard case .connecting(var waiters) = state.phase else { return nil }
      defer { state.phase = .connecting(waiters) }
      return waiters.removeValue(forKey: ticket)
    }
    waiter?.resume(throwing: CancellationError())
  }

  private func dial(_ number: Int) async {
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
    if let waiters = settle(result) {
      for waiter in waiters { waiter.resume(with: result) }
    } else if case .success(let connection) = result {
      await hangUp(connection)
    }
  }

  /// Ends the attempt to connect and returns the callers that wait for it; nil if the client was closed in the meantime.
  private func settle(_ result: Result<Connection, any Error>) -> [Waiter]? {
    state.withLock { state in
      guard case .connecting(let waiters) = state.phase else { return nil }
      switch result {
      case .success(let connection):
        state.failures = 0
        state.phase = .connected(connection)
      case .failure(let error):
        state.failures += 1
        let status = error as? GRPCStatus ?? GRPCStatus(.unavailable, "\(error)")
        state.phase = .failed(status, until: .now + limits.backoff.delay(failures: state.failures))
      }
      return Array(waiters.values)
    }
  }

  /// Stops using a connection, so that the next caller connects again. The connection closes after its current calls.
  func forget(_ connection: Connection) { forget(number: connection.number) }

  private func forget(number: Int) {
    state.withLock { state in
      if case .connected(let connection) = state.phase, connection.number == number { state.phase = .idle }
    }
  }

  func close() async {
    let old = state.withLock { state in
      defer { state.phase = .closed }
      return state.phase
    }
    switch old {
    case .idle, .failed, .closed: break
    case .connecting(let waiters): for waiter in waiters.values { waiter.resume(throwing: Self.closed) }
    case .connected(let connection): await hangUp(connection)
    }
  }

  private func hangUp(_ connection: Connection) async {
    try? await connection.handler.eventLoop.submit { connection.handler.value.close() }.get()
  }
}
