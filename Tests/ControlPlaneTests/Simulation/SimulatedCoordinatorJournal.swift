import Objects
import Scheduling
import StateStore
import Supervision

@testable import ControlPlane

/// Journaling and recovery of the simulated coordinator.
extension SimulatedCoordinator {
  /// Returns the changes since the last transaction, and the effects to perform once they are journaled.
  mutating func takeTransaction() -> (changes: [StateChange], effects: [Effect]) {
    var changes: [StateChange] = []
    for name in touchedSessions.sorted() {
      if let deadline = sessions[name]?.composition.deadline { effects.append(.wake(deadline, .wakeSession(name))) }
      if sessions[name] == nil { leases[name] = nil }
      changes.append(change(ObjectKind.session.key(name), sessionText(name)))
    }
    for owner in touchedOwners.sorted() {
      changes.append(change(ObjectKind.instance.key(owner), instanceText(owner)))
      changes.append(change("allocations/" + owner, allocationText(owner)))
    }
    for id in touchedChildren.sorted() {
      if let deadline = children[id]?.machine.deadline { effects.append(.wake(deadline, .wakeChild(id))) }
    }
    for name in touchedHosts.sorted() { changes.append(change("hosts/" + name, hosts[name]!.isLost ? "lost" : "here")) }
    for step in touchedSteps.sorted() { changes.append(change(ObjectKind.step.key(step), steps[step])) }
    for name in work.touchedServices.sorted() {
      if let deadline = plane.services[name]?.deadline { effects.append(.wake(deadline, .wakePlane)) }
      changes.append(change(ObjectKind.graphService.key(name), serviceText(name)))
    }
    for name in work.touchedJobs.sorted() {
      if let deadline = plane.jobs[name]?.deadline { effects.append(.wake(deadline, .wakePlane)) }
      if plane.jobs[name] == nil { work.limits[name] = nil }
      changes.append(change(ObjectKind.job.key(name), jobText(name)))
    }
    work.touchedServices = []
    work.touchedJobs = []
    let taken = effects
    effects = []
    touchedSessions = []
    touchedOwners = []
    touchedChildren = []
    touchedHosts = []
    touchedSteps = []
    return (changes, taken)
  }

  /// Returns everything that the journal must contain, for comparison.
  func image() -> [String: String] {
    var image: [String: String] = [:]
    for (name, session) in sessions {
      image[ObjectKind.session.key(name)] = sessionText(name)
      for instance in session.composition.instances {
        let owner = name + "/" + instance
        image[ObjectKind.instance.key(owner)] = instanceText(owner)
      }
    }
    for owner in holding { image["allocations/" + owner] = allocationText(owner) }
    for (name, host) in hosts { image["hosts/" + name] = host.isLost ? "lost" : "here" }
    for (step, session) in steps { image[ObjectKind.step.key(step)] = session }
    for name in plane.services.keys { image[ObjectKind.graphService.key(name)] = serviceText(name) }
    for name in plane.jobs.keys { image[ObjectKind.job.key(name)] = jobText(name) }
    return image
  }

  /// Rebuilds the coordinator from a journal, with the steps to report as failed.
  static func rebuilt(
    from journal: MemoryJournal, sabotage: Sabotage, capacity: Resources, at now: ContinuousClock.Instant
  ) -> SimulatedCoordinator {
    var plane = SimulatedCoordinator(sabotage: sabotage, capacity: capacity)
    plane.now = now
    var instances: [String: [SessionControl.Record.Instance]] = [:]
    for (owner, text) in journal.entries(ObjectKind.instance.prefix) {
      instances[parts(owner).session, default: []].append(recorded(owner, text))
      plane.ownersOf[parts(owner).session, default: []].insert(owner)
      plane.queueNumbers[owner] = Int(text.split(separator: " ")[5])
    }
    plane.nextQueueNumber = (plane.queueNumbers.values.max() ?? -1) + 1
    plane.rebuildScheduler(from: journal, instances.values.flatMap { $0 })
    for (name, text) in journal.entries(ObjectKind.session.prefix) {
      let words = text.split(separator: " ").map(String.init)
      let lease = Int(words[0]).map { Duration.seconds($0) }
      plane.records[name] = SessionControl.Record(
        lease: lease, isClosing: words[1] == "closing", graphs: words.count > 2 ? [words[2]: words[2]] : [:],
        instances: instances[name] ?? [])
      plane.leases[name] = lease
      plane.touchedSessions.insert(name)
    }
    plane.rebuildWork(from: journal)
    // Their processes' responses are lost: the steps are over and reported as failed.
    plane.touchedSteps = Set(journal.entries(ObjectKind.step.prefix).map(\.name))
    return plane
  }

  /// The sessions in the journal, before anything is done about them.
  var recovered: [String: SessionControl] {
    records.mapValues { SessionControl.recovered($0, timeouts: Self.timeouts, at: now).session }
  }

  /// Performs what the recovered lifecycles require.
  mutating func recover() {
    for name in hosts.keys.sorted() where !hosts[name]!.isLost {
      effects.append(.later(milliseconds: 30_000, .lookForHost(name, link: 0)))
    }
    touchedByRecovery = Set(holding)
    var asked: [ControlPlane.Effect] = []
    for (name, record) in records.sorted(by: { $0.key < $1.key }) {
      asked += plane.handle(.recover(name, record), at: now)
    }
    records = [:]
    perform(asked)
    recoverWork()
    run(.resources(.decide))
  }

  private mutating func rebuildScheduler(from journal: MemoryJournal, _ instances: [SessionControl.Record.Instance]) {
    let requests = Dictionary(uniqueKeysWithValues: instances.map { ($0.request.owner, $0.request) })
    let known = journal.entries("hosts/")
    var events: [ResourceEvent] = []
    for (name, state) in known {
      hosts[name] = Host(isLost: state == "lost")
      events.append(.host(name, capacity, labels: [:]))
    }
    for (owner, text) in journal.entries("allocations/") {
      guard let request = requests[Self.reference(owner)] else {
        faults.append("\(owner) holds resources and is not known")
        continue
      }
      let placements = zip(text.split(separator: " "), request.members).map {
        Allocation.Placement(host: String($0), resources: $1.resources)
      }
      events.append(.restore(Allocation(owner: request.owner, placements: placements), of: request))
    }
    for (name, state) in known where state == "lost" { events.append(.hostLost(name)) }
    for (owner, _) in queueNumbers.sorted(by: { $0.value < $1.value }) {
      if let request = requests[Self.reference(owner)] { events.append(.restoreWaiting(request)) }
    }
    for event in events {
      for effect in plane.handle(.resources(event), at: now) {
        if case .hostLost = effect { continue }
        faults.append("the journal's scheduler can be rebuilt: \(effect)")
      }
    }
  }

  // MARK: - Text

  private func change(_ key: String, _ text: String?) -> StateChange {
    text.map { .put(key, Array($0.utf8)) } ?? .delete(key)
  }

  private func sessionText(_ name: String) -> String? {
    guard let session = sessions[name] else { return nil }
    let lease = leases[name].flatMap { $0 }.map { "\($0.components.seconds)" } ?? "-"
    let isClosing = session.phase == .closing && sabotage != .forgetClosing
    return ([lease, isClosing ? "closing" : "open"] + session.graphs.keys).joined(separator: " ")
  }

  private func instanceText(_ owner: String) -> String? {
    let (session, instance) = Self.parts(owner)
    guard let recorded = sessions[session]?.composition.recorded(instance), let request = request(of: owner) else {
      return nil
    }
    let words = [
      recorded.kind.rawValue, recorded.graph ?? "-", recorded.record.phase.rawValue, "\(recorded.record.isFailure)",
      "\(request.members.count)", queueNumbers[owner].map { "\($0)" } ?? "-",
    ]
    return words.joined(separator: " ")
  }

  private func allocationText(_ owner: String) -> String? {
    allocation(of: owner)?.placements.map(\.host).joined(separator: " ")
  }

  private static func recorded(_ owner: String, _ text: String) -> SessionControl.Record.Instance {
    let words = text.split(separator: " ").map(String.init)
    let kind = InstanceKind(rawValue: words[0])!
    let record = InstanceLifecycle.Record(
      phase: InstanceLifecycle.Phase(rawValue: words[2])!, isFailure: words[3] == "true")
    return .init(
      recorded: .init(
        name: parts(owner).instance, kind: kind, graph: words[1] == "-" ? nil : words[1], record: record),
      request: request(owner, kind, workers: Int(words[4])!))
  }
}
