import Engines
import FoundationEssentials
import GraphStore
import Support
import Synchronization

/// The query engine of embedded sessions: each graph that is served has a process of its own, which maps the graph's files.
///
/// A query that crashes or that uses up memory ends that process at most. The engine owns the listening sockets; the process
/// inherits them.
public final class EmbeddedQueryEngine: QueryEngine {
  /// The graphs of the session, entered by the analytical engine.
  public let graphs: GraphCatalogue
  private let workspace: String
  private let children: any ChildLauncher
  private let program: String
  private let threads: Int
  private let instances = Mutex<[Int64: Instance]>([:])

  /// A served graph.
  private final class Instance: Sendable {
    let gremlin: ListeningSocket
    let cypher: ListeningSocket?
    let failure = Mutex<Failure>(Failure())

    struct Failure {
      var error: EngineError?
      var observers: [@Sendable (EngineError) -> Void] = []
      var isClosed = false
    }

    init(withCypher: Bool) throws(EngineError) {
      gremlin = try ListeningSocket()
      cypher = withCypher ? try ListeningSocket() : nil
    }
  }

  /// The time within which a process must serve its graph.
  private static let readinessDeadline = Duration.seconds(60)

  /// Creates an engine without instances.
  /// - Parameters:
  ///   - graphs: The graphs of the session.
  ///   - workspace: A directory of the session's own.
  ///   - children: Starts the processes.
  ///   - program: The executable whose subcommand `graph-server` serves a graph.
  ///   - threads: The number of threads that a process may use.
  public init(
    graphs: GraphCatalogue, workspace: String, children: any ChildLauncher, program: String, threads: Int
  ) {
    self.graphs = graphs
    self.workspace = workspace
    self.children = children
    self.program = program
    self.threads = threads
  }

  /// Starts a process that serves the graph, and returns when it answers.
  /// - Throws: `EngineError` when the session has no such graph, or it is served already, or the process cannot serve it.
  public func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    let entry = try graphs.entry(request.objectID)
    guard entry.description.kind == .property else {
      throw EngineError(
        .illegalState, "graph \(request.objectID) is a projection to one label, which has no names to query",
        hint: "Open the instance for the property graph that it was made from")
    }
    // The process reads them again; here the client is told of a mistake.
    _ = try InstanceParameters(request.parameters)
    let instance = try Instance(withCypher: request.withCypher)
    let isNew = instances.withLock { instances in
      guard instances[request.objectID] == nil else { return false }
      instances[request.objectID] = instance
      return true
    }
    guard isNew else {
      throw EngineError(
        .illegalState, "graph \(request.objectID) has an interactive instance", hint: "Close it first")
    }
    do {
      try await start(instance, request, entry)
    } catch {
      try? await close(objectID: request.objectID)
      throw error
    }
    watch(request.objectID, instance)
    return QueryEndpoints(
      gremlin: "127.0.0.1:\(instance.gremlin.port)", cypher: instance.cypher.map { "127.0.0.1:\($0.port)" } ?? "")
  }

  private func start(
    _ instance: Instance, _ request: QueryInstanceRequest, _ entry: GraphCatalogue.Entry
  ) async throws {
    let directory = self.directory(request.objectID)
    try? Directories.remove(directory)
    try Directories.make(directory)
    let schema = directory + "/schema.json"
    try JSONEncoder().encode(entry.description.schema).write(to: URL(fileURLWithPath: schema))
    let ready = directory + "/ready"
    var arguments = [
      "graph-server", "--graph", entry.directory, "--schema", schema, "--ready", ready,
      "--threads", String(threads), "--gremlin-descriptor", String(instance.gremlin.descriptor),
    ]
    if let cypher = instance.cypher { arguments += ["--bolt-descriptor", String(cypher.descriptor)] }
    for (name, value) in request.parameters.sorted(by: { $0.key < $1.key }) {
      arguments += ["--parameter", "\(name)=\(value)"]
    }
    try await children.start(
      ChildProgram(
        name: Self.name(request.objectID), executable: program, arguments: arguments, directory: directory,
        descriptors: [instance.gremlin.descriptor] + (instance.cypher.map { [$0.descriptor] } ?? []),
        readiness: .file(ready), readinessDeadline: Self.readinessDeadline))
  }

  private static func name(_ objectID: Int64) -> String { "graph-server-\(objectID)" }

  private func directory(_ objectID: Int64) -> String { "\(workspace)/\(Self.name(objectID))" }

  /// Reports when the process ends although nobody closed the instance.
  private func watch(_ objectID: Int64, _ instance: Instance) {
    Task { [children] in
      guard let end = try? await children.waitUntilOver(Self.name(objectID)) else { return }
      let error = EngineError(
        .engineFailure, "the process that serves graph \(objectID) \(end.cause)",
        evidence: end.lastLines.joined(separator: "\n"),
        hint: "Close the instance and open it again")
      let observers = instance.failure.withLock { failure in
        guard !failure.isClosed else { return [@Sendable (EngineError) -> Void]() }
        failure.error = error
        return failure.observers
      }
      for observer in observers { observer(error) }
    }
  }

  /// Calls `body` when the process that serves a graph ends although nobody closed it, at once if it has already.
  public func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {
    guard let instance = instances.withLock({ $0[objectID] }) else { return }
    let failed = instance.failure.withLock { failure in
      failure.observers.append(body)
      return failure.error
    }
    if let failed { body(failed) }
  }

  /// Ends the process that serves a graph. Does nothing if there is none.
  public func close(objectID: Int64) async throws {
    guard let instance = instances.withLock({ $0.removeValue(forKey: objectID) }) else { return }
    instance.failure.withLock { $0.isClosed = true }
    await children.stop(Self.name(objectID))
    try? Directories.remove(directory(objectID))
  }

  /// Ends all processes.
  public func closeAll() async {
    for objectID in instances.withLock({ Array($0.keys) }) { try? await close(objectID: objectID) }
  }
}
