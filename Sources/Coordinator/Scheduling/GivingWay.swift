import CPlatform
import Cluster
import Engines
import Synchronization

extension Coordinator {
  /// Drains a session for the sake of another one: its step ends or is cut off, its engines go, its files stay; it waits
  /// at its old place and goes on when there is room again.
  func giveWay(_ owner: String, to beneficiary: String, _ reason: String) async {
    let id = String(owner.dropFirst("session/".count))
    let found: Session? = state.withLock { state in
      if state.opening.contains(id) { state.displaced[id] = (beneficiary, reason) }
      return state.sessions[id]
    }
    // One that is not there any more gives everything back by itself.
    guard let session = found else { return }
    logger.notice(
      "a session gives way", metadata: ["session": "\(session.id)", "to": "\(beneficiary)", "reason": "\(reason)"])
    journal.event(session.object, "GivesWay", reason, level: .warning)
    session.log.info("This session has to give way: \(reason). It goes on when there is room again.")
    let cut = Task {
      try await clock.sleep(for: limits.drain)
      session.cutSteps()
    }
    await session.displace()
    cut.cancel()
    guard session.phase == .connected || session.phase == .detached else { return }
    await noteDisplaced(session, reason)
    platform_failpoint("session-displaced")
    let latch = GrantLatch()
    do throws(SchedulingError) {
      if let allocation = try desk.requeue(owner, waiter(for: session.id, latch)) { latch.grant(allocation) }
    } catch {
      logger.error("a session that gave way cannot wait", metadata: ["session": "\(session.id)", "error": "\(error)"])
    }
    latch.open { [weak self] in self?.beginStart(of: session, on: $0) }
  }

  private func noteDisplaced(_ session: Session, _ reason: String) async {
    var document = session.storedDocument
    document.status.allocation = nil
    document.noteWaiting("GaveWay", reason)
    await note(document, of: session, "drain a session")
  }

  // MARK: Telling who waits

  /// Tells a session's user and the operators how long it has to wait.
  func tell(_ session: Session, _ report: WaitingReport) async {
    session.log.info("This session waits for resources: \(report.text)")
    var document = session.storedDocument
    guard document.waitsForResources else { return }
    document.noteWaiting(document.condition("Ready")?.reason ?? "Queued", report.text)
    await note(document, of: session, "note how long a session waits")
  }

  /// Tells a session's user at once that it waits.
  func tellWaiting(_ session: Session) {
    guard let report = desk.tell(session.object) else { return }
    session.log.info("This session waits for resources: \(report.text)")
    journal.event(session.object, "Queued", report.text)
  }

  /// Writes the document of a session, unless somebody changed it meanwhile.
  func note(_ document: SessionDocument, of session: Session, _ summary: String) async {
    // Whoever changed it meanwhile knows better.
    let condition = StateCondition.unchanged(ObjectKind.session.key(session.id), since: session.storedRevision)
    if let revision = try? await journal.commit(
      summary, by: "coordinator", on: session.object, conditions: [condition], [Journal.put(document)])
    {
      session.wrote(document, revision: revision)
    }
  }
}

extension Session {
  /// Cuts off what runs, to begin again later.
  func cutSteps() {
    preemptions.add(1, ordering: .relaxed)
    for cancel in running.withLock({ Array($0.values) }) { cancel() }
  }

  /// Waits until no step runs and puts the engines aside; their files stay.
  func displace() async {
    await starting.withLock { $0 }?.value
    try? await turnstile.pass {
      // Counted in any case: a step that comes too late to be cut finds the gate shut.
      guard let engines = gate.shut() else { return }
      await engines.queries.closeAll()
      await engines.learning.closeAll()
      await engines.analytical.suspend()
      composition.withLock { $0.analyticalGaveWay() }
    }
  }
}

extension SessionDocument {
  /// Says that the session waits for resources and why.
  mutating func noteWaiting(_ reason: String, _ message: String) {
    setCondition("Ready", false, reason: reason, message: message, nowMilliseconds: nowMilliseconds())
  }

  /// What holds of a type, or does not.
  func condition(_ type: String) -> ObjectCondition? { conditions.first { $0.type == type } }

  /// Whether the session is open and has no engines, because others have what it needs.
  var waitsForResources: Bool {
    guard let ready = condition("Ready"), !ready.holds else { return false }
    return ready.reason == "Queued" || ready.reason == "GaveWay"
  }
}
