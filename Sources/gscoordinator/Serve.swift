import ArgumentParser
import CPlatform
import Cluster
import Coordinator
import Foundation
import Logging

/// `gscoordinator serve`: runs until it is told to stop.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Serves clients until SIGINT or SIGTERM (the default).")

  /// The exit code of a coordinator that led and does no more; whoever watches over it should start it again.
  private static let deposedExitCode: Int32 = 75

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let termination = TerminationSignal()
    let (settings, remarks) = try options.resolve()
    let level = try logLevel(settings)
    // Before anything is made for a port that cannot be.
    _ = try settings.integer(.port, in: 0...65535)
    let workspace = try openWorkspace(settings)
    let logs = try openLogs(settings, workspace)
    LoggingSystem.bootstrap { label in
      MultiplexLogHandler([ConsoleLog(logLevel: level, label: label), StoredLog(logs, logLevel: level)])
    }
    let logger = Logger(label: "gscoordinator")
    LogWriter.shared.expectFirstLine(on: STDOUT_FILENO)
    defer { LogWriter.shared.flush() }
    for remark in remarks { logger.debug("\(remark)") }
    let server = try await Server(settings, workspace: workspace, logs: logs, logger: logger)
    // The first line tells the address: whoever started us reads it.
    announce(server, logger)
    server.beginElection {
      logs.close()
      LogWriter.shared.flush()
      Foundation.exit(Self.deposedExitCode)
    }
    let settling = Task {
      try await Task.sleep(for: .milliseconds(200))
      platform_drop_code_pages()
    }
    let idleTime = Duration.seconds(try settings.integer(.idleExit, in: 0...31_536_000))
    let idle = Task { await server.waitUntilIdle(for: idleTime) { termination.raise(SIGTERM) } }
    let signal = await termination.wait()
    idle.cancel()
    settling.cancel()
    logger.notice("stopping", metadata: ["signal": "\(signal)"])
    // Ctrl-C, also the client's way to end a coordinator of its own, ends everything; a service manager's SIGTERM may be
    // followed by a start.
    await server.stop(keepingSessions: signal == SIGTERM)
  }

  private func announce(_ server: Server, _ logger: Logger) {
    let addresses = server.addresses.map(\.description).joined(separator: " and ")
    LogWriter.shared.writeFirst("gscoordinator listening on \(addresses)\n")
    server.tls?.announce()
    logger.tell(server.recovery)
    logger.info(
      "operators are served", metadata: ["at": "\(server.adminAddresses.map(\.description).joined(separator: ", "))"])
  }

  private func logLevel(_ settings: Settings) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: settings.text(.logLevel)) else {
      throw ConfigurationError(
        "log_level is '\(settings.text(.logLevel))' (\(settings.origin(.logLevel))), but must be one of "
          + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return level
  }

  private func openWorkspace(_ settings: Settings) throws -> Workspace {
    switch WorkspaceChoice(settings) {
    case .temporary(let root): return try Workspace(temporaryBelow: root)
    case .kept(let path):
      // With etcd several coordinators may share a workspace; its leader holds it.
      let isShared = settings.text(.state) == StateBackend.etcd.rawValue
      return try Workspace(path: path, isLocked: !isShared)
    }
  }

  private func openLogs(_ settings: Settings, _ workspace: Workspace) throws -> LogStore {
    var limits = LogStore.Limits()
    limits.totalBytes = try settings.integer(.logBytes, in: 1 << 20...1 << 50)
    // Coordinators that share a workspace have logs of their own.
    let isShared = settings.text(.state) == StateBackend.etcd.rawValue
    let name = isShared ? ProcessInfo.processInfo.hostName + "-" + settings.text(.port) : "coordinator"
    return try LogStore(
      directory: workspace.path + "/logs", instance: name, limits: limits,
      report: { LogWriter.shared.write("gscoordinator: \($0)\n", to: STDERR_FILENO) })
  }
}
