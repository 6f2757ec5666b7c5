import Engines
import FoundationEssentials
import Synchronization
import Wire

/// GraphScope's learning engine: one graphlearn server for each worker of the analytical engine. They read the graph in
/// the object store, and clients' libraries speak to them directly.
final class NativeLearningEngine: LearningEngine {
  private let commands: EngineCommands
  private let children: any ChildLauncher
  /// Names of the servers by the graph's number.
  private let open = Mutex<[Int64: [String]]>([:])

  /// How long a server may take until it listens.
  private static let readinessDeadline = Duration.seconds(120)

  init(_ commands: EngineCommands, _ children: any ChildLauncher) {
    self.commands = commands
    self.children = children
  }

  /// Starts the servers; returns when all of them listen.
  /// - Throws: `EngineError` when one ends or does not listen in time; nothing is left of them then.
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
    open.withLock { $0[request.objectID] = names }
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
    return LearningInstance(handle: request.handle, configuration: request.configuration, endpoints: endpoints)
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
    for name in open.withLock({ $0.removeValue(forKey: objectID) }) ?? [] { await children.stop(name) }
  }

  func closeAll() async {
    for objectID in open.withLock({ Array($0.keys) }) { try? await close(objectID: objectID) }
  }
}
