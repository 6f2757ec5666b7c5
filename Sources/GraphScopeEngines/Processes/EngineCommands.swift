import Engines

/// What a session's processes are started with. Argument vectors; no shell is involved.
struct EngineCommands: Sendable {
  let installation: Installation
  /// The session's directory for these engines' files.
  let directory: String
  /// A directory with a short path, for what the session's processes share: the store's socket, and OpenMPI's memory. It is
  /// removed with the session.
  let shared: String
  /// Where the workers of the analytical engine run.
  let hosts: WorkerHosts
  /// The program that runs commands on other hosts, and its first arguments.
  var remoteShell = HostReach.ssh
  /// How the hosts find each other; nil when all workers are here.
  var spread: Spread?
  /// Variables of ours that decide how children find programs.
  let path: String

  /// Bytes of a piece of a large result, as the engine sends it.
  static let pieceBytes = 4 << 20
  static let store = "vineyardd"
  static let engine = "grape_engine"

  /// Workers of the analytical engine.
  var workers: Int { hosts.workers }

  /// Where clients on this machine find the store. The path of a Unix socket has at most 107 bytes, which a session's own
  /// directory may exceed.
  var socket: String { shared + "/vineyard.sock" }

  /// The object store of this host. It serves this machine's processes through its socket alone: its port would be open to
  /// the network, and it asks nobody who they are.
  /// - Throws: `EngineError` when it is not installed.
  func store() throws(EngineError) -> ChildProgram {
    ChildProgram(
      name: Self.store, executable: try vineyardd(), arguments: storeArguments, environment: environment,
      directory: directory, readiness: .file(socket))
  }

  /// The object store's program.
  func vineyardd() throws(EngineError) -> String {
    if let vineyardd = installation.vineyardd { return vineyardd }
    throw EngineError(
      .unimplemented, "vineyardd, the object store of GraphScope's engines, is not installed",
      hint: "Run: \(installation.python ?? "python3") -m pip install vineyard==0.24.2")
  }

  /// What the object store is started with.
  var storeArguments: [String] {
    ["--socket", socket, "--rpc=false"] + (spread?.storeArguments ?? ["--meta", "local"])
  }

  /// The analytical engine: one process, or several that OpenMPI starts.
  /// - Throws: `EngineError` when there are to be several and OpenMPI is not installed.
  func engine(port: UInt16) throws(EngineError) -> ChildProgram {
    let arguments = [
      "--host", engineAddress, "--port", "\(port)", "-v", "1", "--vineyard_socket", socket,
    ]
    guard workers > 1 || spread != nil else {
      return program(installation.engine, arguments, port: port, [:])
    }
    let job = try mpi(hosts, [installation.engine] + arguments)
    return program(job.executable, job.arguments, port: port, job.environment)
  }

  /// Where the engine's first worker takes steps.
  var engineAddress: String { spread?.network.others[hosts.all[0].name]?.description ?? "127.0.0.1" }

  /// The address by which all hosts of the session reach one of them.
  func address(of host: String) -> String {
    guard let spread else { return "127.0.0.1" }
    return "\(spread.network.others[host] ?? spread.network.own)"
  }

  /// Processes of one program that OpenMPI starts.
  /// - Parameter more: variables of theirs beside those of all processes of the session.
  /// - Throws: `EngineError` when it is not installed.
  func mpi(
    _ hosts: WorkerHosts, _ program: [String], adding more: [String: String] = [:]
  ) throws(EngineError) -> (executable: String, arguments: [String], environment: [String: String]) {
    guard let mpi = installation.mpi else {
      throw EngineError(
        .unimplemented, "OpenMPI's mpirun, by which several workers are started, is not installed",
        hint:
          "Install it with the engines (pip's gs-engine brings it), run: apt-get install openmpi-bin, or ask for one "
          + "worker")
    }
    let arguments =
      ["--allow-run-as-root", "--bind-to", "none", "-n", "\(hosts.workers)", "-host", hosts.mpiList]
      + (spread.map { $0.mpiArguments(mpi: mpi, directory: shared, environment.keys.sorted()) } ?? [])
      + more.sorted { $0.key < $1.key }.flatMap { ["-x", "\($0.key)=\($0.value)"] } + program
    let variables = [
      // Processes in namespaces of their own may not read each other's memory.
      "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_orte_allowed_exit_without_sync": "1",
      "OMPI_MCA_odls_base_sigkill_timeout": "0", "OMPI_MCA_btl_vader_backing_directory": shared,
      // Where nothing is started on other machines, a machine without ssh is no obstacle.
      "OMPI_MCA_plm_rsh_agent": spread == nil ? "/bin/false" : remoteShell.joined(separator: " "),
    ]
    return (mpi + "/bin/mpirun", arguments, variables.merging(spread?.mpiVariables ?? [:]) { $1 })
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

  /// Variables of all processes of the session. What they leave behind lies in the session's directory.
  var environment: [String: String] {
    var variables = [
      "GRAPHSCOPE_HOME": installation.home, "TMPDIR": directory, "GLOG_logtostderr": "1", "GLOG_v": "1",
      "VINEYARD_IPC_SOCKET": socket, "GS_GRPC_CHUNK_SIZE": "\(Self.pieceBytes)",
      // Alone, the engine needs no daemon of OpenMPI's beside it.
      "OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_orte_tmpdir_base": directory,
      "PATH": ([installation.pythonCommands, installation.mpi.map { $0 + "/bin" }].compactMap { $0 } + [path])
        .joined(separator: ":"),
    ]
    variables["OPAL_PREFIX"] = installation.mpi
    variables["__VINEYARD_INTERNAL_REGISTRY"] = installation.vineyardRegistry
    if let spread {
      variables[Spread.keyAgentVariable] = spread.keyAgent
      // The one directory that the session has on every host.
      (variables["TMPDIR"], variables["OMPI_MCA_orte_tmpdir_base"]) = (shared, shared)
    }
    return variables
  }
}
