import AdminEndpoint
import ArgumentParser
import Coordinator
import Foundation
import HTTPServing
import LogStore
import Logging
import ServerConfiguration
import Transport
import TransportSecurity

/// `gscoordinator serve`: runs the coordinator until it is stopped.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves clients until SIGINT or SIGTERM. This is the default without a subcommand.",
    discussion: """
      Flags take precedence over environment variables (GSCOORDINATOR_PORT=63801), these over the configuration file, \
      and the file over the defaults. `gscoordinator config` lists all settings, including those without a flag.

      Examples:
        gscoordinator
        gscoordinator serve --port 0 --workspace /var/lib/gscoordinator
        gscoordinator serve --set limits.sessions=100 --set admin_port=8080
      """)

  /// The exit code of a coordinator that lost the leadership; a service manager should start it again.
  private static let deposedExitCode: Int32 = 75

  @OptionGroup(title: "Settings") var options: ConfigurationOptions

  func run() async throws {
    let termination = try TerminationSignal()
    _ = try Descriptors.raise()
    let (settings, remarks) = try options.resolve()
    let configuration = try Configuration(settings)
    let level = configuration.logLevel
    let workspace = try openWorkspace(configuration)
    let logs = try openLogs(configuration, workspace)
    LoggingSystem.bootstrap { label in
      MultiplexLogHandler([ConsoleLog(logLevel: level, label: label), StoredLog(logs, logLevel: level)])
    }
    let logger = Logger(label: "gscoordinator")
    LogWriter.shared.expectFirstLine(on: STDOUT_FILENO)
    defer { LogWriter.shared.flush() }
    for remark in remarks { logger.debug("\(remark)") }
    let server = try await Server(configuration, workspace: workspace, logs: logs, logger: logger) {
      logs.close()
      LogWriter.shared.flush()
      Foundation.exit(Self.deposedExitCode)
    }
    let idle = configuration.idleTime.map { time in
      Background { await server.waitUntilIdle(for: time) { termination.raise(SIGTERM) } }
    }
    try await server.run([idle].compactMap(\.self)) {
      Self.announce($0, server, logger)
    } until: {
      let signal = await termination.wait()
      logger.notice("stopping", metadata: ["signal": "\(signal)"])
      // SIGINT (Ctrl-C, or a client that stops its own coordinator) closes all sessions; SIGTERM (from a service manager) may
      // be followed by a start.
      return signal == SIGTERM
    }
  }

  /// Writes the first line, which contains the addresses: the program that started the coordinator reads it.
  private static func announce(_ start: Server.Start, _ server: Server, _ logger: Logger) {
    let addresses = start.addresses.map(\.description).joined(separator: " and ")
    LogWriter.shared.writeFirst("gscoordinator listening on \(addresses)\n")
    server.tls?.announce()
    if let remark = server.connectionRemark { logger.notice("\(remark)") }
    logger.tell(start.recovery)
    logger.info(
      "serving operators", metadata: ["at": "\(start.adminAddresses.map(\.description).joined(separator: ", "))"])
  }

  private func openWorkspace(_ configuration: Configuration) throws -> Workspace {
    switch configuration.workspace {
    case .temporary(let root): return try Workspace(temporaryBelow: root)
    // With etcd several coordinators may share a workspace; only the leader locks it.
    case .kept(let path): return try Workspace(path: path, isLocked: configuration.state != .etcd)
    }
  }

  private func openLogs(_ configuration: Configuration, _ workspace: Workspace) throws -> LogStore {
    // Coordinators that share a workspace have separate logs.
    let isShared = configuration.state == .etcd
    return try LogStore(
      directory: workspace.path + "/logs",
      instance: isShared ? "\(ProcessInfo.processInfo.hostName)-\(configuration.port)" : "coordinator",
      limits: configuration.logLimits, report: { LogWriter.shared.write("gscoordinator: \($0)\n", to: STDERR_FILENO) })
  }
}
