import Engines
import FoundationEssentials

/// The executors of an interactive instance: one on each host with workers, where it reads that host's part of the graph. They
/// connect to each other, and the front end connects to all of them.
struct QueryExecutors: Sendable {
  /// An executor and its address.
  struct Executor: Sendable {
    /// Its index among all executors.
    var index: Int
    /// The host that it runs on, and the address at which the other executors and the front end reach it.
    var host: String
    var address: String
    /// Its ports, for other executors and for jobs.
    var network: UInt16
    var jobs: UInt16
  }

  private let objectID: Int64
  private let commands: EngineCommands
  private let parameters: String
  let all: [Executor]

  /// The number of threads of an executor per worker of the analytical engine on its host.
  private static let threadsPerWorker = 2

  /// Chooses ports. On other hosts, they are only likely to be free.
  /// - Parameter parameters: The client's lines for the configuration.
  /// - Throws: `EngineError` when no ports are available.
  init(_ objectID: Int64, _ commands: EngineCommands, parameters: String) throws(EngineError) {
    (self.objectID, self.commands, self.parameters) = (objectID, commands, parameters)
    var all: [Executor] = []
    for (index, host) in commands.hosts.all.enumerated() {
      all.append(
        Executor(
          index: index, host: host.name, address: commands.address(of: host.name), network: try freePort(),
          jobs: try freePort()))
    }
    self.all = all
  }

  /// The number of threads of each executor, which must be the same for all.
  var threads: Int { Self.threadsPerWorker * (commands.hosts.all.map(\.workers).max() ?? 1) }

  /// The addresses at which the executors accept jobs, for the front end.
  var jobAddresses: String { all.map { "\($0.address):\($0.jobs)" }.joined(separator: ",") }

  /// Returns the name of an executor's process.
  func name(_ executor: Executor) -> String {
    executor.index == 0 ? "gaia_executor-\(objectID)" : "gaia_executor-\(objectID)-\(executor.index)"
  }

  /// Returns a description of an executor for messages.
  func what(_ executor: Executor) -> String {
    "the executor of the interactive instance" + (executor.host == WorkerHosts.own ? "" : " on \(executor.host)")
  }

  /// Returns the configuration of an executor.
  func properties(_ executor: Executor) -> String {
    """
    graph.name = \(objectID)
    rpc.port = \(executor.jobs)
    server.id = \(executor.index)
    server.size = \(all.count)
    network.servers = \(all.map { "\($0.address):\($0.network)" }.joined(separator: ","))
    pegasus.worker.num = \(threads)
    graph.type = VINEYARD
    graph.vineyard.object.id = \(objectID)
    \(parameters)
    """
  }

  /// Returns the path of an executor's configuration. No later instance has the same path, so copies on other hosts are never
  /// outdated.
  func file(_ executor: Executor, in directory: String) -> String {
    "\(directory)/executor-\(executor.index)-\(executor.jobs).properties"
  }

  /// Returns the process of an executor.
  /// - Throws: `EngineError` when it is for another host and OpenMPI is not installed.
  func program(_ executor: Executor, in directory: String) throws(EngineError) -> ChildProgram {
    let home = commands.installation.home
    let command = [
      home + "/bin/gaia_executor", home + "/conf/log4rs.yml", file(executor, in: directory), name(executor),
    ]
    let own = ["LOG_DIRS": directory, "LD_LIBRARY_PATH": home + "/lib", "RUST_BACKTRACE": "1"]
    // Several executors begin to serve when they are connected; the front end's first answer shows that they are.
    guard executor.host != WorkerHosts.own else {
      return ChildProgram(
        name: name(executor), executable: command[0], arguments: Array(command.dropFirst()),
        environment: commands.environment.merging(own) { $1 }, directory: commands.directory,
        readiness: all.count == 1 ? .port(executor.jobs) : .started)
    }
    let job = try commands.mpi(try WorkerHosts([executor.host]), command, adding: own)
    return ChildProgram(
      name: name(executor), executable: job.executable, arguments: job.arguments,
      environment: commands.environment.merging(job.environment) { $1 }, directory: commands.directory,
      readiness: .started)
  }
}
