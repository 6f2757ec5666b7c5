import Cluster
import Coordinator
import Logging

/// Takes part in the election of a leader. As a standby it refuses clients; once it leads it takes over the state and
/// serves; when it led and does no more, the process must end: nobody may act on what is another one's now.
final class Leading: Sendable {
  private let election: Task<Void, Never>
  private let roles: Task<Void, Never>

  init(
    _ election: LeaderElection, coordinator: Coordinator, workspace: Workspace, gate: StandbyGate, logger: Logger,
    onDeposed: @escaping @Sendable () -> Void
  ) {
    self.election = Task { await election.run() }
    roles = Task {
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
            try await Self.takeOver(coordinator, workspace, logger)
            gate.open()
          } catch {
            logger.critical("cannot take over", metadata: ["error": "\(error)"])
            return onDeposed()
          }
        }
      }
    }
  }

  private static func takeOver(_ coordinator: Coordinator, _ workspace: Workspace, _ logger: Logger) async throws {
    // The leader before us may still be ending.
    try await workspace.waitForLock(logger)
    logger.tell(try await coordinator.recover())
  }

  /// Lets another one lead at once.
  func resign() async {
    roles.cancel()
    election.cancel()
    await election.value
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
