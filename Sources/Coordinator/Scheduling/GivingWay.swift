import CPlatform
import ControlPlane
import Engines
import LogStore
import Logging
import Objects
import Scheduling
import StateStore
import Support
import Synchronization

extension Coordinator {
  /// Drains a session for the sake of another one: its step ends or is cancelled, its engines end, its files stay. The session
  /// waits at its old position and continues when there is room again.
  func giveWay(_ session: Session, _ preemption: SessionControl.Preemption) async {
    let reason = preemption.reason
    logger.notice(
      "a session is preempted",
      metadata: ["session": "\(session.id)", "to": "\(preemption.beneficiary)", "reason": "\(reason)"])
    journal.event(session.object, "GivesWay", reason, level: .warning)
    session.log.info("This session is preempted: \(reason). It continues when resources are available again.")
    guard await displace(session), session.isOpen else { return }
    await noteDisplaced(session, reason)
    platform_failpoint("session-displaced")
    session.perform(session.handle(.instance(analyticalInstance, .gaveWay)))
  }

  /// Displaces a session, whose steps are cancelled when the time to drain has passed.
  private func displace(_ session: Session) async -> Bool {
    await withTaskGroup { group in
      group.addTask { [clock, drain = limits.drain] in
        if (try? await clock.sleep(for: drain)) != nil { session.cutSteps() }
      }
      defer { group.cancelAll() }
      return await session.displace()
    }
  }

  private func noteDisplaced(_ session: Session, _ reason: String) async {
    await note("preempt a session", of: session) { document in
      document.status.allocation = nil
      document.noteWaiting(.gaveWay, reason)
      return true
    }
  }

  // MARK: Reporting waits

  /// Reports to a session's client and to operators how long it has to wait.
  func tell(_ session: Session, _ report: WaitingReport) async {
    session.log.info("This session is waiting for resources: \(report.text)")
    await note("record how long a session may wait", of: session) { document in
      guard let reason = document.waiting else { return false }
      document.noteWaiting(reason, report.text)
      return true
    }
  }

  /// Reports to a session's client at once that it waits.
  func tellWaiting(_ session: Session) {
    guard let report = desk.tell(session.object) else { return }
    session.log.info("This session is waiting for resources: \(report.text)")
    journal.event(session.object, "Queued", report.text)
  }

  /// Changes the document of a session in the state store, unless it was changed since `change` saw it: the other change takes
  /// precedence.
  /// - Parameter change: Changes the document; returns whether to write it.
  func note(_ summary: String, of session: Session, _ change: (inout SessionDocument) -> Bool) async {
    var (document, revision) = session.stored
    guard change(&document) else { return }
    let condition = StateCondition.unchanged(ObjectKind.session.key(session.id), since: revision)
    if let revision = try? await journal.commit(
      summary, by: "coordinator", on: session.object, conditions: [condition], [Journal.put(document)])
    {
      session.wrote(document, revision: revision)
    }
  }
}

extension Session {
  /// Cancels what runs, to begin again later.
  func cutSteps() {
    preemptions.add(1, ordering: .relaxed)
    cancelSteps()
  }

  /// Waits until no step runs and ends the engines, keeping their files.
  /// - Returns: False if the session has no engines to end.
  func displace() async -> Bool {
    while isOpen, !tasks.isOver, phase(of: analyticalInstance)?.holdsResources == true {
      // Engines that died are restarted first, even if they die while this waits for its turn.
      await tasks.engines?.value
      let isDisplaced = try? await turnstile.pass {
        // Count in any case: a step that arrives too late to be cancelled finds the gate shut.
        guard let engines = gate.shut() else { return false }
        await engines.queries.closeAll()
        await engines.learning.closeAll()
        await engines.analytical.suspend()
        return true
      }
      if isDisplaced == true { return true }
    }
    return false
  }
}

extension SessionDocument {
  /// Records that the session waits for resources, and why.
  mutating func noteWaiting(_ reason: ObjectCondition.Reason, _ message: String) {
    setCondition(.ready, false, reason: reason, message: message, nowMilliseconds: nowMilliseconds())
  }

  /// Why the open session has no engines, if other sessions have the resources it needs; nil if it does not wait.
  var waiting: ObjectCondition.Reason? {
    guard let ready = condition(.ready), ready.status == .false, case .known(let reason) = ready.reason else {
      return nil
    }
    return reason.isWaiting ? reason : nil
  }
}
