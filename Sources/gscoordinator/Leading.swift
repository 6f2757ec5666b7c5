import AdminEndpoint
import Cluster
import Coordinator
import Logging
import Synchronization

/// Takes part in the election of a leader. As a standby it refuses clients; once it leads it takes over the state and
/// serves; when it led and does no more, the process must end: nobody may act on what is another one's now.
final class Leading: Sendable {
  private let election: LeaderElection
  private let coordinator: Coordinator
  private let workspace: Workspace
  private let gate: StandbyGate
  private let admin: AdminServer
  private let logger: Logger
  private let tasks = Mutex<(election: Task<Void, Never>, roles: Task<Void, Never>)?>(nil)

  /// - Parameters:
  ///   - gate: refuses clients until we lead.
  ///   - admin: serves operators where only the leader may.
  init(
    _ election: LeaderElection, coordinator: Coordinator, workspace: Workspace, gate: StandbyGate, admin: AdminServer,
    logger: Logger
  ) {
    self.election = election
    self.coordinator = coordinator
    self.workspace = workspace
    self.gate = gate
    self.admin = admin
    self.logger = logger
  }

  /// Takes part from now on.
  /// - Parameter onDeposed: called when this process led and does no more.
  func begin(onDeposed: @escaping @Sendable () -> Void) {
    let election = Task { await self.election.run() }
    let roles = Task { await self.follow(onDeposed: onDeposed) }
    tasks.withLock { $0 = (election, roles) }
  }

  private func follow(onDeposed: @Sendable () -> Void) async {
    var hasLed = false
    for await role in election.roles {
      switch role {
      case .standby(let leader):
        gate.shut(leader: leader?.address)
        if hasLed {
          logger.critical("this coordinator leads no more: another one may; it ends now")
          return onDeposed()
        }
        logger.notice("standing by", metadata: ["leader": "\(leader?.address ?? "none")"])
      case .leading:
        guard !hasLed else { continue }
        hasLed = true
        logger.notice("leading")
        do {
          try await takeOver()
        } catch {
          logger.critical("cannot take over", metadata: ["error": "\(error)"])
          return onDeposed()
        }
      }
    }
  }

  private func takeOver() async throws {
    // The leader before us may still be ending.
    try await workspace.waitForLock(logger)
    logger.tell(try await coordinator.recover())
    gate.open()
    _ = try await admin.start()
  }

  /// Lets another one lead at once.
  func resign() async {
    guard let tasks = tasks.withLock({ $0 }) else { return }
    tasks.roles.cancel()
    tasks.election.cancel()
    await tasks.election.value
    await admin.stop()
  }
}

extension Workspace {
  /// Waits until no other process has the directory, 30 seconds at most.
  fileprivate func waitForLock(_ logger: Logger) async throws {
    for attempt in 0..<150 {
      do { return try lock() } catch {
        if attempt == 0 { logger.notice("waiting for the workspace", metadata: ["reason": "\(error)"]) }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
    try lock()
  }
}

extension Logger {
  /// Says what a recovery found, if anything.
  func tell(_ summary: Coordinator.RecoverySummary) {
    guard summary != .init() else { return }
    notice(
      "recovered \(summary.sessions) sessions",
      metadata: [
        "interrupted_steps": "\(summary.interruptedSteps)", "lost_objects": "\(summary.lostObjects)",
        "closed_sessions": "\(summary.closedSessions)",
      ])
  }
}
