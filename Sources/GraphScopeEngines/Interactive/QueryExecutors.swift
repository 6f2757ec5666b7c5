import Engines
import FoundationEssentials

/// The executors of an interactive instance: one on each host that has workers, where it reads the host's part of the
/// graph. They speak to each other, and the front end to all of them.
struct QueryExecutors: Sendable {
  /// An executor and where it listens.
  struct Executor: Sendable {
    /// Its place among all.
    var index: Int
    /// The host it runs on, and the address by which the others and the front end reach it.
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

  /// Threads of an executor for each worker of the analytical engine on its host.
  private static let threadsPerWorker = 2

  /// Chooses ports; on other hosts they are most likely free.
  /// - Parameter parameters: lines of the client's, for the configuration.
  /// - Throws: `EngineError` when there are none.
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

  /// Threads of each executor; they must all have as many.
  var threads: Int { Self.threadsPerWorker * (commands.hosts.all.map(\.workers).max() ?? 1) }

  /// Where jobs are taken, for the front end.
  var jobAddresses: String { all.map { "\($0.address):\($0.jobs)" }.joined(separator: ",") }

  /// The name of an executor's process.
  func name(_ executor: Executor) -> String {
    executor.index == 0 ? "gaia_executor-\(objectID)" : "gaia_executor-\(objectID)-\(executor.index)"
  }

  /// What an executor is, for people.
  func what(_ executor: Executor) -> String {
    "the executor of the interactive instance" + (executor.host == WorkerHosts.own ? "" : " on \(executor.host)")
  }

  /// An executor's configuration.
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

  /// The file of an executor's configuration; no later instance has the same, so that a copy of it is never an old one.
  func file(_ executor: Executor, in directory: String) -> String {
    "\(directory)/executor-\(executor.index)-\(executor.jobs).properties"
  }

  /// An executor's process.
  /// - Throws: `EngineError` when it is for another host and OpenMPI is not installed.
  func program(_ executor: Executor, in directory: String) throws(EngineError) -> ChildProgram {
    let home = commands.installation.home
    let command = [
      home + "/bin/gaia_executor", home + "/conf/log4rs.yml", file(executor, in: directory), name(executor),
    ]
    let own = ["LOG_DIRS": directory, "LD_LIBRARY_PATH": home + "/lib", "RUST_BACKTRACE": "1"]
    // Several begin to serve when they have found each other; the front end's first answer tells that they have.
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
