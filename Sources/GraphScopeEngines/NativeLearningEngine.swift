import Engines
import Synchronization

/// GraphScope's learning engine: one server of graphlearn, or graphlearn-torch, for each worker of the analytical engine. The
/// servers read the graph from the object store, and clients' libraries connect to them directly.
final class NativeLearningEngine: LearningEngine {
  private let commands: EngineCommands
  private let children: any ChildLauncher
  /// The servers by the number of their graph.
  private let open = Mutex<[Int64: ProcessGroup]>([:])

  init(_ commands: EngineCommands, _ children: any ChildLauncher) {
    self.commands = commands
    self.children = children
  }

  /// Starts the servers and returns when all of them listen.
  /// - Throws: `EngineError` when one ends or does not listen in time; no server is then left. Servers of a graph that is served
  ///   already are not affected.
  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    let environment = try PythonEnvironment(commands)
    let servers: SamplingServers
    switch request.backend {
    case .graphlearn: servers = try .graphlearn(request, environment)
    case .graphlearnTorch:
      try commands.requireOneStore("graphlearn-torch reads its graph")
      try await environment.checkTorch(children)
      servers = try .graphlearnTorch(request, environment)
    }
    let processes = ProcessGroup(
      servers.programs.map { .init(name: $0.name, what: "a sampling server of the learning instance") }, children,
      hint: "Servers end when their client does; close the instance and open it again")
    try claim(request.objectID, processes)
    do { try await start(servers.programs, processes) } catch {
      try await close(objectID: request.objectID)
      throw error
    }
    processes.watch()
    return LearningInstance(handle: request.handle, configuration: request.configuration, endpoints: servers.endpoints)
  }

  private func claim(_ objectID: Int64, _ processes: ProcessGroup) throws(EngineError) {
    let isNew = open.withLock { open in
      guard open[objectID] == nil else { return false }
      open[objectID] = processes
      return true
    }
    guard isNew else {
      throw EngineError(.illegalState, "the graph \(objectID) has a learning instance", hint: "Close it first")
    }
  }

  /// Starts the servers, first those that are not waited for: should one of these end, the others would wait in vain.
  private func start(_ programs: [ChildProgram], _ processes: ProcessGroup) async throws {
    let first = programs.prefix { if case .started = $0.readiness { true } else { false } }
    for program in first { try await children.start(program) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [children] in
        // A server listens only after it has connected to the others.
        try await withThrowingTaskGroup(of: Void.self) { group in
          for program in programs.dropFirst(first.count) { group.addTask { try await children.start(program) } }
          try await group.waitForAll()
        }
      }
      if !first.isEmpty {
        group.addTask { throw await processes.firstEnd(ofFirst: first.count) ?? CancellationError() }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  func close(objectID: Int64) async throws {
    await open.withLock { $0.removeValue(forKey: objectID) }?.stop()
  }

  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {
    open.withLock { $0[objectID] }?.whenFailed(body)
  }

  func closeAll() async {
    for objectID in open.withLock({ Array($0.keys) }) { try? await close(objectID: objectID) }
  }
}
