import Coordinator
import Foundation
import LogStore
import Logging
import Scheduling
import StateStore
import TransportSecurity

/// The configuration of a server as typed values. All are checked before the server opens anything.
public struct Configuration: Sendable {
  /// The settings that the values come from; their texts and origins are for messages.
  public let settings: Settings
  /// The least level of log lines.
  public let logLevel: Logger.Level
  /// The directory that the server uses.
  public let workspace: WorkspaceChoice
  /// The kind of store for the state.
  public let state: StateBackend
  /// The engines of sessions.
  public let engine: EngineChoice
  /// The number of threads that load graphs and run algorithms.
  public let threads: Int
  /// The address on which the gRPC endpoint and `adminPort` listen.
  public let host: String
  /// The port of the gRPC endpoint; 0 for any free port.
  public let port: Int
  /// The path of an additional Unix socket for clients; nil for none.
  public let socket: String?
  /// The TCP port of the admin endpoint; 0 for any free port, nil for none.
  public let adminPort: Int?
  /// TLS for the TCP ports; nil for none.
  public let tls: ServerTLSConfiguration?
  /// How long the process runs without any session before it exits; nil for no limit.
  public let idleTime: Duration?
  /// Reads the configuration of hosts and tenants; each call reads it again.
  public let readPlan: @Sendable () throws -> ClusterPlan
  /// Whether hosts and tenants are configured in a file, which may change.
  public let hasClusterFile: Bool
  /// The limits of the coordinator, except those of its control groups.
  public let limits: Coordinator.Limits
  /// The limits of the logs.
  public let logLimits: LogStore.Limits
  /// The configuration of the leader election, used if the state store supports one.
  public let candidacy: LeaderElection.Configuration

  /// Parses all settings.
  /// - Throws: `ConfigurationError` that names the first invalid value and its origin.
  public init(_ settings: Settings) throws {
    try settings.check()
    self.settings = settings
    logLevel = try settings.choice(.logLevel)
    workspace = WorkspaceChoice(settings)
    state = try StateBackend(settings, isTemporary: workspace.path == nil)
    engine = try EngineChoice(settings)
    threads = try settings.threadCount()
    host = settings.text(.host)
    port = try settings.integer(.port)
    socket = settings.optionalText(.socket)
    adminPort = try settings.optionalInteger(.adminPort)
    tls = try ServerTLSConfiguration(settings)
    idleTime = try settings.integer(.idleExit) > 0 ? settings.duration(.idleExit) : nil
    readPlan = try settings.planReader()
    hasClusterFile = settings.optionalText(.clusterFile) != nil
    limits = try Self.limits(settings)
    var logLimits = LogStore.Limits()
    logLimits.totalBytes = try settings.integer(.logBytes)
    logLimits.files = try settings.integer(.logFiles)
    logLimits.auditBytes = try settings.integer(.auditBytes)
    self.logLimits = logLimits
    var candidacy = LeaderElection.Configuration(address: settings.optionalText(.advertise) ?? "\(host):\(port)")
    candidacy.timeToLive = try settings.duration(.leaderLease)
    self.candidacy = candidacy
  }

  private static func limits(_ settings: Settings) throws -> Coordinator.Limits {
    var limits = Coordinator.Limits(
      sessions: try settings.integer(.sessions), shutdownGrace: try settings.duration(.shutdownGrace))
    limits.drain = try settings.duration(.drain)
    if let principal = try settings.optionalInteger(.principalSessions) { limits.sessionsPerPrincipal = principal }
    limits.waitingSteps = try settings.integer(.waitingSteps)
    limits.engineRestart = try settings.choice(.engineRestart)
    // A quarter, so that one tenant cannot fill the state of all.
    limits.tenantStateBytes = try settings.integer(.stateBytes) / 4
    limits.clientVersions = try ClientVersions(settings).served
    limits.lostAndFoundAge = try settings.duration(.lostAndFoundDays)
    limits.lostAndFoundEntries = try settings.integer(.lostAndFoundEntries)
    return limits
  }
}
