import HTTP2
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Transport

/// A gRPC server: a set of services on any number of listeners.
public final class GRPCServer: Sendable {
  private let core: ServerCore
  private let group: any EventLoopGroup
  private let count: ConnectionCount
  private let refusals: RefusalCount
  /// The resources held on behalf of connections.
  public let accounts: PeerAccounts
  private let onConnectionClosed: (@Sendable (UInt64) -> Void)?
  private let state = Mutex(State())

  private struct State {
    var listeners: [Listener] = []
    var connections: [ObjectIdentifier: NIOLoopBound<HTTP2ChannelHandler>] = [:]
    var isShuttingDown = false
    var whenEmpty: [CheckedContinuation<Void, Never>] = []
  }

  /// Creates a server without listeners.
  ///
  /// - Parameters:
  ///   - services: the services to provide; if two methods have the same path, the later one is used.
  ///   - interceptors: called for every call, in order.
  ///   - group: the event loops; by default one per core, shared within the process.
  ///   - onConnectionClosed: called with the number of every closed connection, after its calls have ended.
  public init(
    services: [GRPCService], limits: ServerLimits = ServerLimits(), interceptors: [any ServerInterceptor] = [],
    logger: Logger = Logger(label: "grpc"), group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    onConnectionClosed: (@Sendable (UInt64) -> Void)? = nil
  ) {
    accounts = PeerAccounts(limits.connection)
    refusals = RefusalCount(logger)
    core = ServerCore(services: services, limits: limits, interceptors: interceptors, logger: logger)
    count = ConnectionCount(
      limit: limits.connection.maxConnections, acceptLimit: limits.connection.maxAcceptedConnections,
      peerLimit: limits.connection.maxConnectionsPerPeer)
    self.group = group
    self.onConnectionClosed = onConnectionClosed
  }

  /// The name of a listener for which none is given.
  public static let mainListener = "main"

  /// The current number of connections.
  public var connectionCount: Int { state.withLock { $0.connections.count } }

  /// The number of refusals of each kind.
  public var refusalCounts: [Refusal: UInt64] { refusals.counts }

  /// The budget for large messages that are being received.
  public var messageBudget: MessageBudget { core.budget }

  /// Adds a listener.
  ///
  /// - Parameters:
  ///   - name: the value of `ServerContext.listener` for its calls.
  ///   - tls: adds TLS to an accepted channel; runs on its event loop. nil: no TLS.
  /// - Returns: the address, with the port that was actually bound.
  /// - Throws: `TransportError` if the address cannot be bound.
  @discardableResult
  public func listen(
    on address: TransportAddress, named name: String = mainListener,
    tls: (@Sendable (any Channel) throws -> Void)? = nil
  ) async throws -> TransportAddress {
    let listener = try await Listener.bind(
      address, group: group, count: count, limits: core.limits.connection, secure: tls,
      report: { [refusals] in refusals.note($0, peer: $1, $2) }
    ) { [weak self, core, accounts, refusals] channel, peer in
      var number: UInt64 = 0
      let executor = EventLoopTaskExecutor(channel.eventLoop)
      let handler = HTTP2ChannelHandler(
        role: .server, channel: channel, peer: peer, listener: name, http2Limits: core.limits.http2,
        limits: core.limits.connection, accounts: accounts, report: { refusals.note($0, peer: $1, $2) },
        makeStream: { ServerCall(core: core, channel: $0, executor: executor) },
        onClosed: { self?.forget(ObjectIdentifier(channel), number) })
      number = handler.number
      handler.endOfAge = { handler in handler.endStreams { ($0 as? ServerCall)?.cancel(.connectionAge) } }
      self?.remember(handler, ObjectIdentifier(channel))
      return handler
    }
    let isTooLate = state.withLock { state in
      if !state.isShuttingDown { state.listeners.append(listener) }
      return state.isShuttingDown
    }
    if isTooLate { await listener.close() }
    return listener.address
  }

  private func remember(_ handler: HTTP2ChannelHandler, _ id: ObjectIdentifier) {
    let bound = NIOLoopBound(handler, eventLoop: handler.eventLoop)
    let isShuttingDown = state.withLock { state in
      state.connections[id] = bound
      return state.isShuttingDown
    }
    if isShuttingDown { bound.eventLoop.execute { bound.value.shutdown() } }
  }

  private func forget(_ id: ObjectIdentifier, _ number: UInt64) {
    onConnectionClosed?(number)
    let continuations = state.withLock { state in
      state.connections[id] = nil
      defer { if state.connections.isEmpty { state.whenEmpty = [] } }
      return state.connections.isEmpty ? state.whenEmpty : []
    }
    for continuation in continuations { continuation.resume() }
  }

  /// Ends the calls in progress for which `isMeant` returns true, with a status; their handlers are cancelled. Connections and
  /// other calls are not affected. A call that begins concurrently is either included, or its interceptors run after this method
  /// was called.
  public func endCalls(_ status: GRPCStatus, where isMeant: @escaping @Sendable (ServerContext) -> Bool) {
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.eventLoop.execute {
        connection.value.forEachStream { stream in
          guard let call = stream as? ServerCall, let context = call.context, isMeant(context) else { return }
          call.cancel(status)
        }
      }
    }
  }

  /// Shuts down: accepts no more connections and sends GOAWAY on existing ones. Calls in progress may finish within `grace`; then
  /// the remaining ones end with UNAVAILABLE, their handlers are cancelled, and the connections are closed.
  public func shutdown(grace: Duration) async {
    let (listeners, connections) = state.withLock { state in
      state.isShuttingDown = true
      defer { state.listeners = [] }
      return (state.listeners, Array(state.connections.values))
    }
    for listener in listeners { await listener.close() }
    for connection in connections { connection.eventLoop.execute { connection.value.shutdown() } }
    await withTaskGroup { group in
      group.addTask { if (try? await Task.sleep(for: grace)) != nil { self.cancelEverything() } }
      await untilEmpty()
      group.cancelAll()
    }
  }

  private func untilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if !state.connections.isEmpty { state.whenEmpty.append(continuation) }
        return state.connections.isEmpty
      }
      if isEmpty { continuation.resume() }
    }
  }

  private func cancelEverything() {
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.eventLoop.execute {
        connection.value.endStreams {
          ($0 as? ServerCall)?.cancel(.shuttingDown)
        }
      }
    }
  }
}
