import Engines
import FoundationEssentials
import Glibc
import Synchronization

/// The processes of one session: the object store and the analytical engine. When one of them ends unasked, the other is
/// ended too and the session's steps fail with the cause.
final class SessionProcesses: Sendable {
  /// Where the engine takes steps, a port of 127.0.0.1.
  let enginePort: UInt16
  let commands: EngineCommands
  private let launcher: any ChildLauncher
  private let state = Mutex(State())

  private struct State {
    var failure: EngineError?
    var isClosing = false
    var onFailure: (@Sendable (EngineError) -> Void)?
    var watchers: [Task<Void, Never>] = []
  }

  /// How often processes are started on other ports when these were taken meanwhile.
  private static let attempts = 3

  private init(
    _ commands: EngineCommands, _ launcher: any ChildLauncher, enginePort: UInt16
  ) {
    (self.commands, self.launcher) = (commands, launcher)
    self.enginePort = enginePort
  }

  /// Starts the processes and returns when they take work.
  /// - Throws: `EngineError` with what they said last when they do not.
  static func start(_ commands: EngineCommands, _ launcher: any ChildLauncher) async throws -> SessionProcesses {
    try prepare(commands)
    do {
      try await launcher.start(try commands.store())
      let port = try await startEngine(commands, launcher)
      let processes = SessionProcesses(commands, launcher, enginePort: port)
      processes.watch()
      return processes
    } catch {
      await launcher.stop(EngineCommands.engine)
      await launcher.stop(EngineCommands.store)
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
    } catch {
      throw EngineError(.internalFailure, "the directories of the session's engines cannot be made: \(error)")
    }
  }

  // MARK: The end

  private func watch() {
    let tasks = [EngineCommands.store, EngineCommands.engine].map { name in
      Task { [weak self, launcher] in
        guard let end = try? await launcher.waitUntilOver(name) else { return }
        await self?.ended(name, end)
      }
    }
    state.withLock { $0.watchers = tasks }
  }

  private func ended(_ name: String, _ end: ChildEnd) async {
    let failure = Self.failure(name, end)
    let (isFirst, onFailure) = state.withLock { state -> (Bool, (@Sendable (EngineError) -> Void)?) in
      guard !state.isClosing, state.failure == nil else { return (false, nil) }
      state.failure = failure
      return (true, state.onFailure)
    }
    guard isFirst else { return }
    onFailure?(failure)
    // Each is nothing without the other.
    await launcher.stop(name == EngineCommands.store ? EngineCommands.engine : EngineCommands.store)
  }

  private static func failure(_ name: String, _ end: ChildEnd) -> EngineError {
    let what = name == EngineCommands.store ? "the session's object store" : "the session's analytical engine"
    // What the processes say in the usual way (glog's lines begin with I) explains no end, nor do MPI's rules.
    let words = end.lastLines.filter { !$0.hasPrefix("I2") && !$0.hasPrefix("----") && !$0.isEmpty }
    return EngineError(
      .engineFailure, "\(what) (\(name)) \(end.cause)", evidence: words.suffix(5).joined(separator: " | "),
      hint: "The session's graphs and results are lost with it; close the session and connect again")
  }

  /// Calls `body` when a process ends unasked, at once if one has.
  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) {
    let failure = state.withLock { state in
      state.onFailure = body
      return state.failure
    }
    if let failure { body(failure) }
  }

  /// Why the processes are not there any more; nil while they are.
  var failure: EngineError? { state.withLock { $0.failure } }

  /// Whether somebody listens on the store's socket: nobody does from the moment when it died, which is noticed later.
  var storeAnswers: Bool { isListening(commands.socket) }

  /// Why a process ended, if one has ended or does so within `time`: a broken connection is noticed before the end.
  func failure(within time: Duration) async -> EngineError? {
    if let failure { return failure }
    return await withTaskGroup(of: EngineError?.self) { [launcher] group in
      for name in [EngineCommands.store, EngineCommands.engine] {
        group.addTask {
          guard let end = try? await launcher.waitUntilOver(name) else { return nil }
          return Self.failure(name, end)
        }
      }
      group.addTask {
        try? await Task.sleep(for: time)
        return nil
      }
      defer { group.cancelAll() }
      for await outcome in group {
        // A failure that the watcher noted first tells the true cause: the other process was ended by us.
        if let noted = self.failure { return noted }
        return outcome
      }
      return nil
    }
  }

  /// Ends the processes and removes what they shared.
  func stop() async {
    let watchers = state.withLock { state in
      state.isClosing = true
      return state.watchers
    }
    await launcher.stop(EngineCommands.engine)
    await launcher.stop(EngineCommands.store)
    for watcher in watchers { watcher.cancel() }
    try? FileManager.default.removeItem(atPath: commands.shared)
  }
}
