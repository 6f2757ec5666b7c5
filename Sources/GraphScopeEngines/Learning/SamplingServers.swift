import Engines
import FoundationEssentials
import Wire

/// The servers of one learning instance: what they are started with, and where clients find them.
struct SamplingServers: Sendable {
  /// In the order in which they are started. One without a port of its own counts as ready as soon as it runs.
  let programs: [ChildProgram]
  /// What clients are told, `host:port`.
  let endpoints: [String]

  /// How long a server may take until it listens.
  private static let readinessDeadline = Duration.seconds(120)

  /// Servers of graphlearn: one for each worker of the analytical engine, on its host, each with a port.
  static func graphlearn(
    _ request: LearningInstanceRequest, _ environment: PythonEnvironment
  ) throws(EngineError) -> SamplingServers {
    let commands = environment.commands
    var ports: [UInt16] = []
    for _ in 0..<commands.workers { ports.append(try freePort()) }
    let places = zip(commands.hosts.ofWorkers, ports)
    let endpoints = places.map { "\(commands.spread == nil ? "localhost" : commands.address(of: $0)):\($1)" }
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

  /// Servers of graphlearn-torch: one for each worker. The first one listens, when it has read its part of the graph, at a
  /// port by which the others and the clients find everybody. Three more ports are for clients that train, validate and
  /// test: they listen there themselves.
  static func graphlearnTorch(
    _ request: LearningInstanceRequest, _ environment: PythonEnvironment
  ) throws(EngineError) -> SamplingServers {
    var ports: [UInt16] = []
    for _ in 0..<4 { ports.append(try freePort()) }
    let master = ports[0]
    let handle = try completed(request.handle) { members in
      members["server_client_master_port"] = .integer(Int64(master))
      members["master_addr"] = .string("localhost")
      // Files of the client's for a cluster of its own; an argument has at most 128 KiB.
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

  /// The client's handle with what servers must know beside it.
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

  /// Members of a JSON object, which keep their order.
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

/// The Python that GraphScope's packages are installed in.
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

  /// A server that a module of the packages is, on this host or another one of the session's.
  /// - Throws: `EngineError` when it is for another host and OpenMPI is not installed.
  func server(
    _ name: String, module: String, _ arguments: [String], _ readiness: ChildProgram.Readiness, _ deadline: Duration,
    on host: String = WorkerHosts.own
  ) throws(EngineError) -> ChildProgram {
    var readiness = readiness
    if commands.spread != nil, case .port(let port) = readiness {
      readiness = .probe { [address = commands.address(of: host)] in await accepts(address, port) }
    }
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

  /// Asks the Python to import graphlearn-torch, which its packages bring, and torch, which they do not.
  /// - Throws: `EngineError.unimplemented` with what is to be installed when it cannot; `CancellationError`.
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
