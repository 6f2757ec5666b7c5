import Engines
import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Turns

@testable import GraphScopeEngines

@Suite("The processes of a session", .takesTurns, .timeLimit(.minutes(1)))
struct ProcessTests {
  private let launcher = FakeLauncher()
  private let directory = FileManager.default.temporaryDirectory.path + "/gse-\(UInt32.random(in: 0...UInt32.max))"

  private func commands(workers: Int = 1, mpi: String? = "/gs/openmpi") -> EngineCommands {
    var installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
    installation.vineyardd = "/gs/bin/vineyardd"
    installation.mpi = mpi
    return EngineCommands(
      installation: installation, directory: directory, shared: directory + "-shared",
      hosts: WorkerHosts(here: workers),
      path: "/usr/bin")
  }

  @Test("The store is started before the engine, the engine's port is free, and both are ended with the session")
  func startAndStop() async throws {
    let processes = try await SessionProcesses.start(commands(), launcher)
    #expect(launcher.started == ["vineyardd", "grape_engine"])
    #expect(processes.enginePort > 0)
    await processes.stop()
    #expect(launcher.running.isEmpty)
    #expect(processes.failure == nil, "an end that was asked for is no failure")
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test(
    "When one process dies, the session fails with its cause, and the other process is ended",
    arguments: [
      ("vineyardd", "the session's object store"), ("grape_engine", "the session's analytical engine"),
    ])
  func death(_ name: String, _ words: String) async throws {
    let processes = try await SessionProcesses.start(commands(), launcher)
    launcher.kill(
      name, ChildEnd(isSuccess: false, cause: "was killed by signal 9 (SIGKILL)", lastLines: ["I2026 fine", "F no"]))
    let failure = try #require(await processes.failure(within: .seconds(30)))
    #expect(failure.code == .engineFailure)
    #expect(failure.message == "\(words) (\(name)) was killed by signal 9 (SIGKILL)")
    #expect(failure.evidence == "F no")
    await launcher.waitUntilNothingRuns()
    #expect(processes.failure == failure, "the end of the other one does not hide the cause")
    await processes.stop()
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test("Processes that fail to start leave nothing behind")
  func failedStart() async throws {
    launcher.refuse("grape_engine", "no licence")
    let error = await #expect(throws: EngineError.self) {
      try await SessionProcesses.start(commands(workers: 2), launcher)
    }
    #expect(error?.message == "no licence")
    #expect(launcher.running.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: directory + "-shared"))
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test("An engine whose port was taken meanwhile is started on another port")
  func takenPort() async throws {
    launcher.refuse("grape_engine", "bind: Address already in use", times: 2)
    let processes = try await SessionProcesses.start(commands(), launcher)
    #expect(launcher.started == ["vineyardd", "grape_engine"])
    await processes.stop()
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test("One worker is started directly, several by mpirun")
  func arguments() throws {
    let alone = try commands().engine(port: 7)
    #expect(alone.executable == "/gs/bin/grape_engine")
    #expect(alone.arguments.starts(with: ["--host", "127.0.0.1", "--port", "7"]))
    #expect(alone.environment["OMPI_MCA_ess_singleton_isolated"] == "1")
    let several = try commands(workers: 3).engine(port: 7)
    #expect(several.executable == "/gs/openmpi/bin/mpirun")
    #expect(several.arguments.contains("localhost:3"))
    #expect(several.arguments.contains("/gs/bin/grape_engine"))
    let error = #expect(throws: EngineError.self) { try commands(workers: 2, mpi: nil).engine(port: 7) }
    #expect(error?.hint.contains("apt-get install openmpi-bin") == true)
  }

  @Test("A socket counts as listening while its process lives, and not when only its file is left")
  func listening() throws {
    let path = directory + ".sock"
    #expect(!StoreSocket.isListening(path))
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    #expect(isBound && listen(descriptor, 4) == 0)
    #expect(StoreSocket.isListening(path))
    close(descriptor)
    #expect(!StoreSocket.isListening(path))
    unlink(path)
  }

  @Test("The store opens no port")
  func store() throws {
    #expect(try commands().store().arguments.contains("--rpc=false"))
  }

  @Test("The store's socket has a short path, however long the session's is, and only its user can access it")
  func socket() async throws {
    #expect(SharedDirectories.path(of: "session_" + String(repeating: "x", count: 40)).utf8.count < 90)
    let processes = try await SessionProcesses.start(commands(), launcher)
    let attributes = try FileManager.default.attributesOfItem(atPath: processes.commands.shared)
    #expect("\(attributes[.posixPermissions] ?? "")" == "448")
    await processes.stop()
    #expect(!FileManager.default.fileExists(atPath: processes.commands.shared))
    try FileManager.default.removeItem(atPath: directory)
  }
}

/// Starts nothing, and simulates the ends of children on request.
final class FakeLauncher: ChildLauncher {
  typealias Waiter = (name: String, ends: AsyncStream<ChildEnd>.Continuation)
  typealias Idle = CheckedContinuation<Void, Never>

  private struct State {
    var started: [String] = []
    var ends: [String: ChildEnd?] = [:]
    var waiters: [Waiter] = []
    var refusals: [String: (message: String, times: Int)] = [:]
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())
  private let words: String

  /// Creates a launcher whose programs print `words` when they run to their end; by default the version of Java 17.
  init(saying words: String = "openjdk version \"17.0.1\"") { self.words = words }

  var started: [String] { state.withLock { $0.started } }

  var running: Set<String> { state.withLock { state in Set(state.ends.filter { $0.value == nil }.keys) } }

  func refuse(_ name: String, _ message: String, times: Int = .max) {
    state.withLock { $0.refusals[name] = (message, times) }
  }

  func kill(_ name: String, _ end: ChildEnd) {
    typealias Woken = (waiters: [Waiter], idle: [Idle])
    let (waiters, idle) = state.withLock { state -> Woken in
      state.ends[name] = .some(end)
      let waiters = state.waiters.filter { $0.name == name }
      state.waiters.removeAll { $0.name == name }
      guard state.ends.values.allSatisfy({ $0 != nil }) else { return (waiters, []) }
      defer { state.idle = [] }
      return (waiters, state.idle)
    }
    for waiter in waiters { waiter.ends.yield(end) }
    for continuation in idle { continuation.resume() }
  }

  func waitUntilNothingRuns() async {
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        let isIdle = state.ends.values.allSatisfy { $0 != nil }
        if !isIdle { state.idle.append(continuation) }
        return isIdle
      }
      if isIdle { continuation.resume() }
    }
  }

  func start(_ child: ChildProgram) async throws {
    try state.withLock { state in
      if let refusal = state.refusals[child.name], refusal.times > 0 {
        state.refusals[child.name] = (refusal.message, refusal.times - 1)
        throw EngineError(.engineFailure, refusal.message)
      }
      state.started.append(child.name)
      state.ends[child.name] = .some(nil)
    }
  }

  func run(_ child: ChildProgram) async throws -> ChildEnd {
    ChildEnd(isSuccess: true, cause: "ended", lastLines: [words])
  }

  func waitUntilOver(_ name: String) async throws -> ChildEnd {
    let (ends, source) = AsyncStream.makeStream(of: ChildEnd.self)
    let end = state.withLock { state -> ChildEnd? in
      if let end = state.ends[name] ?? nil { return end }
      state.waiters.append((name, source))
      return nil
    }
    if let end { return end }
    for await end in ends { return end }
    throw CancellationError()
  }

  func stop(_ name: String) async {
    guard state.withLock({ $0.ends[name] == .some(nil) }) else { return }
    kill(name, ChildEnd(isSuccess: true, cause: "was stopped"))
  }
}
