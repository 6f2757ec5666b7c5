import Cluster
import Engines

/// Whether a session whose engines died gets others.
public enum EngineRestart: String, Sendable, CaseIterable {
  /// Its steps fail with the cause until it is closed.
  case never
  /// It gets fresh ones; its objects are lost.
  case onFailure = "on-failure"
}

extension Coordinator {
  /// Waits for the end of a session's engines that nobody asked for: tells it and, by policy, starts others.
  func watch(_ engines: SessionEngines, of session: Session) {
    engines.analytical.whenFailed { [weak self, weak session] failure in
      guard let self, let session else { return }
      session.restarting.withLock { restarting in
        // Immediate: it takes its place in the queue behind the steps that fail for it, before their client can send more.
        restarting = Task.immediate {
          guard limits.engineRestart == .onFailure else { return await tell(session, failure) }
          let isDead = try? await session.turnstile.pass { await session.giveUpEngines(failure) }
          await tell(session, failure)
          if isDead == true { await restart(session, failure) }
        }
      }
    }
  }

  /// Tells the session's user and the operators why its engines ended.
  private func tell(_ session: Session, _ failure: EngineError) async {
    guard session.isOpen else { return }
    logger.warning("engines ended", metadata: ["session": "\(session.id)", "error": "\(failure)"])
    session.log.error("The engines of this session have ended: \(failure)")
    journal.event(session.object, "EnginesDied", "\(failure)", level: .error)
    var document = session.storedDocument
    document.setCondition(
      "Intact", false, reason: "EnginesDied", message: "\(failure)", nowMilliseconds: nowMilliseconds())
    await note(document, of: session, "note that the engines of a session died")
    let name = "\(session.id)/\(analyticalInstance)"
    var instance = InstanceDocument(
      kind: .instance, name: name, owner: document.owner, tenant: document.tenant,
      createdMilliseconds: document.createdMilliseconds,
      spec: InstanceSpec(session: session.id, kind: InstanceKind.analytical.rawValue),
      status: InstanceStatus(phase: InstanceLifecycle.Phase.failed.rawValue, endpoints: []))
    instance.setCondition("Ready", false, reason: "Broken", message: "\(failure)", nowMilliseconds: nowMilliseconds())
    do {
      try await journal.commit(
        "note that an engine died", by: "coordinator", on: "instance/\(name)",
        conditions: [.present(ObjectKind.instance.key(name))], [Journal.put(instance)])
    } catch {
      logger.error("cannot note that an engine died", metadata: ["session": "\(session.id)", "error": "\(error)"])
    }
  }

  /// Starts engines for a session that has none any more, until some take work or there were too many starts.
  private func restart(_ session: Session, _ death: EngineError) async {
    var cause: any Error = death
    while let pause = session.restarts.withLock({ $0.next(at: clock.now) }) {
      do {
        try await clock.sleep(for: pause)
        guard let allocation = desk.allocation(of: session.object) else { return }
        try await startEngines(of: session, on: allocation)
        session.log.info("This session has fresh engines: load its graphs again.")
        return journal.event(session.object, "EnginesRestarted", "fresh engines take work")
      } catch {
        guard !Task.isCancelled, session.isOpen else { return }
        cause = error
        journal.event(session.object, "RestartFailed", "\(error)", level: .error)
      }
    }
    let words =
      "the session's engines died or did not start \(RestartBudget.maximumStarts) times within "
      + "\(RestartBudget.window.components.seconds / 60) minutes, and are not started again"
    _ = session.gate.fail(
      EngineError(.engineFailure, words, evidence: "\(cause)", hint: "Close the session and connect again"))
    desk.leave(session.object)
    journal.event(session.object, "GivenUp", "\(words): \(cause)", level: .error)
    session.log.error("\(words): \(cause)")
  }
}

extension Session {
  /// Whether it is neither closing nor closed.
  var isOpen: Bool { phase == .connected || phase == .detached }

  /// While no step runs: lets steps wait for other engines, and removes what is left of these.
  /// - Returns: false when the session ends anyway.
  fileprivate func giveUpEngines(_ failure: EngineError) async -> Bool {
    guard isOpen, let engines = gate.shut() else { return false }
    cancelStarts()
    for name in composition.withLock({ $0.instances }) where name != analyticalInstance {
      guard let instance = composition.withLock({ $0.recorded(name) }), let graph = instance.graph.flatMap(Int64.init)
      else { continue }
      let end = instance.kind == .learning ? engines.learning.close(objectID:) : engines.queries.close(objectID:)
      await broke(instance.kind, graph, failure, end)
    }
    await engines.queries.closeAll()
    await engines.learning.closeAll()
    await engines.analytical.close()
    composition.withLock { $0.analyticalDied() }
    return isOpen
  }

  /// Objects are lost: tells the session's user, and later operations do not find them.
  func forget(_ lost: [LostObject]) async throws(CoordinatorError) {
    guard !lost.isEmpty else { return }
    for object in lost.prefix(Self.namedLosses) { log.error("Lost: \(object.handle): \(object.reason)") }
    if lost.count > Self.namedLosses { log.error("Lost: \(lost.count - Self.namedLosses) further objects") }
    for case .graph(let key) in lost.map(\.handle) {
      guard let graph = graphs.withLock({ $0[key] }) else { continue }
      try? refusing { try $0.removeGraph(String(graph)) }
      forgetGraph(key)
    }
    let gone = registry.withLock { $0.lose(lost.map(\.handle)) }
    try await journal.commitAll(
      "note lost objects", by: "coordinator", on: object,
      gone.map { Journal.put(objectKey(id, $0.number), ObjectDocument(.none, of: $0.key)) })
  }

  /// Lost objects that the session's log names.
  private static let namedLosses = 100
}
