import Engines
import Glibc

/// The processes of one session: the object store and the analytical engine.
final class SessionProcesses: Sendable {
  /// The port of `commands.engineAddress` at which the engine accepts steps.
  let enginePort: UInt16
  let commands: EngineCommands
  /// The other hosts that have workers.
  let otherHosts: OtherHosts
  private let group: ProcessGroup

  /// The number of attempts with other ports, in case the chosen ports are taken before the processes listen.
  private static let attempts = 3

  private init(_ commands: EngineCommands, _ group: ProcessGroup, _ otherHosts: OtherHosts, enginePort: UInt16) {
    (self.commands, self.enginePort, self.group, self.otherHosts) = (commands, enginePort, group, otherHosts)
  }

  /// Starts the processes and returns when they are ready.
  /// - Throws: `EngineError` with their last lines when they do not become ready.
  static func start(_ commands: EngineCommands, _ launcher: any ChildLauncher) async throws -> SessionProcesses {
    let stores = try commands.placement.stores(commands)
    let group = ProcessGroup(
      stores.map { .init(name: $0.program.name, what: $0.what) } + [
        .init(name: EngineCommands.engine, what: "the session's analytical engine")
      ], launcher,
      hint: "The session's graphs and results are lost with it: load them again, in a new session unless "
        + "engines.restart is on-failure")
    let others = OtherHosts(commands, launcher)
    try prepare(commands)
    do {
      try await others.prepare()
      for store in stores { try await launcher.start(store.program) }
      let port = try await startEngine(commands, launcher)
      let processes = SessionProcesses(commands, group, others, enginePort: port)
      group.watch()
      return processes
    } catch {
      await group.stop()
      await others.tidy()
      EngineDirectories.remove(commands.shared)
      throw error
    }
  }

  private static func startEngine(_ commands: EngineCommands, _ launcher: any ChildLauncher) async throws -> UInt16 {
    for attempt in 1...attempts {
      let port = try freePort()
      do {
        try await launcher.start(try commands.engine(port: port))
        return port
      } catch let error as EngineError where error.code == .engineFailure && attempt < attempts {
        guard error.message.contains("ddress already in use") else { throw error }
      }
    }
    throw EngineError(.engineFailure, "no port stayed free long enough to start the engine")
  }

  private static func prepare(_ commands: EngineCommands) throws(EngineError) {
    try EngineDirectories.make(commands.directory, for: commands.user)
    // The store authenticates no one, so its socket must be accessible to its user only.
    try EngineDirectories.make(commands.shared, for: commands.user)
    do { try commands.placement.claim(commands.shared) } catch {
      throw EngineError(.internalFailure, "the directories of the session's engines cannot be created: \(error)")
    }
  }

  // MARK: End

  /// Calls `body` when a process ends unexpectedly, at once if one has already. There is one such body; a later call replaces it.
  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) { group.whenFailed(body) }

  /// Why the processes have ended; nil while they run.
  var failure: EngineError? { group.failure }

  /// Whether a process listens on the store's socket. False from the moment the store dies, which is noticed later.
  var storeAnswers: Bool { !commands.hosts.includeOwn || StoreSocket.isListening(commands.socket) }

  /// Returns why a process ended, if one has ended or does so within `time`: a broken connection is noticed before the end.
  func failure(within time: Duration) async -> EngineError? { await group.failure(within: time) }

  /// Ends the processes and removes the files that they shared.
  func stop() async {
    await group.stop()
    await otherHosts.tidy()
    EngineDirectories.remove(commands.shared)
  }
}
