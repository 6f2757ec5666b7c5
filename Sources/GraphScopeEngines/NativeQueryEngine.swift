import Engines
import Glibc
import Synchronization

/// GraphScope's interactive engine. Each graph has executors that read it from the object stores, and a front end in Java that
/// accepts Gremlin and Cypher.
final class NativeQueryEngine: QueryEngine {
  private let commands: EngineCommands
  private let children: any ChildLauncher
  private let otherHosts: OtherHosts
  private let open = Mutex<[Int64: Served]>([:])

  /// An instance and its processes, which report their end even when the instance is no longer open.
  struct Served: Sendable {
    let instance: InteractiveInstance
    let processes: ProcessGroup
  }

  /// The time within which a front end must answer its first query.
  private static let readinessDeadline = Duration.seconds(180)

  init(_ commands: EngineCommands, _ children: any ChildLauncher, _ otherHosts: OtherHosts) {
    self.commands = commands
    self.children = children
    self.otherHosts = otherHosts
  }

  /// Starts executors and front end, and returns when a query was answered.
  /// - Throws: `EngineError` with the cause when one of them ends or does not answer; no process is then left. An instance of a
  ///   graph that is served already is not affected.
  func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    let java = try await findJava()
    let instance = try InteractiveInstance(request, commands: commands, java: java)
    let processes = ProcessGroup(
      instance.executors.all.map { .init(name: instance.executors.name($0), what: instance.executors.what($0)) } + [
        .init(name: InteractiveInstance.frontEndName(request.objectID), what: "the interactive instance's front end")
      ], children, hint: "Close the instance and open it again")
    try claim(request.objectID, Served(instance: instance, processes: processes))
    do {
      try commands.user.files { try instance.writeConfiguration() }
      for file in instance.filesForOthers { try await otherHosts.copy(file) }
      for executor in instance.executors.all { try await children.start(try instance.program(executor)) }
      try await startFrontEnd(
        instance.frontEnd(deadline: Self.readinessDeadline) {
          await Self.answers(instance, withCypher: request.withCypher)
        }, with: processes, executors: instance.executors.all.count)
    } catch {
      try await close(objectID: request.objectID)
      throw Self.explained(error)
    }
    processes.watch()
    return instance.endpoints
  }

  private func claim(_ objectID: Int64, _ served: Served) throws(EngineError) {
    let isNew = open.withLock { open in
      guard open[objectID] == nil else { return false }
      open[objectID] = served
      return true
    }
    guard isNew else {
      throw EngineError(.illegalState, "the graph \(objectID) has an interactive instance", hint: "Close it first")
    }
  }

  /// Starts the front end. If an executor ends meanwhile, no query can be answered.
  private func startFrontEnd(
    _ frontEnd: ChildProgram, with processes: ProcessGroup, executors: Int
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [children] in try await children.start(frontEnd) }
      group.addTask {
        guard let failure = await processes.firstEnd(ofFirst: executors) else { throw CancellationError() }
        throw failure
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Returns the instance of a graph.
  /// - Throws: `EngineError` when it has none; if its instance has ended, the reason.
  func served(_ objectID: Int64) throws(EngineError) -> Served {
    guard let served = open.withLock({ $0[objectID] }) else {
      throw EngineError(
        .queryFailure, "the graph has no interactive instance",
        hint: "Open one with session.interactive(graph), and keep it open during queries")
    }
    if let failure = served.processes.failure { throw failure }
    return served
  }

  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {
    open.withLock { $0[objectID] }?.processes.whenFailed(body)
  }

  func close(objectID: Int64) async throws {
    guard let served = open.withLock({ $0.removeValue(forKey: objectID) }) else { return }
    await served.processes.stop()
    EngineDirectories.remove(InteractiveInstance.directory(objectID, commands))
  }

  func closeAll() async {
    for objectID in open.withLock({ Array($0.keys) }) { try? await close(objectID: objectID) }
  }

  /// Returns whether the front end answers a query in each of its languages.
  private static func answers(_ instance: InteractiveInstance, withCypher: Bool) async -> Bool {
    guard (try? await instance.gremlin.submit("g.V().limit(1)", within: .seconds(5))) != nil else { return false }
    guard withCypher else { return true }
    let late = EngineError(.engineFailure, "the Cypher server does not answer")
    // The first query makes the server load and compile.
    let answer = try? await within(.seconds(60), orElse: late) { await CypherProbe.answers(port: instance.cypherPort) }
    return answer ?? false
  }

  /// Replaces Java's message about its modules, which does not help clients.
  private static func explained(_ error: any Error) -> any Error {
    guard let error = error as? EngineError, error.message.contains("does not open java") else { return error }
    return EngineError(
      error.code, "this version of Java cannot run the front end of the interactive engine", evidence: error.message,
      hint: "Install Java 11 or 17: apt-get install openjdk-17-jre-headless")
  }

  private func findJava() async throws -> InteractiveInstance.Java {
    let path = (commands.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    guard let program = path.map({ $0 + "/java" }).first(where: HostFiles().isExecutable) else {
      throw EngineError(
        .unimplemented, "interactive queries need Java, which was not found",
        hint: "Run: apt-get install openjdk-17-jre-headless")
    }
    let end = try await children.run(
      ChildProgram(name: "java-version", executable: program, arguments: ["-version"]))
    guard let version = end.lastLines.lazy.compactMap(JavaVersion.init).first else {
      throw EngineError(.engineFailure, "'\(program)' does not report its version", evidence: end.cause)
    }
    guard version.major >= JavaVersion.oldest else {
      throw EngineError(
        .unimplemented,
        "'\(program)' is Java \(version.major); interactive queries need \(JavaVersion.oldest) or newer",
        hint: "Run: apt-get install openjdk-17-jre-headless")
    }
    return .init(program: program, version: version)
  }
}
