import ControlPlane
import Engines
import LogStore
import Logging
import StateStore
import Support
import Synchronization

extension Coordinator {
  /// The longest pause between two attempts to recover a session.
  private static let longestPause = Duration.seconds(60)

  /// Keeps a session that cannot be recovered, together with its files: its steps fail with the reason, its lease is suspended,
  /// and recovery is retried until the session is recovered or closed.
  func hold(_ session: Session, _ comingBack: ComingBack, _ error: any Error) async {
    await note(error, of: session)
    let attempts = Task { [weak self] in
      var pause = Duration.seconds(1)
      while let self, session.isOpen, (try? await clock.sleep(for: pause)) != nil {
        if await tryAgain(session, comingBack) { return }
        pause = min(pause * 2, Self.longestPause)
      }
    }
    session.tasks.start(attempts)
  }

  /// Tries once to recover a held session.
  /// - Returns: Whether it was recovered.
  func tryAgain(_ session: Session, _ comingBack: ComingBack) async -> Bool {
    do {
      try askAgain(session)
      _ = try await comeBack(session, comingBack)
      session.perform(session.tell(.cameBack))
      session.gate.release()
      logger.notice("a session was recovered by a later attempt", metadata: ["session": "\(session.id)"])
      return true
    } catch {
      guard session.isOpen, !session.tasks.isOver else { return false }
      await note(error, of: session)
      return false
    }
  }

  /// Requests the resources of a session again, which it released when recovery failed.
  private func askAgain(_ session: Session) throws {
    let document = session.storedDocument
    let request = document.spec.request ?? demand(of: session.tenant, for: session.object)
    session.perform(session.handle(.forget(analyticalInstance)))
    try book(session, request)
    let effects = session.handle(.request(analyticalInstance, kind: .analytical, graph: nil, request))
    // It is closing or closed.
    guard case .resources? = effects.first else {
      desk.unbook(session.object)
      throw CoordinatorError(.sessionClosing, "session '\(session.id)' is being closed. Open a new session")
    }
    session.perform(effects)
  }

  private func note(_ error: any Error, of session: Session) async {
    let reason = "\(error)"
    session.perform(session.tell(.recoveryFailed))
    session.gate.hold(
      EngineError(
        .engineFailure, "this session could not be recovered after a restart of the coordinator", evidence: reason,
        hint: "Its files are kept, and recovery is tried again: repeat the statement later, or ask an operator"))
    guard session.storedDocument.condition(.ready)?.message != reason else { return }
    logger.error(
      "a session cannot be recovered; it is kept, and recovery is tried again",
      metadata: ["session": "\(session.id)", "error": "\(reason)"])
    journal.event(
      session.object, ObjectCondition.Reason.recoveryFailed.rawValue,
      "the session is kept, and recovery is tried again: \(reason)",
      level: .error)
    session.log.error("This session could not be recovered: \(reason). Recovery is tried again.")
    await note("record that a session cannot be recovered", of: session) { document in
      document.setCondition(
        .ready, false, reason: .recoveryFailed, message: reason, nowMilliseconds: nowMilliseconds())
      return true
    }
  }
}

extension Session {
  /// Whether recovery is pending, after a failure that may be temporary.
  var isHeld: Bool { control.withLock { $0.isHeld } }
}
