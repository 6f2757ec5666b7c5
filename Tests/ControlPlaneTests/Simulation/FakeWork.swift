@testable import ControlPlane

/// Servers of graph services and processes of jobs. Their behaviour depends on their names; they outlive the coordinator.
struct FakeWork {
  struct Process {
    let number: Int
    let hash: UInt64
    var isReady = false
  }

  /// The servers, by service and graph.
  var servers: [String: Process] = [:]
  var jobs: [String: Process] = [:]
  /// The outcomes of jobs.
  var results: [String: Bool] = [:]
  /// The times of the last exits of servers.
  var exits: [String: Int] = [:]
  private var starts: [String: Int] = [:]

  var isEmpty: Bool { servers.isEmpty && jobs.isEmpty }

  /// - Returns: A new process, and the number of processes started under that name.
  mutating func spawn(_ name: String) -> (process: Process, starts: Int) {
    starts[name, default: 0] += 1
    let count = starts[name]!
    return (Process(number: count, hash: stableHash("\(name)#\(count)")), count)
  }
}

extension Simulation {
  enum WorkItem {
    case command(SimulatedCoordinator.WorkCommand)
    case serverReady(String, graph: String, number: Int)
    case serverInterrupted(String, graph: String, number: Int)
    case serverExit(String, graph: String, number: Int)
    case jobExit(String, number: Int, succeeds: Bool)
  }

  mutating func handle(_ item: WorkItem) {
    switch item {
    case .command(let command): deliver(command)
    case .serverReady(let name, let graph, let number):
      guard work.servers[name + "/" + graph]?.number == number else { return }
      work.servers[name + "/" + graph]!.isReady = true
      say(.service(name, .becameReady(graph: graph)))
    case .serverInterrupted(let name, let graph, let number):
      guard work.servers[name + "/" + graph]?.number == number else { return }
      work.servers[name + "/" + graph]!.isReady = false
      say(.service(name, .interrupted(graph: graph)))
      agenda.add(.work(.serverReady(name, graph: graph, number: number)), at: time + 1_000)
    case .serverExit(let name, let graph, let number):
      guard work.servers[name + "/" + graph]?.number == number else { return }
      work.servers[name + "/" + graph] = nil
      work.exits[name + "/" + graph] = time
      say(.service(name, .ended(graph: graph)))
    case .jobExit(let name, let number, let succeeds):
      guard work.jobs[name]?.number == number else { return }
      work.jobs[name] = nil
      work.results[name] = succeeds
      say(.job(name, succeeds ? .succeeded : .failed))
    }
  }

  private mutating func say(_ input: SimulatedCoordinator.Input) { agenda.add(.call(input), at: time + 5) }

  private mutating func deliver(_ command: SimulatedCoordinator.WorkCommand) {
    switch command {
    case .startServer(let name, let graph): startServer(name, graph)
    case .retireServer(let name, let graph):
      guard let server = work.servers[name + "/" + graph] else { return tellEnded(name, graph) }
      // It finishes its queries or hangs.
      guard server.hash % 10 != 0 else { return }
      agenda.add(.work(.serverExit(name, graph: graph, number: server.number)), at: time + 200)
    case .killServer(let name, let graph):
      guard let server = work.servers[name + "/" + graph] else { return tellEnded(name, graph) }
      handle(.serverExit(name, graph: graph, number: server.number))
    case .runJob(let name): runJob(name)
    case .findJob(let name): if work.jobs[name] == nil { tellResult(of: name) }
    case .cancelJob(let name):
      guard let job = work.jobs[name] else { return tellResult(of: name) }
      guard job.hash % 10 != 0 else { return }
      agenda.add(.work(.jobExit(name, number: job.number, succeeds: false)), at: time + 300)
    case .killJob(let name):
      guard let job = work.jobs[name] else { return tellResult(of: name) }
      handle(.jobExit(name, number: job.number, succeeds: false))
    }
  }

  /// Reports once that there is no such server; an earlier report may still be in transit.
  private mutating func tellEnded(_ name: String, _ graph: String) {
    if let exit = work.exits[name + "/" + graph], exit + 10 > time { return }
    say(.service(name, .ended(graph: graph)))
  }

  private mutating func tellResult(of job: String) { say(.job(job, work.results[job] == true ? .succeeded : .failed)) }

  private mutating func startServer(_ name: String, _ graph: String) {
    if let server = work.servers[name + "/" + graph] {
      if server.isReady { say(.service(name, .becameReady(graph: graph))) }
      return
    }
    let (server, _) = work.spawn(name + "/" + graph)
    work.servers[name + "/" + graph] = server
    let count = work.servers.keys.count { $0.hasPrefix(name + "/") }
    if count > 2 { observer.fail("a service has two servers at most", "\(name) has \(count)") }
    let ready = time + 100 + Int(server.hash % 3_000)
    if server.hash % 7 == 0 {
      agenda.add(.work(.serverExit(name, graph: graph, number: server.number)), at: ready)
    } else {
      agenda.add(.work(.serverReady(name, graph: graph, number: server.number)), at: ready)
    }
    if server.hash % 5 == 0 {
      agenda.add(.work(.serverInterrupted(name, graph: graph, number: server.number)), at: ready + 20_000)
    }
  }

  private mutating func runJob(_ name: String) {
    let (job, starts) = work.spawn(name)
    if starts > 1 { observer.fail("a job runs once", name) }
    work.jobs[name] = job
    agenda.add(
      .work(.jobExit(name, number: job.number, succeeds: job.hash % 4 != 0)), at: time + 500 + Int(job.hash % 60_000))
  }
}
