import Objects
import StateStore

@testable import ControlPlane

/// Graph services and jobs of the simulated coordinator. Their processes do not run on the hosts.
extension SimulatedCoordinator {
  struct Work {
    /// The graph whose server gets the queries, by service.
    var routes: [String: String] = [:]
    /// The time limits of jobs.
    var limits: [String: Duration?] = [:]
    var touchedServices: Set<String> = []
    var touchedJobs: Set<String> = []
    /// The records in the journal, after a restart.
    var services: [String: GraphServiceLifecycle.Record] = [:]
    var jobs: [String: JobLifecycle.Record] = [:]
  }

  enum WorkCommand: Equatable {
    case startServer(String, graph: String), retireServer(String, graph: String), killServer(String, graph: String)
    case runJob(String), findJob(String), cancelJob(String), killJob(String)
  }

  mutating func tell(service name: String, _ event: GraphServiceLifecycle.Event) {
    work.touchedServices.insert(name)
    run(.service(name, event))
  }

  mutating func tell(job name: String, _ event: JobLifecycle.Event) {
    work.touchedJobs.insert(name)
    if case .submit(let limit) = event, plane.jobs[name] == nil {
      work.limits[name] = limit
      effects.append(.later(milliseconds: 100, .startJob(name)))
    }
    run(.job(name, event))
  }

  mutating func perform(_ action: GraphServiceLifecycle.Action, service name: String) {
    switch action {
    case .start(let graph): effects.append(.work(.startServer(name, graph: graph)))
    case .route(let graph): work.routes[name] = graph
    case .unroute, .reportCrashLoop, .done: work.routes[name] = nil
    case .switchOver(let old, let new):
      if sabotage != .keepOldRoute { work.routes[name] = new }
      effects.append(.work(.retireServer(name, graph: old)))
    case .retire(let graphs):
      if let routed = work.routes[name], graphs.contains(routed) { work.routes[name] = nil }
      for graph in graphs { effects.append(.work(.retireServer(name, graph: graph))) }
    case .kill(let graphs): for graph in graphs { effects.append(.work(.killServer(name, graph: graph))) }
    case .none, .refuse, .reportSwitchFailed: break
    }
  }

  mutating func perform(_ action: JobLifecycle.Action, job name: String) {
    switch action {
    case .run: effects.append(.work(.runJob(name)))
    case .cancel: effects.append(.work(.cancelJob(name)))
    case .kill: effects.append(.work(.killJob(name)))
    case .report: effects.append(.later(milliseconds: 1_000, .forgetJob(name)))
    case .none: break
    }
  }

  // MARK: - Journal

  func serviceText(_ name: String) -> String? {
    guard let record = plane.services[name]?.record else { return nil }
    return ([record.phase.rawValue, record.graph ?? "-", record.next ?? "-"] + record.leaving).joined(separator: " ")
  }

  func jobText(_ name: String) -> String? {
    guard let record = plane.jobs[name]?.record else { return nil }
    let limit = work.limits[name].flatMap { $0 }.map { "\($0.components.seconds)" } ?? "-"
    return "\(record.phase.rawValue) \(record.timedOut) \(limit)"
  }

  mutating func rebuildWork(from journal: MemoryJournal) {
    for (name, text) in journal.entries(ObjectKind.graphService.prefix) {
      let words = text.split(separator: " ").map(String.init)
      let graphs = words[1...2].map { $0 == "-" ? nil : $0 }
      work.services[name] = GraphServiceLifecycle.Record(
        phase: GraphServiceLifecycle.Phase(rawValue: words[0])!, graph: graphs[0], next: graphs[1],
        leaving: Array(words[3...]))
      work.touchedServices.insert(name)
    }
    for (name, text) in journal.entries(ObjectKind.job.prefix) {
      let words = text.split(separator: " ").map(String.init)
      work.jobs[name] = JobLifecycle.Record(
        phase: JobLifecycle.Phase(rawValue: words[0])!, timedOut: words[1] == "true")
      work.limits[name] = Int(words[2]).map { .seconds($0) }
      work.touchedJobs.insert(name)
    }
  }

  mutating func recoverWork() {
    for (name, record) in work.services.sorted(by: { $0.key < $1.key }) { run(.recoverService(name, record)) }
    for (name, record) in work.jobs.sorted(by: { $0.key < $1.key }) {
      run(.recoverJob(name, record, timeLimit: work.limits[name] ?? nil))
      switch record.phase {
      case .waiting: effects.append(.later(milliseconds: 100, .startJob(name)))
      case .running: effects.append(.work(sabotage == .runJobsAgain ? .runJob(name) : .findJob(name)))
      // The cancellation is repeated.
      case .cancelling: break
      case .succeeded, .failed, .cancelled: effects.append(.later(milliseconds: 1_000, .forgetJob(name)))
      }
    }
    (work.services, work.jobs) = ([:], [:])
  }
}
