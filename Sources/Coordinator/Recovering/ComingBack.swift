import Access
import ControlPlane
import Engines
import LogStore
import Logging
import Objects
import Scheduling
import StateStore
import Support
import Synchronization

/// The recorded data of a session of an earlier process, and what was recovered of it.
final class ComingBack: Sendable {
  let remain: Remains
  /// The contents of the record in the session's directory; nil until the directory was opened.
  fileprivate let record = Mutex<SessionRecord.Contents?>(nil)
  fileprivate let summary = Mutex(Coordinator.RecoverySummary())

  init(_ remain: Remains) { self.remain = remain }
}

extension Coordinator {
  /// Recovers a session whose resources are booked or requested: its directory, its engines and their objects. If this throws,
  /// the session neither holds nor waits for resources; it may be called again after requesting them again.
  func comeBack(_ session: Session, _ comingBack: ComingBack) async throws -> RecoverySummary {
    let remain = comingBack.remain
    do {
      try openDirectory(of: session, comingBack)
      // Journal that it waits before it is set up: from then on, its engines may be started at any time.
      let waits = session.phase(of: analyticalInstance) == .queued
      if waits {
        try await noteBack(session, remain, Found(), nil)
        tell(session, remain.interrupted, [])
      }
      if session.handle(.setUp).contains(.instance(analyticalInstance, .start)) {
        try await startEngines(of: session, comingBack: waits ? nil : comingBack)
      }
      return comingBack.summary.withLock { summary in
        summary.sessions = 1
        summary.interruptedSteps = remain.interrupted.count
        return summary
      }
    } catch {
      // Nothing is left of its engines; if it was still waiting, it no longer waits.
      session.perform(session.handle(.instance(analyticalInstance, .ended)))
      session.perform(session.handle(.instance(analyticalInstance, .broke)))
      throw error
    }
  }

  /// Journals what the engines of a recovered session found.
  func note(
    _ comingBack: ComingBack, of session: Session, _ engine: any AnalyticalEngine, _ lost: [LostObject],
    _ allocation: Allocation
  ) async throws {
    let remain = comingBack.remain
    var found = Found(lost: lost)
    await finishUnloads(&found, remain, session, engine)
    let record = comingBack.record.withLock { $0 } ?? SessionRecord.Contents()
    let setAside = await settleUnclaimed(engine, session, remain, record)
    try await noteBack(session, remain, found, allocation)
    // The session could not be used until now: its lease starts anew.
    let isDetached = session.phase == .detached
    if session.signOfLife(at: clock.now), isDetached { session.perform(session.tell(.connectionLost)) }
    tell(session, remain.interrupted, found.lost)
    comingBack.summary.withLock { summary in
      summary.setAside = setAside
      summary.lostObjects = found.lost.count
    }
  }

  /// What an engine found.
  private struct Found {
    var lost: [LostObject] = []
    /// Objects whose interrupted unload was completed now, by number.
    var unloaded: [(number: Int, key: OperationKey)] = []
  }

  /// Checks the session's directory and reads its record; once, and before clients may send anything to store there.
  func openDirectory(of session: Session, _ comingBack: ComingBack) throws {
    guard comingBack.record.withLock({ $0 == nil }) else { return }
    if try !workspace.hasSessionDirectory(session.id),
      try LostAndFound(workspace: workspace.path).bringBackSession(session.id)
    {
      logger.notice("the directory of a session was recovered from lost+found", metadata: ["session": "\(session.id)"])
      journal.event(session.object, "BroughtBack", "the session's directory was recovered from lost+found")
    }
    _ = try workspace.makeSessionDirectory(session.id)
    try session.recoverFiles()
    let record = try session.record.read() ?? SessionRecord.Contents()
    for number in comingBack.remain.damagedObjects {
      if let object = record.objects[number] {
        session.restore(object, number)
      } else {
        session.registry.withLock { $0.skip(number) }
      }
    }
    let last = max(session.stepNumber.load(ordering: .relaxed), record.lastStep)
    session.stepNumber.store(last, ordering: .relaxed)
    comingBack.record.withLock { $0 = record }
  }

  /// Completes unloads that were interrupted by the end of the process: these objects are not lost, but no longer wanted.
  private func finishUnloads(
    _ found: inout Found, _ remain: Remains, _ session: Session, _ engine: any AnalyticalEngine
  ) async {
    let cut = remain.cutUnloads
    guard !cut.isEmpty else { return }
    let isUnwanted = session.registry.withLock { registry in
      found.lost.map { registry.keys(of: $0.handle).contains { cut.contains(bounded($0)) } }
    }
    let unwanted = zip(found.lost, isUnwanted).filter(\.1).map(\.0.handle)
    for handle in unwanted { await engine.release(handle) }
    session.forgetGraphs(of: unwanted)
    found.lost = zip(found.lost, isUnwanted).filter { !$0.1 }.map(\.0)
    found.unloaded = session.registry.withLock { registry in
      defer { registry.lose(unwanted) }
      return registry.entries(of: unwanted)
    }
  }

  /// Handles objects in the directory that the state store does not name: removes the remains of an interrupted step and objects
  /// that were replaced; sets everything else aside.
  /// - Returns: The number of objects set aside.
  private func settleUnclaimed(
    _ engine: any AnalyticalEngine, _ session: Session, _ remain: Remains, _ record: SessionRecord.Contents
  ) async -> Int {
    guard let engine = engine as? any KeepsUnclaimedObjects else { return 0 }
    let ended = record.endedSteps
    let interrupted = Set(remain.interrupted.compactMap(\.number)).subtracting(ended)
    let latest = record.objects
    let known = Dictionary(remain.objects.map { ($0.number, $0.document.object) }, uniquingKeysWith: { $1 })
    var strangers: [String] = []
    for key in await engine.unclaimedObjects() {
      let line = record.line(about: key)
      let isLeftover = line.map { interrupted.contains($0.step) } ?? !interrupted.isEmpty
      let isReplaced = line?.number.map { number in
        known[number].map { $0 == latest[number]?.object && $0 != key } ?? false
      }
      if isLeftover || isReplaced == true {
        await engine.discard(unclaimed: key)
      } else {
        strangers.append(key)
      }
    }
    guard !strangers.isEmpty else { return 0 }
    return await setAside(strangers, of: session, engine, strangers.compactMap { record.line(about: $0) })
  }

  private func setAside(
    _ keys: [String], of session: Session, _ engine: any KeepsUnclaimedObjects, _ lines: [SessionRecord.Line]
  ) async -> Int {
    let reason = "the state store does not name these objects"
    do {
      let (entry, place) = try LostAndFound(workspace: workspace.path).makePlace(
        for: keys, of: session.id, lines, reason)
      for key in keys { try await engine.setAside(unclaimed: key, to: place) }
      let text = "\(keys.count) objects that the state store does not name are in lost+found/\(entry.name)"
      logger.warning("\(text); `gscoordinator state lost` lists it", metadata: ["session": "\(session.id)"])
      journal.event(session.object, "SetAside", text, level: .warning)
      return 1
    } catch {
      logger.error(
        "cannot set objects aside; they stay in the session's directory",
        metadata: ["session": "\(session.id)", "error": "\(error)"])
      return 0
    }
  }

  /// Journals that a session is recovered, and what was found of it.
  private func noteBack(
    _ session: Session, _ remain: Remains, _ found: Found, _ allocation: Allocation?
  ) async throws {
    let id = session.id
    // Query and sampling servers end with the coordinator.
    let ended = remain.instances.filter { $0 != analyticalInstance }
    var document = noting(remain.interrupted, found.lost, in: session.storedDocument)
    document.status.allocation = allocation
    if allocation == nil {
      if document.waiting == nil {
        document.noteWaiting(
          .queued, "the resources that the session held are no longer available; it is waiting for others")
      }
    } else if document.condition(.ready)?.status != .true {
      document.setCondition(
        .ready, true, reason: .enginesReady, message: "the engines accept work", nowMilliseconds: nowMilliseconds())
    }
    let repaired = remain.damagedObjects.compactMap { number in
      session.objectDocuments[number].map { Journal.put(objectKey(id, number), $0) }
    }
    let unloaded = found.unloaded.map { Journal.put(objectKey(id, $0.number), ObjectDocument(.none, of: $0.key)) }
    try await journal.commitAll(
      "record the objects of a recovered session", by: "coordinator", on: session.object,
      repaired + unloaded + session.changes(forgetting: found.lost))
    let revision = try await journal.commit(
      "recover a session", by: "coordinator", on: session.object,
      conditions: remain.session.revision == 0 ? [] : [.present(ObjectKind.session.key(id))],
      [Journal.put(document)] + remain.interrupted.map { Journal.put($0.interrupted()) }
        + ended.map { .delete(ObjectKind.instance.key("\(id)/\($0)")) },
      mayUseReserve: true)
    for name in ended {
      journal.event(
        .instance(name, of: id), "Ended", "the instance ended with the coordinator; open it again", level: .warning)
    }
    session.wrote(document, revision: revision)
    session.drop(found.lost)
    session.rewriteRecord()
  }

  private func noting(
    _ interrupted: [StepDocument], _ lost: [LostObject], in document: SessionDocument
  ) -> SessionDocument {
    var document = document
    let now = nowMilliseconds()
    if document.status.phase == SessionLifecycle.Phase.detached.rawValue {
      document.setCondition(
        .connected, false, reason: .coordinatorRestarted,
        message: "its client has given no sign of life since the coordinator was restarted",
        nowMilliseconds: now)
    }
    document.setCondition(
      .intact, .init(lost.isEmpty), reason: lost.isEmpty ? .recovered : .objectsLost,
      message: lost.isEmpty
        ? "all objects were recovered after a restart of the coordinator"
        : "\(lost.count) objects were lost when the coordinator was restarted; the session's log names them",
      nowMilliseconds: now)
    return document
  }

  private func tell(_ session: Session, _ interrupted: [StepDocument], _ lost: [LostObject]) {
    journal.event(
      session.object, "Recovered",
      "the coordinator was restarted; \(interrupted.count) steps were interrupted, \(lost.count) objects were lost")
    session.log.info("The coordinator was restarted, and this session was recovered.")
    for step in interrupted {
      session.log.error(StepDocument.interruptionText(step))
      journal.event(
        ObjectReference(.step, step.name), "Interrupted", "the coordinator ended while the step was running",
        level: .warning)
    }
    session.tell(lost, "Lost in the restart")
  }
}
