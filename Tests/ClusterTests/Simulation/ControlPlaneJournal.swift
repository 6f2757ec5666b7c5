@testable import Cluster

/// What the simulated coordinator writes down, and how it comes back from it.
extension ControlPlane {
  /// What changed since the last transaction, for the journal, and what to do when it is there.
  mutating func takeTransaction() -> (changes: [StateChange], effects: [Effect]) {
    var changes: [StateChange] = []
    for name in touchedSessions.sorted() {
      if let deadline = sessions[name]?.deadline { effects.append(.wake(deadline, .wakeSession(name))) }
      if sessions[name]?.phase == .closed {
        sessions[name] = nil
        leases[name] = nil
      }
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
    let taken = effects
    effects = []
    touchedSessions = []
    touchedOwners = []
    touchedChildren = []
    touchedHosts = []
    touchedSteps = []
    return (changes, taken)
  }

  /// Everything that a journal must say, for comparison with what it says.
  func image() -> [String: String] {
    var image: [String: String] = [:]
    for (name, session) in sessions {
      image[ObjectKind.session.key(name)] = sessionText(name)
      for instance in session.instances {
        let owner = name + "/" + instance
        image[ObjectKind.instance.key(owner)] = instanceText(owner)
      }
    }
    for owner in scheduler.holding { image["allocations/" + owner] = allocationText(owner) }
    for (name, host) in hosts { image["hosts/" + name] = host.isLost ? "lost" : "here" }
    for (step, session) in steps { image[ObjectKind.step.key(step)] = session }
    return image
  }

  /// The coordinator as a journal tells of it, and which steps it has to report as failed.
  static func rebuilt(
    from journal: MemoryJournal, sabotage: Sabotage, capacity: Resources, at now: ContinuousClock.Instant
  ) -> ControlPlane {
    var plane = ControlPlane(sabotage: sabotage, capacity: capacity)
    plane.now = now
    plane.rebuildScheduler(from: journal)
    var instances: [String: [SessionComposition.Recorded]] = [:]
    for (owner, text) in journal.entries(ObjectKind.instance.prefix) {
      let parts = owner.split(separator: "/").map(String.init)
      instances[parts[0], default: []].append(recorded(parts[1], text))
    }
    for (name, text) in journal.entries(ObjectKind.session.prefix) {
      let words = text.split(separator: " ").map(String.init)
      let lease = Int(words[0]).map { Duration.seconds($0) }
      let (session, effects) = SessionComposition.recovered(
        lease: lease, isClosing: words[1] == "closing", graphs: words.count > 2 ? [words[2]] : [],
        instances: instances[name] ?? [], timeouts: timeouts, at: now)
      plane.sessions[name] = session
      plane.leases[name] = lease
      plane.touchedSessions.insert(name)
      plane.recovery.append((name, effects))
    }
    // Their processes' answers are lost: the steps are over, and reported as failed.
    plane.touchedSteps = Set(journal.entries(ObjectKind.step.prefix).map(\.name))
    return plane
  }

  /// Begins what the recovered machines ask for.
  mutating func recover() {
    for name in hosts.keys.sorted() where !hosts[name]!.isLost {
      effects.append(.later(milliseconds: 30_000, .lookForHost(name, link: 0)))
    }
    touchedByRecovery = Set(scheduler.holding)
    for (session, effects) in recovery { perform(effects, session: session) }
    recovery = []
    grantWaiting()
  }

  private mutating func rebuildScheduler(from journal: MemoryJournal) {
    do {
      let known = journal.entries("hosts/")
      for (name, state) in known {
        hosts[name] = Host(isLost: state == "lost")
        try scheduler.setHost(name, capacity: capacity)
      }
      for (owner, text) in journal.entries(ObjectKind.instance.prefix) {
        let words = text.split(separator: " ")
        demands[owner] = Demand(
          kind: InstanceKind(rawValue: String(words[0]))!, workers: Int(words[4])!, queueNumber: Int(words[5]))
      }
      for (owner, text) in journal.entries("allocations/") {
        guard let demand = demands[owner] else {
          faults.append("\(owner) holds resources and is not known")
          continue
        }
        let resources = Self.resources(demand.kind)
        let placements = text.split(separator: " ").map {
          Allocation.Placement(host: String($0), resources: resources)
        }
        try scheduler.restore(
          Allocation(owner: owner, placements: placements), of: Self.request(owner, demand), at: now)
      }
      for (name, state) in known where state == "lost" { _ = scheduler.removeHost(name) }
      let waiting = demands.compactMap { owner, demand in demand.queueNumber.map { ($0, owner, demand) } }
      for (number, owner, demand) in waiting.sorted(by: { $0.0 < $1.0 }) {
        try scheduler.restore(waiting: Self.request(owner, demand), at: now)
        nextQueueNumber = number + 1
      }
    } catch {
      faults.append("the journal's scheduler can be rebuilt: \(error)")
    }
  }

  // MARK: - Texts

  private func change(_ key: String, _ text: String?) -> StateChange {
    text.map { .put(key, Array($0.utf8)) } ?? .delete(key)
  }

  private func sessionText(_ name: String) -> String? {
    guard let session = sessions[name] else { return nil }
    let lease = leases[name].flatMap { $0 }.map { "\($0.components.seconds)" } ?? "-"
    let isClosing = session.phase == .closing && sabotage != .forgetClosing
    return ([lease, isClosing ? "closing" : "open"] + session.graphs).joined(separator: " ")
  }

  private func instanceText(_ owner: String) -> String? {
    let parts = owner.split(separator: "/").map(String.init)
    guard let recorded = sessions[parts[0]]?.recorded(parts[1]), let demand = demands[owner] else { return nil }
    let words = [
      recorded.kind.rawValue, recorded.graph ?? "-", recorded.record.phase.rawValue, "\(recorded.record.isFailure)",
      "\(demand.workers)", demand.queueNumber.map { "\($0)" } ?? "-",
    ]
    return words.joined(separator: " ")
  }

  private func allocationText(_ owner: String) -> String? {
    scheduler.allocation(of: owner)?.placements.map(\.host).joined(separator: " ")
  }

  private static func recorded(_ name: String, _ text: String) -> SessionComposition.Recorded {
    let words = text.split(separator: " ").map(String.init)
    let record = InstanceLifecycle.Record(
      phase: InstanceLifecycle.Phase(rawValue: words[2])!, isFailure: words[3] == "true")
    return SessionComposition.Recorded(
      name: name, kind: InstanceKind(rawValue: words[0])!, graph: words[1] == "-" ? nil : words[1], record: record)
  }
}
