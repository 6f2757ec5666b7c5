import Engines
import FoundationEssentials
import Glibc

/// The processes of one session: the object store and the analytical engine.
final class SessionProcesses: Sendable {
  /// Where the engine takes steps, a port of `commands.engineAddress`.
  let enginePort: UInt16
  let commands: EngineCommands
  /// The other hosts that have workers.
  let otherHosts: OtherHosts
  private let group: ProcessGroup

  /// How often processes are started on other ports when these were taken meanwhile.
  private static let attempts = 3

  private init(_ commands: EngineCommands, _ group: ProcessGroup, _ otherHosts: OtherHosts, enginePort: UInt16) {
    (self.commands, self.enginePort, self.group, self.otherHosts) = (commands, enginePort, group, otherHosts)
  }

  /// Starts the processes and returns when they take work.
  /// - Throws: `EngineError` with what they said last when they do not.
  static func start(_ commands: EngineCommands, _ launcher: any ChildLauncher) async throws -> SessionProcesses {
    let stores = try StorePlan(commands)
    let group = ProcessGroup(
      stores.members + [.init(name: EngineCommands.engine, what: "the session's analytical engine")], launcher,
      hint: "The session's graphs and results are lost with it: load them again, in a new session unless "
        + "engines.restart is on-failure")
    let others = OtherHosts(commands, launcher)
    try prepare(commands)
    do {
      if commands.spread != nil { try await others.prepare() }
      for store in stores.programs { try await launcher.start(store) }
      let port = try await startEngine(commands, launcher)
      let processes = SessionProcesses(commands, group, others, enginePort: port)
      group.watch()
      return processes
    } catch {
      await group.stop()
      await others.tidy()
      try? FileManager.default.removeItem(atPath: commands.shared)
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
    do {
      try? FileManager.default.removeItem(atPath: commands.shared)
      try FileManager.default.createDirectory(atPath: commands.directory, withIntermediateDirectories: true)
      // The store asks nobody who they are: its socket is for our user alone.
      try FileManager.default.createDirectory(
        atPath: commands.shared, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      if commands.spread != nil { try SharedDirectories.claim(commands.shared) }
    } catch {
      throw EngineError(.internalFailure, "the directories of the session's engines cannot be made: \(error)")
    }
  }

  // MARK: The end

  /// Calls `body` when a process ends unasked, at once if one has. There is one such body: a later one replaces it.
  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) { group.whenFailed(body) }

  /// Why the processes are not there any more; nil while they are.
  var failure: EngineError? { group.failure }

  /// Whether somebody listens on the store's socket: nobody does from the moment when it died, which is noticed later.
  var storeAnswers: Bool { !commands.hosts.includeOwn || isListening(commands.socket) }

  /// Why a process ended, if one has ended or does so within `time`: a broken connection is noticed before the end.
  func failure(within time: Duration) async -> EngineError? { await group.failure(within: time) }

  /// Ends the processes and removes what they shared.
  func stop() async {
    await group.stop()
    await otherHosts.tidy()
    try? FileManager.default.removeItem(atPath: commands.shared)
  }
}

/// What keeps a session's objects, in the order in which it is started: each serves before the next one begins.
private struct StorePlan {
  private(set) var programs: [ChildProgram] = []
  private(set) var members: [ProcessGroup.Member] = []

  init(_ commands: EngineCommands) throws(EngineError) {
    if let spread = commands.spread {
      add(try commands.etcd(spread), "what the session's object stores know in common")
    }
    if commands.hosts.includeOwn { add(try commands.store(), "the session's object store") }
    for (index, host) in commands.hosts.others.enumerated() {
      let store = try commands.store(on: host, name: "\(EngineCommands.store)-\(index + 1)")
      add(store, "the session's object store on \(host)")
    }
  }

  private mutating func add(_ program: ChildProgram, _ what: String) {
    programs.append(program)
    members.append(.init(name: program.name, what: what))
  }
}
