import Engines

/// The commands that start a session's processes, as argument vectors. No shell is involved.
struct EngineCommands: Sendable {
  let installation: Installation
  /// The session's directory for these engines' files.
  let directory: String
  /// A directory with a short path that the session's processes share, for the store's socket and OpenMPI's memory. It is removed
  /// with the session.
  let shared: String
  /// The hosts of the analytical engine's workers.
  let hosts: WorkerHosts
  /// What follows from where the processes run.
  var placement: any Placement = ThisHost()
  /// The `PATH` with which children find programs.
  let path: String
  /// The user that the session's processes run as and that owns its directories; nil for the coordinator's own user.
  var user: EngineUser?

  /// The size, in bytes, of the pieces in which the engine sends a large result.
  static let pieceBytes = 4 << 20
  static let store = "vineyardd"
  static let engine = "grape_engine"

  /// The number of workers of the analytical engine.
  var workers: Int { hosts.workers }

  /// The path of the store's socket, for clients on this machine. The path of a Unix socket has at most 107 bytes, which a path
  /// in the session's own directory may exceed.
  var socket: String { shared + "/vineyard.sock" }

  /// Returns the object store process of this host. It serves processes of this machine through its socket only: its port would
  /// be open to the network without authentication.
  /// - Throws: `EngineError` when the store is not installed.
  func store() throws(EngineError) -> ChildProgram {
    ChildProgram(
      name: Self.store, executable: try vineyardd(), arguments: storeArguments, environment: environment,
      directory: directory, readiness: .file(socket))
  }

  /// Returns the path of the object store's program.
  func vineyardd() throws(EngineError) -> String {
    if let vineyardd = installation.vineyardd { return vineyardd }
    throw EngineError(
      .unimplemented, "vineyardd, the object store of GraphScope's engines, is not installed",
      hint: "Run: \(installation.python ?? "python3") -m pip install vineyard==0.24.2")
  }

  /// The arguments of the object store.
  var storeArguments: [String] {
    ["--socket", socket, "--rpc=false"] + placement.storeArguments
  }

  /// Returns the analytical engine: one process, or several that OpenMPI starts.
  /// - Throws: `EngineError` when several are needed and OpenMPI is not installed.
  func engine(port: UInt16) throws(EngineError) -> ChildProgram {
    let arguments = [
      "--host", engineAddress, "--port", "\(port)", "-v", "1", "--vineyard_socket", socket,
    ]
    guard workers > 1 || placement.needsMPI else {
      return program(installation.engine, arguments, port: port, [:])
    }
    let job = try mpi(hosts, [installation.engine] + arguments)
    return program(job.executable, job.arguments, port: port, job.environment)
  }

  /// The address at which the engine's first worker accepts steps.
  var engineAddress: String { placement.engineAddress(on: hosts.all[0].name) }

  /// Returns the address at which all hosts of the session reach one of them.
  func address(of host: String) -> String { placement.address(of: host) }

  /// Rejects an operation that needs all of a graph in this host's store.
  /// - Parameter what: The operation, as a sentence in the passive voice.
  /// - Throws: `EngineError.unimplemented` when other hosts hold parts of the graph.
  func requireOneStore(_ what: String) throws(EngineError) { try placement.requireOneStore(what, hosts) }

  /// Returns the process with which OpenMPI starts several processes of one program.
  /// - Parameter more: Their environment variables beyond those of all processes of the session.
  /// - Throws: `EngineError` when OpenMPI is not installed.
  func mpi(
    _ hosts: WorkerHosts, _ program: [String], adding more: [String: String] = [:]
  ) throws(EngineError) -> (executable: String, arguments: [String], environment: [String: String]) {
    guard let mpi = installation.mpi else {
      throw EngineError(
        .unimplemented, "OpenMPI's mpirun, which starts several workers, is not installed",
        hint:
          "Install it with the engines (gs-engine on PyPI includes it), run: apt-get install openmpi-bin, or request "
          + "one "
          + "worker")
    }
    let arguments =
      ["--allow-run-as-root", "--bind-to", "none", "-n", "\(hosts.workers)", "-host", hosts.mpiList]
      + placement.mpiArguments(mpi: mpi, directory: shared, environment.keys.sorted())
      + more.sorted { $0.key < $1.key }.flatMap { ["-x", "\($0.key)=\($0.value)"] } + program
    let variables = [
      // Processes in separate namespaces may not read each other's memory.
      "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_orte_allowed_exit_without_sync": "1",
      "OMPI_MCA_odls_base_sigkill_timeout": "0", "OMPI_MCA_btl_vader_backing_directory": shared,
      "OMPI_MCA_plm_rsh_agent": placement.remoteShell.joined(separator: " "),
    ]
    return (mpi + "/bin/mpirun", arguments, variables.merging(placement.mpiVariables) { $1 })
  }

  private func program(
    _ executable: String, _ arguments: [String], port: UInt16, _ extra: [String: String]
  ) -> ChildProgram {
    let isHere = hosts.includeOwn
    return ChildProgram(
      name: Self.engine, executable: executable, arguments: arguments,
      environment: environment.merging(extra) { $1 }, directory: directory,
      readiness: isHere
        ? .port(port) : .probe { [engineAddress] in await EngineConnection.answers(engineAddress, port) },
      readinessDeadline: .seconds(120))
  }

  /// The environment variables of all processes of the session. Files that they leave behind are in the session's directory.
  var environment: [String: String] {
    var variables = [
      "GRAPHSCOPE_HOME": installation.home, "TMPDIR": directory, "GLOG_logtostderr": "1", "GLOG_v": "1",
      "VINEYARD_IPC_SOCKET": socket, "GS_GRPC_CHUNK_SIZE": "\(Self.pieceBytes)",
      // A single process needs no OpenMPI daemon.
      "OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_orte_tmpdir_base": directory,
      "PATH": ([installation.pythonCommands, installation.mpi.map { $0 + "/bin" }].compactMap { $0 } + [path])
        .joined(separator: ":"),
    ]
    variables["OPAL_PREFIX"] = installation.mpi
    variables["__VINEYARD_INTERNAL_REGISTRY"] = installation.vineyardRegistry
    return variables.merging(placement.environment(shared: shared)) { $1 }
  }
}
