import Engines
import Objects
import StateStore
import Supervision

/// Starts the processes of a session's engines under the coordinator's supervisor. Their names begin with that of the session, or
/// of engines not assigned to a session yet.
struct SessionChildren: ChildLauncher {
  private let session: String
  private let owner: String
  private let supervisor: Supervisor
  /// The user that they run as; nil for that of the coordinator.
  private let user: EngineUser?

  init(session: String, as user: EngineUser? = nil, _ supervisor: Supervisor) {
    self.init(session, owner: ObjectReference.session(session).description, as: user, supervisor)
  }

  /// Creates a launcher for processes not assigned to a session yet.
  init(ahead name: String, _ supervisor: Supervisor) { self.init(name, owner: "coordinator", as: nil, supervisor) }

  private init(_ session: String, owner: String, as user: EngineUser?, _ supervisor: Supervisor) {
    (self.session, self.owner, self.user) = (session, owner, user)
    self.supervisor = supervisor
  }

  func start(_ child: ChildProgram) async throws {
    let name = fullName(child.name)
    if let onLine = child.onLine { ChildLines.shared.listen(to: name, onLine) }
    do {
      try await supervisor.start(specification(child, name))
      try await supervisor.waitUntilReady(name)
    } catch {
      // If it ended by itself before it was ready, its record has the cause.
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

  func process(of name: String) async -> Int32? { await supervisor.child(fullName(name))?.status.process }

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
      environment: environment(child), directory: child.directory,
      user: user.map { ChildUser(number: $0.number, group: $0.group, groups: $0.groups) },
      descriptors: child.descriptors, readiness: readiness,
      policy: .init(restart: .never, readinessDeadline: child.readinessDeadline, termGrace: child.endGrace))
  }

  /// Another user has neither the home directory nor the name of the coordinator's user.
  private func environment(_ child: ChildProgram) -> [String: String] {
    guard let user else { return child.environment }
    let directory = child.directory ?? "/"
    let own = ["HOME": directory, "TMPDIR": directory, "USER": user.name, "LOGNAME": user.name]
    return own.merging(child.environment) { $1 }
  }
}
