import Access
import AdminEndpoint
import CPlatform
import ClientEndpoint
import Coordinator
import Engines
import Foundation
import GRPC
import HTTP2
import HTTPServing
import LogStore
import Logging
import Scheduling
import ServerConfiguration
import ServiceLifecycle
import StateStore
import Supervision
import Synchronization
import Transport
import TransportSecurity
import Wire
import Workers

/// The server: creates all components and connects them. Everything that runs is a service of the group in `run`, or a child task
/// of one.
final class Server: Sendable {
  /// What a server that has started reports.
  struct Start: Sendable {
    /// The addresses for clients.
    let addresses: [TransportAddress]
    /// The addresses for operators.
    let adminAddresses: [HTTPAddress]
    /// The result of the recovery of an earlier process's state.
    let recovery: Coordinator.RecoverySummary
  }

  private let configuration: Configuration
  private let access: AccessSetup
  private let gate: StandbyGate
  private let coordinator: Coordinator
  private let server: GRPCServer
  private let health: HealthService
  private let admin: AdminServer
  private let workspace: Workspace
  private let store: any StateStore
  private let logs: LogStore
  /// The work in addition to the endpoints: leases, and changes of token and TLS files.
  private let background: [Background]
  /// A remark if fewer clients can be accepted than are configured.
  let connectionRemark: String?
  /// TLS on the TCP endpoints, if it is configured.
  let tls: ServerTLS?
  private let leadership: Leading?
  private let keepsSessions = Atomic(true)
  private let logger: Logger

  /// Opens the state, and creates all components; nothing runs before `run`.
  /// - Parameter onDeposed: called when this process was the leader and no longer is; it must end the process.
  /// - Throws: `ConfigurationError`, or the error of the component that cannot be opened.
  init(
    _ configuration: Configuration, workspace: Workspace, logs: LogStore, logger: Logger,
    onDeposed: @escaping @Sendable () -> Void
  ) async throws {
    (self.configuration, self.workspace, self.logs, self.logger) = (configuration, workspace, logs, logger)
    let settings = configuration.settings
    connectionRemark = Descriptors.current.remark(connections: try settings.integer(.connections))
    let access = try AccessSetup(settings, logs: logs)
    self.access = access
    try RunAs.prepare(access.control, workspace, engine: configuration.engine, logger)
    let opened = try await configuration.state.open(settings, workspace: workspace.path)
    let pool = WorkerPool(threads: configuration.threads)
    let election = try configuration.state == .etcd ? LeaderElection(opened, configuration.candidacy) : nil
    store = election.map { FencedStateStore(opened, of: $0) } ?? opened
    tls = try configuration.tls.map { try ServerTLS($0, logger: logger) }
    var limits = configuration.limits
    limits.controlGroups = try Self.controlGroups(settings)
    let coordinator = Coordinator(
      version: clientVersion, workspace: workspace, store: store, logs: logs,
      factory: try configuration.engine.factory(settings, pool: pool, workspace: workspace.path, logger: logger),
      plan: try configuration.readPlan(), limits: limits,
      display: settings.isClients ? ProgressBars.onStandardOutput : nil,
      places: PlacePolicy(own: OwnFiles(settings, workspace: workspace.path), access: access.control), logger: logger)
    self.coordinator = coordinator
    health = HealthService(services: [CoordinatorService.name])
    let gate = StandbyGate(isStandby: election != nil, health: health)
    self.gate = gate
    let service = CoordinatorService(coordinator: coordinator, access: access.control) { work in
      try await pool.run { _ in try work() }
    }
    let accessGate = access.control.map { AccessGate($0) }
    let reflection = ReflectionService(
      descriptors: try FileDescriptors(fileDescriptorSet: ProtocolDescriptors.fileDescriptorSet),
      services: [CoordinatorService.name, HealthService.name])
    // Identify callers first: strangers must not learn anything, including which coordinator leads.
    let interceptors: [any ServerInterceptor] = (accessGate.map { [$0] } ?? []) + [gate]
    server = GRPCServer(
      services: [service.methods(), health.methods()] + reflection.methods(),
      limits: try EndpointLimits.resolve(settings), interceptors: interceptors, logger: logger,
      onConnectionClosed: { number in
        service.connectionClosed(number)
        accessGate?.connectionClosed(number)
      })
    let plane = CoordinatorPlane(
      coordinator, release: Release(server: serverVersion, client: clientVersion),
      readPlan: configuration.hasClusterFile ? configuration.readPlan : nil,
      reloadAccess: { [control = access.control] in try AccessSetup.reload(settings, control, isDryRun: $0) },
      endpointMetrics: { [server] in EndpointMetrics.text(server) })
    // The socket is in the workspace, which belongs to the leader.
    let socket = HTTPAddress.socket(ofWorkspace: workspace.path)
    let ports = try Self.adminPorts(configuration, access)
    let exposure = HTTPExposure(takesAnyHost: access.control != nil, isSocketShared: access.isSocketShared)
    var adminLimits = HTTPLimits()
    adminLimits.connections = min(adminLimits.connections, Descriptors.current.operatorConnections)
    let admin = AdminServer(
      plane, on: election == nil ? [socket] + ports : ports, limits: adminLimits, tls: tls?.securing(.http1),
      access: access.control, exposure: exposure, logger: logger,
      hold: { gate.isStarting ? RequestError(.unavailable, StandbyGate.startingText) : nil })
    self.admin = admin
    let leadersAdmin = AdminServer(
      plane, on: [socket], limits: adminLimits, access: access.control, exposure: exposure, logger: logger)
    leadership = election.map {
      Leading(
        $0, coordinator: coordinator, workspace: workspace, gate: gate, admin: leadersAdmin, logger: logger,
        onDeposed: onDeposed)
    }
    let tokens = access.watch(logger) { [server] ended in
      let isMeant: @Sendable (Authentication) -> Bool = { caller in
        if case .token(let id) = caller.method { ended.contains(id) } else { false }
      }
      server.endCalls(AccessRefusal.wrongToken.status) { ($0.credential as? Authentication).map(isMeant) ?? false }
      for admin in [admin, leadersAdmin] { admin.endStreams(.wrongToken, where: isMeant) }
    }
    let leases = Background { await coordinator.watch() }
    let files = tls.map { tls in Background { await tls.watch() } }
    background = [leases] + [tokens, files].compactMap(\.self)
  }

  /// Listens, and only then recovers the state of an earlier process, so that a failed start changes nothing. Until then calls
  /// are answered with a request to try again. If coordinators elect a leader, the server listens as a standby.
  ///
  /// Serves until `end` returns whether the next process gets the sessions, and does `tasks` meanwhile. Then lets running steps
  /// finish for a limited time, and closes all sessions or keeps them. Sessions end before connections, because log streams end
  /// with their sessions.
  /// - Parameter announce: called when clients may connect.
  /// - Throws: The error of a component that cannot be started, after all others have ended.
  func run(
    _ tasks: [Background], announce: @escaping @Sendable (Start) -> Void,
    until end: @escaping @Sendable () async -> Bool
  ) async throws {
    let (addresses, adminAddresses) = try await listen()
    let ending = Background { [self] in keepsSessions.store(await end(), ordering: .relaxed) }
    let sessions = Member { [self] in
      try await serveSessions { announce(Start(addresses: addresses, adminAddresses: adminAddresses, recovery: $0)) }
    }
    let election: [any Service] = leadership.map { [$0] } ?? []
    let last: [any Service] = [Member.closing { [self] in await close() }]
    let services = last + endpoints + election + [sessions] + background + tasks
    try await ServiceGroup(services, until: ending, logger).run()
  }

  /// The endpoints, whose addresses are bound.
  private var endpoints: [any Service] {
    let operators = Member { [admin] in
      await withGracefulShutdownHandler {
        await admin.run()
      } onGracefulShutdown: {
        admin.stop()
      }
    }
    let clients = Member.closing { [server, health] in
      health.close()
      await server.shutdown(grace: .seconds(1))
    }
    return [operators, clients]
  }

  /// Recovers sessions if this process needs not be elected first, and performs the work of sessions until they are ended.
  private func serveSessions(_ recovered: (Coordinator.RecoverySummary) -> Void) async throws {
    let (recovering, source) = AsyncStream.makeStream(of: Void.self)
    async let running: Void = coordinator.run { [self] in
      // A recovery is not interrupted.
      for await _ in recovering {}
      try? await gracefulShutdown()
      health.set(isServing: false)
      return keepsSessions.load(ordering: .relaxed) && !workspace.isTemporary
    }
    let summary = leadership == nil ? try await coordinator.recover(known: gate.open) : .init()
    source.finish()
    recovered(summary)
    await cancelWhenGracefulShutdown {
      if (try? await Task.sleep(for: .milliseconds(200))) != nil { platform_drop_code_pages() }
    }
    await running
  }

  /// Calls `body` when there has been no session for this long.
  func waitUntilIdle(for time: Duration, then body: () -> Void) async {
    let clock = ContinuousClock()
    var lastSession = clock.now
    while (try? await clock.sleep(for: min(.seconds(1), time))) != nil {
      if coordinator.sessionCount > 0 { lastSession = clock.now }
      guard lastSession.advanced(by: time) <= clock.now else { continue }
      logger.notice("no session for \(time): exiting")
      return body()
    }
  }

  /// Closes what is open.
  private func close() async {
    await store.close()
    logs.close()
    do { try workspace.close() } catch { logger.error("cannot remove the workspace", metadata: ["error": "\(error)"]) }
  }

  // MARK: Settings

  private static func controlGroups(_ settings: Settings) throws -> ControlGroups? {
    switch settings.optionalText(.controlGroup) {
    case nil: nil
    case "delegated": try .delegated()
    case let directory?: try ControlGroups(directory: directory)
    }
  }

  private static func adminPorts(_ configuration: Configuration, _ access: AccessSetup) throws -> [HTTPAddress] {
    guard let port = configuration.adminPort else { return [] }
    try access.requireMayListen(on: configuration.host, "\(configuration.settings.origin(.host))")
    return [.tcp(host: configuration.host, port: port)]
  }

  /// Listens on all addresses, or fails without listening on any.
  private func listen() async throws -> ([TransportAddress], [HTTPAddress]) {
    do {
      return (try await listenForClients(), try await admin.listen())
    } catch {
      await server.shutdown(grace: .zero)
      await store.close()
      throw error
    }
  }

  private func listenForClients() async throws -> [TransportAddress] {
    let host = configuration.host
    try access.requireMayListen(on: host, "\(configuration.settings.origin(.host))")
    let main = TransportAddress.tcp(host: host, port: configuration.port)
    var addresses = [try await server.listen(on: main, tls: tls?.securing(.http2))]
    if let path = configuration.socket { addresses.append(try await listen(on: path, named: "socket")) }
    for listener in access.listeners {
      switch listener.address {
      case .unix(let path): addresses.append(try await listen(on: path, named: listener.name))
      case .tcp(let host, _):
        try access.requireMayListen(on: host, "the listener '\(listener.name)'")
        addresses.append(
          try await server.listen(on: listener.address, named: listener.name, tls: tls?.securing(.http2)))
      }
    }
    return addresses
  }

  private func listen(on path: String, named name: String) async throws -> TransportAddress {
    let address = try await server.listen(on: .unix(path: path), named: name)
    // Access control now identifies callers; before, only the process's own user could connect.
    if access.isSocketShared { chmod(path, 0o666) }
    return address
  }
}
