import ArgumentParser
import CPlatform
import ClientEndpoint
import Coordinator
import Engines
import Foundation
import GRPC
import GraphScopeEngines
import GraphStore
import Logging
import Transport

/// `gscoordinator serve`: runs until it is told to stop.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Serves clients until SIGINT or SIGTERM (the default).")

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let termination = TerminationSignal()
    let (settings, remarks) = try options.resolve()
    let logger = try makeLogger(settings)
    for remark in remarks { logger.debug("\(remark)") }
    let server = try await Server(settings, logger: logger)
    let addresses = server.addresses.map(\.description).joined(separator: " and ")
    LogWriter.shared.write("gscoordinator listening on \(addresses)\n", to: STDOUT_FILENO)
    let idle = Task { await server.waitUntilIdle { termination.raise(SIGTERM) } }
    let signal = await termination.wait()
    idle.cancel()
    logger.notice("stopping", metadata: ["signal": "\(signal)"])
    await server.stop()
    LogWriter.shared.flush()
  }

  private func makeLogger(_ settings: Settings) throws -> Logger {
    guard let level = Logger.Level(rawValue: settings.text(.logLevel)) else {
      throw ConfigurationError(
        "log_level is '\(settings.text(.logLevel))' (\(settings.origin(.logLevel))), but must be one of "
          + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
    }
    LoggingSystem.bootstrap { ConsoleLog(logLevel: level, label: $0) }
    return Logger(label: "gscoordinator")
  }
}

/// The rooms of the house, wired together.
private struct Server {
  let addresses: [TransportAddress]
  private let coordinator: Coordinator
  private let server: GRPCServer
  private let workspace: Workspace
  private let logs: LogStore
  private let leases: Task<Void, Never>
  private let idleExit: Duration
  private let logger: Logger

  init(_ settings: Settings, logger: Logger) async throws {
    self.logger = logger
    let grace = Duration.seconds(try settings.integer(.shutdownGrace, in: 0...3600))
    idleExit = .seconds(try settings.integer(.idleExit, in: 0...31_536_000))
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let threads = settings.optionalText(.threads) == nil ? cores : try settings.integer(.threads, in: 1...1024)
    let pool = WorkerPool(threads: threads)
    workspace = try Self.openWorkspace(settings)
    logs = try Self.openLogs(workspace)
    let coordinator = Coordinator(
      version: clientVersion, workspace: workspace, factory: try Self.makeFactory(settings, pool: pool), logs: logs,
      limits: .init(sessions: try settings.integer(.sessions, in: 1...10_000_000), shutdownGrace: grace),
      logger: logger)
    self.coordinator = coordinator
    let service = CoordinatorService(coordinator: coordinator) { work in try await pool.run { _ in try work() } }
    server = GRPCServer(
      services: [service.methods()], limits: try Self.limits(settings), logger: logger,
      onConnectionClosed: { service.connectionClosed($0) })
    do {
      addresses = try await Self.listen(server, settings)
    } catch {
      try? workspace.close()
      throw error
    }
    leases = Task { await coordinator.watchLeases() }
  }

  /// Calls `body` when there has been no session for the configured time; never if that is zero.
  func waitUntilIdle(then body: () -> Void) async {
    guard idleExit > .zero else { return }
    let clock = ContinuousClock()
    var lastSession = clock.now
    while (try? await clock.sleep(for: min(.seconds(1), idleExit))) != nil {
      if coordinator.sessionCount > 0 { lastSession = clock.now }
      guard lastSession.advanced(by: idleExit) <= clock.now else { continue }
      logger.notice("no session for \(idleExit), and no client to come: ending")
      return body()
    }
  }

  /// Lets running steps finish for a while, then closes everything. Log streams end with their sessions, so sessions go
  /// first and connections after them.
  func stop() async {
    leases.cancel()
    await coordinator.shutdown()
    await server.shutdown(grace: .seconds(1))
    logs.close()
    do { try workspace.close() } catch { logger.error("cannot remove the workspace", metadata: ["error": "\(error)"]) }
  }

  private static func openWorkspace(_ settings: Settings) throws -> Workspace {
    if let path = settings.optionalText(.workspace) { return try Workspace(path: path) }
    let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    return try Workspace(temporaryBelow: "\(temporary)/gscoordinator-\(getuid())")
  }

  /// Opens the log store and keeps in it, from now on, what the coordinator says. Its troubles go to the console alone.
  private static func openLogs(_ workspace: Workspace) throws -> LogStore {
    let logs = try LogStore(
      directory: workspace.path + "/logs", instance: "coordinator",
      report: { text in LogWriter.shared.write(text + "\n", to: STDERR_FILENO) })
    ConsoleLog.store.withLock { $0 = logs }
    return logs
  }

  private static func makeFactory(_ settings: Settings, pool: WorkerPool) throws -> any EngineFactory {
    switch settings.text(.engine) {
    case "embedded": return EmbeddedFactory(pool: pool)
    case "graphscope": return GraphScopeEngineFactory()
    case let other:
      throw ConfigurationError(
        "engine is '\(other)' (\(settings.origin(.engine))), but must be embedded or graphscope")
    }
  }

  private static func listen(_ server: GRPCServer, _ settings: Settings) async throws -> [TransportAddress] {
    let host = settings.text(.host)
    guard host == "localhost" || host == "::1" || host.hasPrefix("127.") else {
      throw ConfigurationError(
        "host is '\(host)' (\(settings.origin(.host))), but without authentication only loopback addresses are "
          + "listened on. Use 127.0.0.1, ::1 or a Unix socket, and a tunnel for other machines")
    }
    let port = try settings.integer(.port, in: 0...65535)
    var addresses = [try await server.listen(on: .tcp(host: host, port: port))]
    if let path = settings.optionalText(.socket) { addresses.append(try await server.listen(on: .unix(path: path))) }
    return addresses
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
