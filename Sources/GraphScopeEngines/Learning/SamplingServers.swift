import Engines
import FoundationEssentials
import JSON
import Wire

/// The servers of one learning instance: their processes, and their addresses for clients.
struct SamplingServers: Sendable {
  /// The processes in the order in which to start them. One without a port of its own counts as ready as soon as it runs.
  let programs: [ChildProgram]
  /// The addresses that clients receive, as `host:port`.
  let endpoints: [String]

  /// The time within which a server must listen.
  private static let readinessDeadline = Duration.seconds(120)

  /// Returns the servers of graphlearn: one for each worker of the analytical engine, on its host, each with a port.
  static func graphlearn(
    _ request: LearningInstanceRequest, _ environment: PythonEnvironment
  ) throws(EngineError) -> SamplingServers {
    let commands = environment.commands
    var ports: [UInt16] = []
    for _ in 0..<commands.workers { ports.append(try freePort()) }
    let places = zip(commands.hosts.ofWorkers, ports)
    let endpoints = places.map { "\(commands.placement.publicName(of: $0)):\($1)" }
    let handle = try completed(request.handle) { members in
      members["server"] = .string(endpoints.joined(separator: ","))
    }
    var programs: [ChildProgram] = []
    for (index, (host, port)) in places.enumerated() {
      programs.append(
        try environment.server(
          "graphlearn-\(request.objectID)-\(index)", module: "gscoordinator.launch_graphlearn",
          [handle, request.configuration, "\(index)"], .port(port), readinessDeadline, on: host))
    }
    return SamplingServers(programs: programs, endpoints: endpoints)
  }

  /// Returns the servers of graphlearn-torch: one for each worker. When the first server has read its part of the graph, it
  /// listens at a port through which the other servers and the clients find all servers. Three more ports are for clients that
  /// train, validate and test, which listen there themselves.
  static func graphlearnTorch(
    _ request: LearningInstanceRequest, _ environment: PythonEnvironment
  ) throws(EngineError) -> SamplingServers {
    var ports: [UInt16] = []
    for _ in 0..<4 { ports.append(try freePort()) }
    let master = ports[0]
    let handle = try completed(request.handle) { members in
      members["server_client_master_port"] = .integer(Int64(master))
      members["master_addr"] = .string("localhost")
      // Files of the client for a cluster of its own; an argument has at most 128 KiB.
      members["manifest"] = nil
      members["client_content"] = nil
    }
    var programs: [ChildProgram] = []
    for index in (0..<environment.commands.workers).reversed() {
      programs.append(
        try environment.server(
          "graphlearn-torch-\(request.objectID)-\(index)", module: "gscoordinator.launch_graphlearn_torch",
          [handle, request.configuration, "\(index)"], index == 0 ? .port(master) : .started, readinessDeadline))
    }
    return SamplingServers(programs: programs, endpoints: ports.map { "localhost:\($0)" })
  }

  /// Returns the client's handle, completed with what servers need to know.
  static func completed(
    _ handle: String, _ body: (inout Members) -> Void
  ) throws(EngineError) -> String {
    guard let data = Data(base64Encoded: handle),
      let members = try? JSONValue(parsing: String(decoding: data, as: UTF8.self)).members
    else { throw EngineError(.invalidArgument, "the handle of the learning instance is not JSON in base64") }
    var completed = Members(list: members)
    body(&completed)
    return Data(JSONValue.object(completed.list).encoded.utf8).base64EncodedString()
  }

  /// The members of a JSON object in their original order.
  struct Members {
    fileprivate var list: [(key: String, value: JSONValue)]

    subscript(key: String) -> JSONValue? {
      get { list.last { $0.key == key }?.value }
      set {
        list.removeAll { $0.key == key }
        if let newValue { list.append((key, newValue)) }
      }
    }
  }
}

/// The Python environment that contains GraphScope's packages.
struct PythonEnvironment: Sendable {
  let commands: EngineCommands
  private let python: String
  private let packages: String

  /// - Throws: `EngineError.unimplemented` when there is none.
  init(_ commands: EngineCommands) throws(EngineError) {
    guard let python = commands.installation.python, let packages = commands.installation.packages else {
      throw EngineError(
        .unimplemented, "learning needs the Python environment of GraphScope's engines",
        hint: InstallationProblem.remedy)
    }
    (self.commands, self.python, self.packages) = (commands, python, packages)
  }

  /// Returns a server that runs a module of the packages, on this host or another host of the session.
  /// - Throws: `EngineError` when it is for another host and OpenMPI is not installed.
  func server(
    _ name: String, module: String, _ arguments: [String], _ readiness: ChildProgram.Readiness, _ deadline: Duration,
    on host: String = WorkerHosts.own
  ) throws(EngineError) -> ChildProgram {
    let readiness = commands.placement.readiness(readiness, on: host)
    guard host != WorkerHosts.own else {
      return ChildProgram(
        name: name, executable: python, arguments: ["-m", module] + arguments, environment: variables,
        directory: commands.directory, readiness: readiness, readinessDeadline: deadline)
    }
    let job = try commands.mpi(
      try WorkerHosts([host]), [python, "-m", module] + arguments, adding: ["PYTHONPATH": packages])
    return ChildProgram(
      name: name, executable: job.executable, arguments: job.arguments,
      environment: commands.environment.merging(job.environment) { $1 }, directory: commands.directory,
      readiness: readiness, readinessDeadline: deadline)
  }

  private var variables: [String: String] {
    var variables = commands.environment
    variables["PYTHONPATH"] = packages
    return variables
  }

  /// Checks that Python can import graphlearn-torch, which is part of the packages, and torch, which is not.
  /// - Throws: `EngineError.unimplemented` that says what to install; `CancellationError`.
  func checkTorch(_ children: any ChildLauncher) async throws {
    let program = ChildProgram(
      name: "torch-\(UInt32.random(in: 0...UInt32.max))", executable: python,
      arguments: ["-c", "import torch; import graphscope.learning.graphlearn_torch"], environment: variables,
      directory: commands.directory)
    let slow = EngineError(.engineFailure, "'\(python)' did not import torch within 120 s")
    let end = try await within(.seconds(120), orElse: slow) { try await children.run(program) }
    guard end.isSuccess else {
      throw EngineError(
        .unimplemented, "graphlearn-torch needs torch, which '\(python)' cannot import",
        evidence: end.lastLines.last ?? end.cause,
        // graphlearn-torch 0.29 is linked against a libtorch of these versions.
        hint: "Run: \(python) -m pip install 'torch>=2.4,<2.6' torch_geometric")
    }
  }
}
