import Objects
import Scheduling
import StateStore

@testable import ControlPlane

/// Observes a simulated cluster from outside, checks the documented invariants, and keeps the first violation.
struct Observer {
  private(set) var failure: (invariant: String, detail: String)?
  private var touchedSessions: Set<String> = []
  private var touchedOwners: Set<String> = []
  /// Sessions observed as closing, in any coordinator.
  private var closing: Set<String> = []
  private var lastRevision: Revision = 0
  private(set) var granted: Set<String> = []
  private(set) var released: Set<String> = []
  private(set) var stepsBegun: Set<String> = []
  private(set) var stepsEnded: Set<String> = []

  mutating func fail(_ invariant: String, _ detail: String) {
    if failure == nil { failure = (invariant, detail) }
  }

  private mutating func expect(_ holds: Bool, _ invariant: String, _ detail: @autoclosure () -> String) {
    if !holds { fail(invariant, detail()) }
  }

  // MARK: - During the simulation

  mutating func touched(_ plane: SimulatedCoordinator) {
    touchedSessions.formUnion(plane.touchedSessions)
    touchedOwners.formUnion(plane.touchedOwners)
    for name in plane.touchedSessions {
      guard let phase = plane.sessions[name]?.phase else { continue }
      let isOpen = phase == .connected || phase == .detached
      expect(!(isOpen && closing.contains(name)), "leases never resurrect", "\(name) is \(phase) again")
      if !isOpen { closing.insert(name) }
    }
  }

  mutating func committed(_ changes: [StateChange], revision: Revision) {
    expect(revision == lastRevision + 1, "revisions have an order without gaps", "\(revision)")
    lastRevision = revision
    for change in changes {
      let name = String(change.key.drop { $0 != "/" }.dropFirst())
      let isPut = if case .put = change { true } else { false }
      if change.key.hasPrefix("allocations/") {
        let isHeld = granted.contains(name) && !released.contains(name)
        if isPut, !isHeld {
          expect(granted.insert(name).inserted, "granted once", name)
        } else if !isPut, isHeld {
          released.insert(name)
        }
      } else if change.key.hasPrefix(ObjectKind.step.prefix) {
        let isFirst = isPut ? stepsBegun.insert(name).inserted : stepsEnded.insert(name).inserted
        expect(isFirst && stepsBegun.contains(name), "a step begins once and ends once", name)
      }
    }
  }

  /// Checks, when a coordinator dies, that its successor will know what it knew.
  mutating func compare(_ plane: SimulatedCoordinator, with journal: MemoryJournal, settings: Simulation.Settings) {
    let rebuilt = SimulatedCoordinator.rebuilt(
      from: journal, sabotage: settings.sabotage, capacity: settings.capacity, at: plane.now)
    let invariant = "what is rebuilt from the journal agrees"
    expect(rebuilt.faults.isEmpty, invariant, rebuilt.faults.joined(separator: ", "))
    expect(rebuilt.scheduler == plane.scheduler, invariant, "the schedulers differ")
    let sessions = rebuilt.recovered
    expect(sessions.keys == plane.sessions.keys, invariant, "the sessions differ")
    for (name, session) in plane.sessions where settings.sabotage != .forgetClosing {
      expect(
        (session.phase == .closing) == (sessions[name]?.phase == .closing), invariant, "\(name) closing")
      expect(session.composition.instances == sessions[name]?.composition.instances, invariant, "instances of \(name)")
      expect(session.graphs == sessions[name]?.graphs, invariant, "graphs of \(name)")
    }
    checkImage(plane, journal)
  }

  // MARK: - After every event

  /// Checks what was touched since the last check.
  mutating func checkTouched(_ plane: SimulatedCoordinator) {
    if let fault = plane.faults.first { fail("the coordinator has no faults", fault) }
    for owner in touchedOwners { check(owner, plane) }
    for name in touchedSessions { check(session: name, plane) }
    touchedOwners = []
    touchedSessions = []
  }

  /// Checks everything.
  mutating func checkAll(_ plane: SimulatedCoordinator, journal: MemoryJournal, hosts: [String: FakeHost]) {
    let violations = plane.scheduler.violations()
    expect(violations.isEmpty, "sums of allocations equal what is booked", violations.joined(separator: ", "))
    for (name, session) in plane.sessions {
      check(session: name, plane)
      for instance in session.composition.instances { check(name + "/" + instance, plane) }
    }
    for holder in plane.holding { check(holder, plane) }
    for (name, host) in hosts {
      guard let known = plane.hosts[name], known.isLinked, known.link == host.link, !known.isLost else { continue }
      for child in host.processes.keys {
        let owner = child.split(separator: "/").dropLast().joined(separator: "/")
        let isHeld = plane.allocation(of: owner)?.placements.contains { $0.host == name } ?? false
        expect(isHeld, "every process has resources", "\(child) on \(name)")
      }
    }
    checkImage(plane, journal)
  }

  private mutating func check(_ owner: String, _ plane: SimulatedCoordinator) {
    let phase = plane.phase(of: owner)
    let allocation = plane.allocation(of: owner)
    let holds = phase?.holdsResources ?? false
    expect(
      holds == (allocation != nil), "resources are held by those that live and nobody else",
      "\(owner) is \(phase?.rawValue ?? "gone") and holds \(allocation?.placements.count ?? 0)")
    let isRouted = plane.routes.contains(owner)
    expect(
      isRouted == (phase?.serves ?? false), "who drains does not serve",
      "\(owner) is \(phase?.rawValue ?? "gone") and is \(isRouted ? "" : "not ")routed to")
    for placement in allocation?.placements ?? [] {
      let usage = plane.scheduler.usage(of: placement.host)
      expect(usage?.used.fits(in: usage!.capacity) ?? false, "no host is overcommitted", placement.host)
    }
  }

  /// Checks graph services and jobs.
  mutating func checkWork(_ coordinator: SimulatedCoordinator, _ work: FakeWork) {
    let plane = coordinator.plane
    for (name, service) in plane.services {
      let route = coordinator.work.routes[name]
      let isRight =
        switch service.phase {
        case .running: route == service.graph
        case .switching: route == nil || route == service.graph
        case .stopped, .starting, .crashLooping, .draining: route == nil
        }
      expect(
        isRight, "queries go to the server that serves",
        "\(name) is \(service.phase) with \(service.graph ?? "–"), its queries go to \(route ?? "nobody")")
    }
    for name in coordinator.work.routes.keys where plane.services[name] == nil {
      fail("queries go to the server that serves", "\(name) is stopped")
    }
    for (name, job) in plane.jobs where job.phase.isFinal {
      expect(work.jobs[name] == nil, "a job that is over does not run", "\(name) is \(job.phase)")
    }
  }

  private mutating func check(session: String, _ plane: SimulatedCoordinator) {
    let violations = plane.sessions[session]?.composition.violations() ?? []
    expect(violations.isEmpty, "combinations are legal", "\(session): \(violations)")
  }

  private mutating func checkImage(_ plane: SimulatedCoordinator, _ journal: MemoryJournal) {
    let written = journal.values.mapValues { String(decoding: $0, as: UTF8.self) }
    let known = plane.image()
    guard written != known else { return }
    let keys = Set(written.keys).union(known.keys).filter { written[$0] != known[$0] }.sorted()
    fail("what is known is journaled", "\(keys[0]): \(written[keys[0]] ?? "–"), known \(known[keys[0]] ?? "–")")
  }

  // MARK: - At the end

  mutating func checkEnd(_ plane: SimulatedCoordinator, journal: MemoryJournal, hosts: [String: FakeHost]) {
    let invariant = "everything ends"
    expect(plane.sessions.isEmpty, invariant, "sessions \(plane.sessions.keys.sorted())")
    expect(plane.children.isEmpty, invariant, "children \(plane.children.keys.sorted())")
    expect(plane.scheduler.holding.isEmpty && plane.scheduler.waiting.isEmpty, invariant, "the scheduler is not empty")
    let kept = granted.subtracting(released).sorted()
    expect(kept.isEmpty, invariant, "not released: \(kept)")
    let running = stepsBegun.subtracting(stepsEnded).sorted()
    expect(running.isEmpty, invariant, "steps \(running)")
    expect(journal.values.keys.allSatisfy { $0.hasPrefix("hosts/") }, invariant, "\(journal.values.keys.sorted())")
    for (name, host) in hosts {
      expect(host.processes.isEmpty, invariant, "\(name) runs \(host.processes.keys.sorted())")
    }
  }
}
