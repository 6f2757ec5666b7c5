import Cluster
import Engines

/// Starts the processes of a session's engines under the coordinator's supervisor. Their names begin with the session's,
/// or with that of engines which no session has yet.
struct SessionChildren: ChildLauncher {
  private let session: String
  private let owner: String
  private let supervisor: Supervisor

  init(session: String, _ supervisor: Supervisor) {
    self.init(session, owner: "session/\(session)", supervisor)
  }

  /// For processes that no session has yet.
  init(ahead name: String, _ supervisor: Supervisor) { self.init(name, owner: "coordinator", supervisor) }

  private init(_ session: String, owner: String, _ supervisor: Supervisor) {
    (self.session, self.owner) = (session, owner)
    self.supervisor = supervisor
  }

  func start(_ child: ChildProgram) async throws {
    let name = fullName(child.name)
    if let onLine = child.onLine { ChildLines.shared.listen(to: name, onLine) }
    do {
      try await supervisor.start(specification(child, name))
      try await supervisor.waitUntilReady(name)
    } catch {
      // What ended by itself while it was to become ready has its reason in its record.
      let end = await supervisor.child(name)?.status.lastExit
      await stop(child.name)
      if error is CancellationError { throw error }
      let reason = end.map { "'\(child.name)' \($0.text)" } ?? "\(error)"
      throw EngineError(.engineFailure, "a process of the engine could not be started: \(reason)")
    }
  }

  func run(_ child: ChildProgram) async throws -> ChildEnd {
    let name = fullName(child.name)
    if let onLine = child.onLine { ChildLines.shared.listen(to: name, onLine) }
    do {
      try await supervisor.start(specification(child, name))
      let end = try await waitUntilOver(child.name)
      await stop(child.name)
      return end
    } catch {
      await stop(child.name)
      if error is CancellationError || error is EngineError { throw error }
      throw EngineError(.engineFailure, "a process could not be started: \(error)")
    }
  }

  func waitUntilOver(_ name: String) async throws -> ChildEnd {
    do {
      let exit = try await supervisor.waitUntilOver(fullName(name)).status.lastExit
      return ChildEnd(
        isSuccess: exit?.cause.isSuccess ?? false, cause: exit.map { "\($0.cause)" } ?? "ended",
        lastLines: exit?.lastLines ?? [])
    } catch let error as SupervisionError {
      throw EngineError(.internalFailure, "\(error)")
    }
  }

  func stop(_ name: String) async {
    await supervisor.stop(fullName(name))
    await supervisor.forget(fullName(name))
    ChildLines.shared.stopListening(to: fullName(name))
  }

  private func fullName(_ name: String) -> String { "\(session)/\(name)" }

  private func specification(_ child: ChildProgram, _ name: String) -> ChildSpecification {
    let readiness: ChildSpecification.Readiness =
      switch child.readiness {
      case .started: .started
      case .port(let port): .port(port)
      case .file(let path): .file(path)
      case .probe(let probe): .probe(probe)
      }
    return ChildSpecification(
      name: name, owner: owner, executable: child.executable, arguments: child.arguments,
      environment: child.environment, directory: child.directory, readiness: readiness,
      policy: .init(restart: .never, readinessDeadline: child.readinessDeadline, termGrace: child.endGrace))
  }
}
