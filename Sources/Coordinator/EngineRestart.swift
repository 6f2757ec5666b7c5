import ControlPlane
import Engines
import LogStore
import Logging
import Objects
import StateStore
import Supervision
import Support
import Synchronization

/// Whether the engines of a session are restarted after they died.
public enum EngineRestart: String, Sendable, CaseIterable {
  /// The session's steps fail with the cause until it is closed.
  case never
  /// The session gets new engines; its objects are lost.
  case onFailure = "on-failure"
}

extension Coordinator {
  /// Waits for the unexpected end of a session's engines, reports it and, by policy, starts others.
  func watch(_ engines: SessionEngines, of session: Session) {
    engines.analytical.whenFailed { [weak self, weak session] failure in
      guard let self, let session else { return }
      session.perform(session.tell(.instance(analyticalInstance, .impaired)))
      // Immediate, so that it is queued behind the steps that fail because of it before their client can send more.
      session.tasks.start(
        Task.immediate {
          guard self.limits.engineRestart == .onFailure else { return await self.tell(session, failure) }
          let isDead = try? await session.turnstile.pass { await session.giveUpEngines(failure) }
          await self.tell(session, failure)
          if isDead == true { await self.restart(session, failure) }
        })
    }
  }

  /// Reports to the session's client and to operators why its engines ended.
  private func tell(_ session: Session, _ failure: EngineError) async {
    guard session.isOpen else { return }
    logger.warning("the engines of a session ended", metadata: ["session": "\(session.id)", "error": "\(failure)"])
    session.log.error("The engines of this session have ended: \(failure)")
    journal.event(session.object, "EnginesDied", "\(failure)", level: .error)
    await note("record that the engines of a session ended", of: session) { document in
      document.setCondition(
        .intact, false, reason: .enginesDied, message: "\(failure)", nowMilliseconds: nowMilliseconds())
      return true
    }
    let document = session.storedDocument
    let name = "\(session.id)/\(analyticalInstance)"
    var instance = InstanceDocument(
      kind: .instance, name: name, owner: document.owner, tenant: document.tenant,
      createdMilliseconds: document.createdMilliseconds,
      spec: InstanceSpec(session: session.id, kind: InstanceKind.analytical.rawValue),
      status: InstanceStatus(phase: InstanceLifecycle.Phase.failed.rawValue, endpoints: []))
    instance.setCondition(.ready, false, reason: .broken, message: "\(failure)", nowMilliseconds: nowMilliseconds())
    do {
      try await journal.commit(
        "record that an engine ended", by: "coordinator", on: ObjectReference(.instance, name),
        conditions: [.present(ObjectKind.instance.key(name))], [Journal.put(instance)])
    } catch {
      logger.error("cannot record that an engine ended", metadata: ["session": "\(session.id)", "error": "\(error)"])
    }
  }

  /// Starts engines for a session that has lost its own, until the new ones work or there were too many starts.
  private func restart(_ session: Session, _ death: EngineError) async {
    var cause: any Error = death
    while true {
      let effects = session.handle(.startAgain(analyticalInstance))
      guard case .startAgain(_, let pause)? = effects.last else {
        session.perform(effects)
        // Otherwise it is closing.
        guard effects.contains(.givenUp(analyticalInstance)) else { return }
        break
      }
      do {
        try await clock.sleep(for: pause)
        try await startEngines(of: session)
        session.log.info("This session has new engines: load its graphs again.")
        return journal.event(session.object, "EnginesRestarted", "new engines accept work")
      } catch {
        guard session.isOpen, !session.tasks.isOver else { return }
        cause = error
        journal.event(session.object, "RestartFailed", "\(error)", level: .error)
      }
    }
    let words =
      "the session's engines ended or failed to start \(RestartBudget.maximumStarts) times within "
      + "\(RestartBudget.window.components.seconds / 60) minutes and are not started again"
    _ = session.gate.fail(
      EngineError(.engineFailure, words, evidence: "\(cause)", hint: "Close the session and connect again"))
    journal.event(session.object, "GivenUp", "\(words): \(cause)", level: .error)
    session.log.error("\(words): \(cause)")
  }
}

extension Session {
  /// While no step runs, makes steps wait for new engines, and removes the remains of the old ones.
  /// - Returns: False if the session is ending anyway.
  fileprivate func giveUpEngines(_ failure: EngineError) async -> Bool {
    guard isOpen, let engines = gate.shut() else { return false }
    tasks.cancelAll()
    let composition = control.withLock { $0.composition }
    for name in composition.instances where name != analyticalInstance {
      guard let instance = composition.recorded(name), let graph = instance.graph.flatMap(Int64.init)
      else { continue }
      let end = instance.kind == .learning ? engines.learning.close(objectID:) : engines.queries.close(objectID:)
      await broke(instance.kind, graph, failure, end)
    }
    await engines.queries.closeAll()
    await engines.learning.closeAll()
    await engines.analytical.close()
    return isOpen
  }
}
