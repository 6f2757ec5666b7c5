import AdminEndpoint
import CPlatform
import ClientEndpoint
import Cluster
import Coordinator
import Engines
import Foundation
import GRPC
import GraphStore
import Logging
import Transport
import TransportSecurity

/// The rooms of the house, wired together.
final class Server: Sendable {
  /// Where clients are served.
  let addresses: [TransportAddress]
  /// Where operators are served.
  let adminAddresses: [AdminAddress]
  /// What an earlier process had left.
  let recovery: Coordinator.RecoverySummary
  private let coordinator: Coordinator
  private let server: GRPCServer
  private let admin: AdminServer
  private let workspace: Workspace
  private let store: any StateStore
  private let logs: LogStore
  private let leases: Task<Void, Never>
  private let tokens: Task<Void, Never>?
  /// What stands in front of the TCP endpoints, if it is configured.
  let tls: ServerTLS?
  private let tlsWatch: Task<Void, Never>?
  private let leadership: Leading?
  private let logger: Logger

  /// Opens the state, brings back what an earlier process left, and listens; where coordinators elect a leader, listens as
  /// a standby.
  /// - Throws: `ConfigurationError`, or the error of the room that cannot be opened.
  init(
    _ settings: Settings, workspace: Workspace, logs: LogStore, logger: Logger
  ) async throws {
    (self.workspace, self.logs, self.logger) = (workspace, logs, logger)
    let access = try AccessSetup(settings, logs: logs)
    let backend = try StateBackend(settings, isTemporary: workspace.isTemporary)
    let opened = try await backend.open(settings, workspace: workspace.path)
    let pool = WorkerPool(threads: try Self.threads(settings))
    let election = try backend == .etcd ? LeaderElection(opened, try Self.candidacy(settings)) : nil
    store = election.map { FencedStateStore(opened, of: $0) } ?? opened
    let readPlan = try Self.planReader(settings)
    tls = try ServerTLSConfiguration(settings).map { try ServerTLS($0, logger: logger) }
    let coordinator = Coordinator(
      version: clientVersion, workspace: workspace, store: store, logs: logs,
      factory: try EngineChoice(settings).factory(settings, pool: pool, workspace: workspace.path, logger: logger),
      plan: try readPlan(),
      limits: try Self.coordinatorLimits(settings), logger: logger)
    self.coordinator = coordinator
    let gate = StandbyGate(isOpen: election == nil)
    let service = CoordinatorService(coordinator: coordinator, access: access.control) { work in
      try await pool.run { _ in try work() }
    }
    let accessGate = access.control.map { AccessGate($0) }
    // First who calls: strangers learn nothing, also of who leads.
    let interceptors: [any ServerInterceptor] = (accessGate.map { [$0] } ?? []) + [gate]
    server = GRPCServer(
      services: [service.methods()], limits: try Self.limits(settings), interceptors: interceptors, logger: logger,
      onConnectionClosed: { number in
        service.connectionClosed(number)
        accessGate?.connectionClosed(number)
      })
    let plane = CoordinatorPlane(
      coordinator, release: Release(server: serverVersion, client: clientVersion),
      readPlan: settings.optionalText(.clusterFile) == nil ? nil : readPlan,
      reloadAccess: { [control = access.control] in try AccessSetup.reload(settings, control, isDryRun: $0) })
    // The socket is in the workspace, which belongs to whoever leads.
    let socket = adminSocket(of: workspace.path)
    let ports = try Self.adminPorts(settings, access)
    let exposure = AdminExposure(takesAnyHost: access.control != nil, isSocketShared: access.isSocketShared)
    let admin = AdminServer(
      plane, on: election == nil ? [socket] + ports : ports, tls: tls?.securing(.http1), access: access.control,
      exposure: exposure, logger: logger)
    self.admin = admin
    let recovered: Coordinator.RecoverySummary
    do {
      recovered = election == nil ? try await coordinator.recover() : .init()
      addresses = try await Self.listen(server, settings, access, tls)
      adminAddresses = try await admin.start()
    } catch {
      await server.shutdown(grace: .zero)
      await store.close()
      throw error
    }
    recovery = recovered
    let leadersAdmin = AdminServer(plane, on: [socket], access: access.control, exposure: exposure, logger: logger)
    leadership = election.map {
      Leading(
        $0, coordinator: coordinator, workspace: workspace, gate: gate, admin: leadersAdmin, logger: logger)
    }
    leases = Task { await coordinator.watch() }
    tokens = access.watch(logger) { [server] ended in
      let isMeant: @Sendable (Authentication) -> Bool = { caller in
        if case .token(let id) = caller.method { ended.contains(id) } else { false }
      }
      server.endCalls(AccessRefusal.wrongToken.status) { ($0.credential as? Authentication).map(isMeant) ?? false }
      for admin in [admin, leadersAdmin] { admin.endStreams(.wrongToken, where: isMeant) }
    }
    tlsWatch = tls.map { tls in Task { await tls.watch() } }
  }

  /// Takes part in the election of a leader, if there is one.
  /// - Parameter onDeposed: called when this process led and does no more: it must end.
  func beginElection(onDeposed: @escaping @Sendable () -> Void) { leadership?.begin(onDeposed: onDeposed) }

  /// Calls `body` when there has been no session for so long; never if that is zero.
  func waitUntilIdle(for time: Duration, then body: () -> Void) async {
    guard time > .zero else { return }
    let clock = ContinuousClock()
    var lastSession = clock.now
    while (try? await clock.sleep(for: min(.seconds(1), time))) != nil {
      if coordinator.sessionCount > 0 { lastSession = clock.now }
      guard lastSession.advanced(by: time) <= clock.now else { continue }
      logger.notice("no session for \(time), and no client to come: ending")
      return body()
    }
  }

  /// Lets running steps finish for a while, then closes all sessions or keeps them for the next process. Log streams end
  /// with their sessions, so sessions go first and connections after them.
  func stop(keepingSessions: Bool) async {
    leases.cancel()
    tokens?.cancel()
    tlsWatch?.cancel()
    await coordinator.shutdown(keepingSessions: keepingSessions && !workspace.isTemporary)
    await leadership?.resign()
    await server.shutdown(grace: .seconds(1))
    await admin.stop()
    await store.close()
    logs.close()
    do { try workspace.close() } catch { logger.error("cannot remove the workspace", metadata: ["error": "\(error)"]) }
  }

  // MARK: Settings

  private static func threads(_ settings: Settings) throws -> Int {
    settings.optionalText(.threads) == nil
      ? ProcessInfo.processInfo.activeProcessorCount : try settings.integer(.threads, in: 1...1024)
  }

  /// Reads hosts and tenants: those of the cluster file, or this host for everybody alike.
  static func planReader(_ settings: Settings) throws -> @Sendable () throws -> ClusterPlan {
    var base = ClusterPlan.ownHostAlone(
      sessions: try settings.integer(.sessions, in: 1...10_000_000), cpuMillicores: Int64(try threads(settings)) * 1000)
    base.demand.workers = try settings.integer(.workers, in: 1...4096)
    guard let path = settings.optionalText(.clusterFile) else {
      let plan = try HostList.plan(settings.text(.hosts), base)
      return { plan }
    }
    // A client that starts us does not know of our cluster file.
    guard settings.optionalText(.hosts) == nil || settings.origin(.hosts) == .client else {
      throw ConfigurationError(
        "hosts are named by hosts (\(settings.origin(.hosts))) and by cluster_file: leave one out")
    }
    return { [base] in try ClusterFile(base: base).read(path) }
  }

  private static func coordinatorLimits(_ settings: Settings) throws -> Coordinator.Limits {
    var limits = Coordinator.Limits(
      sessions: try settings.integer(.sessions, in: 1...10_000_000),
      shutdownGrace: .seconds(try settings.integer(.shutdownGrace, in: 0...3600)),
      controlGroups: try controlGroups(settings))
    limits.drain = .seconds(try settings.integer(.drain, in: 0...86_400))
    limits.engineRestart = try settings.choice(.engineRestart)
    return limits
  }

  private static func controlGroups(_ settings: Settings) throws -> ControlGroups? {
    switch settings.optionalText(.controlGroup) {
    case nil: nil
    case "delegated": try .delegated()
    case let directory?: try ControlGroups(directory: directory)
    }
  }

  private static func candidacy(_ settings: Settings) throws -> LeaderElection.Configuration {
    let address = settings.optionalText(.advertise) ?? "\(settings.text(.host)):\(settings.text(.port))"
    var configuration = LeaderElection.Configuration(address: address)
    configuration.timeToLive = .seconds(try settings.integer(.leaderLease, in: 3...3600))
    return configuration
  }

  private static func adminPorts(_ settings: Settings, _ access: AccessSetup) throws -> [AdminAddress] {
    guard settings.optionalText(.adminPort) != nil else { return [] }
    try access.requireMayListen(on: settings.text(.host), "\(settings.origin(.host))")
    return [.tcp(host: settings.text(.host), port: try settings.integer(.adminPort, in: 0...65535))]
  }

  private static func listen(
    _ server: GRPCServer, _ settings: Settings, _ access: AccessSetup, _ tls: ServerTLS?
  ) async throws -> [TransportAddress] {
    let host = settings.text(.host)
    try access.requireMayListen(on: host, "\(settings.origin(.host))")
    let port = try settings.integer(.port, in: 0...65535)
    var addresses = [try await server.listen(on: .tcp(host: host, port: port), tls: tls?.securing(.http2))]
    if let path = settings.optionalText(.socket) {
      addresses.append(try await listen(server, path, named: "socket", access))
    }
    for listener in access.listeners {
      switch listener.address {
      case .unix(let path): addresses.append(try await listen(server, path, named: listener.name, access))
      case .tcp(let host, _):
        try access.requireMayListen(on: host, "the listener '\(listener.name)'")
        addresses.append(
          try await server.listen(on: listener.address, named: listener.name, tls: tls?.securing(.http2)))
      }
    }
    return addresses
  }

  private static func listen(
    _ server: GRPCServer, _ path: String, named name: String, _ access: AccessSetup
  ) async throws -> TransportAddress {
    let address = try await server.listen(on: .unix(path: path), named: name)
    // Who connects is asked who he is; until now only our own user could.
    if access.isSocketShared { chmod(path, 0o666) }
    return address
  }

  private static func limits(_ settings: Settings) throws -> ServerLimits {
    var limits = ServerLimits()
    limits.maxMessageBytes = try settings.integer(.messageBytes, in: 1024...2_147_483_647)
    limits.messageBudgetBytes = try settings.integer(.inFlightBytes, in: 1_048_576...1 << 50)
    limits.connection.maxConnections = try settings.integer(.connections, in: 1...1_000_000)
    limits.http2.maxConcurrentStreams = try settings.integer(.streams, in: 1...1_000_000)
    return limits
  }
}
