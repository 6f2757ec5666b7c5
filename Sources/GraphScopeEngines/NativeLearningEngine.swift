import Engines
import FoundationEssentials
import Synchronization
import Wire

/// GraphScope's learning engine: one graphlearn server for each worker of the analytical engine. They read the graph in
/// the object store, and clients' libraries speak to them directly.
final class NativeLearningEngine: LearningEngine {
  private let commands: EngineCommands
  private let children: any ChildLauncher
  /// The servers by the graph's number.
  private let open = Mutex<[Int64: ProcessGroup]>([:])

  /// How long a server may take until it listens.
  private static let readinessDeadline = Duration.seconds(120)

  init(_ commands: EngineCommands, _ children: any ChildLauncher) {
    self.commands = commands
    self.children = children
  }

  /// Starts the servers; returns when all of them listen.
  /// - Throws: `EngineError` when one ends or does not listen in time; nothing is left of them then. A graph that is served
  ///   already stays as it is.
  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    guard request.backend == .graphlearn else {
      throw EngineError(
        .unimplemented, "graphlearn-torch is not offered yet",
        hint: "Use the graphlearn backend: graphlearn(graph, ...)")
    }
    guard let python = commands.installation.python, let packages = commands.installation.packages else {
      throw EngineError(
        .unimplemented, "learning needs the Python environment of GraphScope's engines",
        hint: InstallationProblem.remedy)
    }
    let ports = try (0..<commands.workers).map { _ in try freePort() }
    let endpoints = ports.map { "localhost:\($0)" }
    let handle = try Self.completed(request.handle, servers: endpoints)
    let names = ports.indices.map { "graphlearn-\(request.objectID)-\($0)" }
    let processes = ProcessGroup(
      names.map { .init(name: $0, what: "a sampling server of the learning instance") }, children,
      hint: "Servers end when their client does; close the instance and open it again")
    try claim(request.objectID, processes)
    do {
      // A server listens only when it has met the others.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, name) in names.enumerated() {
          let program = program(
            name, python, packages, [handle, request.configuration, "\(index)"], port: ports[index])
          group.addTask { [children] in try await children.start(program) }
        }
        try await group.waitForAll()
      }
    } catch {
      try await close(objectID: request.objectID)
      throw error
    }
    processes.watch()
    return LearningInstance(handle: request.handle, configuration: request.configuration, endpoints: endpoints)
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

  private func program(
    _ name: String, _ python: String, _ packages: String, _ arguments: [String], port: UInt16
  ) -> ChildProgram {
    var environment = commands.environment
    environment["PYTHONPATH"] = packages
    return ChildProgram(
      name: name, executable: python, arguments: ["-m", "gscoordinator.launch_graphlearn"] + arguments,
      environment: environment, directory: commands.directory, readiness: .port(port),
      readinessDeadline: Self.readinessDeadline)
  }

  /// The handle with the addresses of the servers, by which they find each other.
  static func completed(_ handle: String, servers: [String]) throws(EngineError) -> String {
    guard let data = Data(base64Encoded: handle),
      let members = try? JSONValue(parsing: String(decoding: data, as: UTF8.self)).members
    else { throw EngineError(.invalidArgument, "the handle of the learning instance is not JSON in base64") }
    let completed = members.filter { $0.key != "server" } + [("server", .string(servers.joined(separator: ",")))]
    return Data(JSONValue.object(completed).encoded.utf8).base64EncodedString()
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
