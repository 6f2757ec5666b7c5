import AdminEndpoint
import Coordinator
import Logging
import ServiceLifecycle
import StateStore

/// Takes part in the election of a leader. A standby rejects the calls of clients; a leader takes over the state and accepts
/// them. A leader that loses the election must end its process, so that it does not act on state that now belongs to another
/// leader.
struct Leading: Service {
  private let election: LeaderElection
  private let coordinator: Coordinator
  private let workspace: Workspace
  private let gate: StandbyGate
  private let admin: AdminServer
  private let logger: Logger
  private let onDeposed: @Sendable () -> Void

  /// - Parameters:
  ///   - gate: rejects calls of clients until this process leads.
  ///   - admin: the endpoint for operators that only the leader opens.
  ///   - onDeposed: called when this process was the leader and no longer is; it must end the process.
  init(
    _ election: LeaderElection, coordinator: Coordinator, workspace: Workspace, gate: StandbyGate, admin: AdminServer,
    logger: Logger, onDeposed: @escaping @Sendable () -> Void
  ) {
    self.election = election
    self.coordinator = coordinator
    self.workspace = workspace
    self.gate = gate
    self.admin = admin
    self.logger = logger
    self.onDeposed = onDeposed
  }

  /// Takes part until the service is shut down, then gives up the leadership, so that another coordinator can lead at once.
  func run() async {
    let (takeovers, source) = AsyncStream.makeStream(of: Void.self)
    async let serving: Void = { for await _ in takeovers { await admin.run() } }()
    await cancelWhenGracefulShutdown {
      async let candidacy: Void = election.run()
      await follow { source.yield() }
      await candidacy
    }
    source.finish()
    admin.stop()
    await serving
  }

  /// How long a deposed leader may keep the workspace before it is ended: if its process is stopped, and otherwise.
  private static let patience = (stopped: Duration.seconds(10), running: Duration.seconds(30))

  /// - Parameter tookOver: called when this process has taken over and its endpoint for operators listens.
  private func follow(_ tookOver: () -> Void) async {
    var hasLed = false
    for await role in election.roles {
      switch role {
      case .standby(let leader):
        gate.shut(leader: leader?.address)
        if hasLed {
          logger.critical("this coordinator is no longer the leader and exits")
          return onDeposed()
        }
        logger.notice("standing by", metadata: ["leader": "\(leader?.address ?? "none")"])
      case .leading:
        guard !hasLed else { continue }
        hasLed = true
        logger.notice("leading")
        do {
          try await takeOver()
          tookOver()
        } catch {
          guard !Task.isCancelled else { return }
          logger.critical("cannot take over", metadata: ["error": "\(error)"])
          return onDeposed()
        }
      case .failed(let error):
        gate.shut(leader: nil)
        logger.critical(
          "the state store is not the one used before, so this coordinator cannot lead", metadata: ["error": "\(error)"]
        )
        return onDeposed()
      }
    }
  }

  private func takeOver() async throws {
    try await lockWorkspace()
    try await election.takeOver()
    logger.tell(try await coordinator.recover(known: gate.open))
    _ = try await admin.listen()
  }

  /// Locks the workspace, and waits while another process has it. The previous leader may still be ending. If it is a process
  /// of this machine it is ended when it takes too long: it was deposed, so it would end at once if it continued. A process of
  /// another machine is waited for as long as this process leads.
  private func lockWorkspace() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    var told = start
    while true {
      do { return try workspace.lock() } catch {
        guard case .leading = election.role else { throw error }
        if told == start || told.advanced(by: .seconds(30)) < clock.now {
          logger.notice("waiting for the workspace", metadata: ["reason": "\(error)"])
          told = clock.now
        }
      }
      endHolder(after: start.duration(to: clock.now))
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private func endHolder(after wait: Duration) {
    guard let holder = workspace.lockHolder, holder.isAlive else { return }
    guard wait >= (holder.isStopped ? Self.patience.stopped : Self.patience.running), holder.end() else { return }
    logger.warning(
      "ended the previous leader, which was deposed but still held the workspace",
      metadata: ["process": "\(holder.process)"])
  }
}

extension Logger {
  /// Logs the result of a recovery, if there was anything to recover.
  func tell(_ summary: Coordinator.RecoverySummary) {
    guard summary != .init() else { return }
    notice(
      "recovered \(summary.sessions) sessions",
      metadata: [
        "interrupted_steps": "\(summary.interruptedSteps)", "lost_objects": "\(summary.lostObjects)",
        "closed_sessions": "\(summary.closedSessions)", "held_sessions": "\(summary.heldSessions)",
        "set_aside": "\(summary.setAside)",
      ])
  }
}
