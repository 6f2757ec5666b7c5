import Engines

/// Where the processes of a session run, and what follows from it: how its object stores know of each other, how processes
/// are started on its hosts, and by which addresses these reach each other. Everything else about a session's processes is
/// the same everywhere.
protocol Placement: Sendable {
  /// The program that runs commands on other hosts, and its first arguments.
  var remoteShell: [String] { get }

  // MARK: Addresses

  /// The address by which all hosts of the session reach one of them.
  func address(of host: String) -> String

  /// Where the engine's first worker, which is on this host of the session, takes steps.
  func engineAddress(on host: String) -> String

  /// The host as clients of a session's servers are told it.
  func publicName(of host: String) -> String

  // MARK: Processes

  /// What an object store is started with, beside its socket.
  var storeArguments: [String] { get }

  /// The session's object stores and what they need, each with what it is, in the order in which they are started: each
  /// serves before the next one begins.
  /// - Throws: `EngineError` when something is not installed.
  func stores(_ commands: EngineCommands) throws(EngineError) -> [(program: ChildProgram, what: String)]

  /// Whether OpenMPI starts the engine also when it has one worker.
  var needsMPI: Bool { get }

  /// Arguments of a job of MPI's.
  /// - Parameter variables: those that processes on other hosts get, too.
  func mpiArguments(mpi: String, directory: String, _ variables: [String]) -> [String]

  /// Variables of MPI's.
  var mpiVariables: [String: String] { get }

  /// Variables of all processes of the session, beside the usual ones.
  func environment(shared: String) -> [String: String]

  /// When a server on a host of the session counts as started, if it does so by a port.
  func readiness(_ readiness: ChildProgram.Readiness, on host: String) -> ChildProgram.Readiness

  // MARK: Directories

  /// The directory of a session's files that is there on all of its hosts.
  func commonDirectory(_ commands: EngineCommands) -> String

  /// Notes whose the session's shared directory is, where its name does not say so.
  func claim(_ directory: String) throws

  /// Refuses what needs all of a graph in this host's store.
  /// - Parameter what: what is done with it, a sentence in the passive.
  /// - Throws: `EngineError.unimplemented` when other hosts have parts of it.
  func requireOneStore(_ what: String, _ hosts: WorkerHosts) throws(EngineError)
}

/// All workers are on the coordinator's host.
struct ThisHost: Placement {
  // Where nothing is started on other machines, a machine without ssh is no obstacle.
  let remoteShell = ["/bin/false"]

  func address(of host: String) -> String { "127.0.0.1" }
  func engineAddress(on host: String) -> String { "127.0.0.1" }
  func publicName(of host: String) -> String { "localhost" }

  var storeArguments: [String] { ["--meta", "local"] }

  func stores(_ commands: EngineCommands) throws(EngineError) -> [(program: ChildProgram, what: String)] {
    [(try commands.store(), "the session's object store")]
  }

  var needsMPI: Bool { false }
  func mpiArguments(mpi: String, directory: String, _ variables: [String]) -> [String] { [] }
  var mpiVariables: [String: String] { [:] }
  func environment(shared: String) -> [String: String] { [:] }
  func readiness(_ readiness: ChildProgram.Readiness, on host: String) -> ChildProgram.Readiness { readiness }
  func commonDirectory(_ commands: EngineCommands) -> String { commands.directory }
  func claim(_ directory: String) throws {}
  func requireOneStore(_ what: String, _ hosts: WorkerHosts) throws(EngineError) {}
}
