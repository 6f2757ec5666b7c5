import Objects
import Scheduling
import StateStore
import Supervision

@testable import ControlPlane

/// The simulated coordinator: a `ControlPlane`, and an executor that performs its effects on fake hosts. The executor has the
/// lifecycles of child processes, the routes, and the changes to be journaled.
struct SimulatedCoordinator {
  enum Command: Equatable { case spawn(String, InstanceKind), term(String), kill(String) }

  /// An event that the coordinator schedules for itself, dropped if it dies meanwhile.
  enum Note: Equatable {
    case allocated(String), drained(String), stepEnded(String), wakeSession(String), wakeChild(String)
    case wakePlane
    case lookForHost(String, link: Int)
    case startJob(String), forgetJob(String)
  }

  enum Effect: Equatable {
    case send(host: String, Command)
    case work(WorkCommand)
    case later(milliseconds: Int, Note)
    case wake(ContinuousClock.Instant, Note)
  }

  enum Input {
    case open(session: String, lease: Duration?)
    case heartbeat(session: String), loseClient(session: String), reconnect(session: String), close(session: String)
    case unloadGraph(session: String)
    case request(session: String, instance: String, kind: InstanceKind, workers: Int)
    case stop(session: String, instance: String)
    case step(session: String, step: String, milliseconds: Int)
    case hello(host: String, link: Int, running: [(child: String, isReady: Bool)])
    case linkDown(host: String, link: Int)
    case spawned(child: String), ready(child: String), exited(host: String, child: String)
    case service(String, GraphServiceLifecycle.Event)
    case job(String, JobLifecycle.Event)
    case note(Note)
    case sweep
  }

  /// Planted faults, to test the simulator itself.
  enum Sabotage: CaseIterable {
    case none, forgetRelease, releaseTwice, keepRouting, forgetClosing, trustReturningHosts, keepOldRoute, runJobsAgain
  }

  struct Child {
    var machine: ChildLifecycle
    let owner: String
    let host: String
  }

  struct Host {
    var isLost = true
    var isLinked = false
    var link = 0
    /// Unclaimed processes that must end before a returning host gets work.
    var leftovers: Set<String> = []
    var children: Set<String> = []
  }

  let sabotage: Sabotage
  let capacity: Resources
  var now = ContinuousClock.now
  var plane = ControlPlane(timeouts: Self.timeouts)
  var leases: [String: Duration?] = [:]
  /// The positions of waiting owners.
  var queueNumbers: [String: Int] = [:]
  var nextQueueNumber = 0
  var children: [String: Child] = [:]
  var hosts: [String: Host] = [:]
  /// Running steps and their sessions.
  var steps: [String: String] = [:]
  /// The recipients of clients' requests.
  var routes: Set<String> = []
  /// The state of graph services and jobs outside the control plane.
  var work = Work()
  /// Owners that may have processes although this coordinator did not start them.
  var touchedByRecovery: Set<String> = []
  /// The sessions in the journal, after a restart.
  var records: [String: SessionControl.Record] = [:]

  /// The effects since the last transaction.
  var effects: [Effect] = []
  var touchedSessions: Set<String> = []
  var touchedOwners: Set<String> = []
  var touchedChildren: Set<String> = []
  var touchedHosts: Set<String> = []
  var touchedSteps: Set<String> = []
  var faults: [String] = []

  init(sabotage: Sabotage, capacity: Resources) {
    self.sabotage = sabotage
    self.capacity = capacity
  }

  static func resources(_ kind: InstanceKind) -> Resources {
    let gibi: Int64 = 1 << 30
    return switch kind {
    case .analytical: Resources(cpuMillicores: 4_000, memoryBytes: 8 * gibi, analyticalSlots: 1)
    case .interactive: Resources(cpuMillicores: 2_000, memoryBytes: 4 * gibi, interactiveSlots: 1)
    case .learning: Resources(cpuMillicores: 1_000, memoryBytes: 2 * gibi, learningSlots: 1)
    }
  }

  /// An instance is `session/instance` here; the scheduler knows it by reference.
  static func reference(_ owner: String) -> ObjectReference { ObjectReference(.instance, owner) }

  /// All requests are of one tenant, so that they are granted in the order of arrival, or as they fit.
  static func request(_ owner: String, _ kind: InstanceKind, workers: Int) -> ResourceRequest {
    let member = ResourceRequest.Member(resources(kind))
    return ResourceRequest(
      owner: reference(owner), tenant: "default", members: Array(repeating: member, count: workers))
  }

  static let timeouts = InstanceLifecycle.Timeouts(
    allocation: .seconds(10), start: .seconds(60), drain: .seconds(10), stop: .seconds(20), recovery: .seconds(40))

  static func policy(_ kind: InstanceKind) -> ChildLifecycle.Policy {
    ChildLifecycle.Policy(
      restart: kind == .interactive ? .onFailure : .never, crashLoopExits: 3, readinessDeadline: .seconds(30),
      termGrace: .seconds(5))
  }

  // MARK: - State

  var sessions: [String: SessionControl] { plane.sessions }
  var scheduler: Scheduler { plane.scheduler }

  static func parts(_ owner: String) -> (session: String, instance: String) {
    let slash = owner.firstIndex(of: "/")!
    return (String(owner[..<slash]), String(owner[owner.index(after: slash)...]))
  }

  func request(of owner: String) -> ResourceRequest? {
    let (session, instance) = Self.parts(owner)
    return sessions[session]?.requests[instance]
  }

  func kind(of owner: String) -> InstanceKind? {
    let (session, instance) = Self.parts(owner)
    return sessions[session]?.composition.instance(instance)?.kind
  }

  func phase(of owner: String) -> InstanceLifecycle.Phase? {
    let (session, instance) = Self.parts(owner)
    return sessions[session]?.composition.instance(instance)?.phase
  }

  func allocation(of owner: String) -> Allocation? { scheduler.allocation(of: Self.reference(owner)) }

  /// The owners that hold resources.
  var holding: [String] { scheduler.holding.map(\.name) }

  // MARK: - Inputs

  mutating func handle(_ input: Input, at now: ContinuousClock.Instant) {
    self.now = now
    switch input {
    case .open(let session, let lease):
      leases[session] = lease
      run(.open(session, lease: lease))
      tell(session, .graphMade(key: "g", name: "g"))
    case .heartbeat(let session): tell(session, .signOfLife)
    case .reconnect(let session): tell(session, .reconnect)
    case .loseClient(let session): tell(session, .connectionLost)
    case .close(let session): tell(session, .close)
    case .unloadGraph(let session): tell(session, .graphGone(key: "g"))
    case .request(let session, let instance, let kind, let workers):
      let request = Self.request(session + "/" + instance, kind, workers: workers)
      tell(session, .request(instance, kind: kind, graph: "g", request))
    case .stop(let session, let instance): tellInstance(session + "/" + instance, .stop)
    case .step(let session, let step, let milliseconds): begin(step, session: session, milliseconds: milliseconds)
    case .hello(let host, let link, let running): hello(host, link: link, running: running)
    case .linkDown(let host, let link): linkDown(host, link: link)
    case .spawned(let child): tellChild(child) { [now] in $0.spawned(at: now) }
    case .ready(let child): tellChild(child) { $0.becameReady() }
    case .exited(let host, let child): processEnded(child, on: host)
    case .service(let name, let event): tell(service: name, event)
    case .job(let name, let event): tell(job: name, event)
    case .note(let note): handle(note)
    case .sweep: sweep()
    }
  }

  private mutating func handle(_ note: Note) {
    switch note {
    case .allocated(let owner): tellInstance(owner, .allocated)
    case .drained(let owner): tellInstance(owner, .drained)
    case .stepEnded(let step): end(step)
    case .wakeSession(let session): tell(session, .tick)
    case .wakePlane: tick()
    case .wakeChild(let child): tellChild(child) { [now] in $0.tick(at: now) }
    case .startJob(let job): tell(job: job, .start)
    case .forgetJob(let job): tell(job: job, .forget)
    case .lookForHost(let host, let link):
      if let state = hosts[host], !state.isLinked, state.link == link, !state.isLost { lose(host) }
    }
  }

  /// Performs periodic checks, in case a message was missed.
  private mutating func sweep() {
    tick()
    for (id, child) in children.sorted(by: { $0.key < $1.key }) {
      if let deadline = child.machine.deadline, deadline <= now { tellChild(id) { [now] in $0.tick(at: now) } }
      if !hosts[child.host]!.isLinked { tellChild(id) { [now] in $0.probeFailed(at: now) } }
    }
    run(.resources(.decide))
  }

  private mutating func tick() {
    let isDue = { [now] (deadline: ContinuousClock.Instant?) in deadline.map { $0 <= now } ?? false }
    touchedSessions.formUnion(sessions.filter { isDue($0.value.composition.deadline) }.keys)
    work.touchedServices.formUnion(plane.services.filter { isDue($0.value.deadline) }.keys)
    work.touchedJobs.formUnion(plane.jobs.filter { isDue($0.value.deadline) }.keys)
    run(.tick)
  }

  private mutating func begin(_ step: String, session: String, milliseconds: Int) {
    guard let analytical = sessions[session]?.analytical, tell(session, .beginStep(step)) else { return }
    if !routes.contains(session + "/" + analytical) { faults.append("step \(step) runs where nothing is routed to") }
    steps[step] = session
    touchedSteps.insert(step)
    effects.append(.later(milliseconds: milliseconds, .stepEnded(step)))
  }

  private mutating func end(_ step: String) {
    guard let session = steps.removeValue(forKey: step) else { return }
    touchedSteps.insert(step)
    tell(session, .endStep(step))
  }

  // MARK: - The control plane

  /// - Returns: Whether the event was legal.
  @discardableResult
  mutating func tell(_ session: String, _ event: SessionControl.Event) -> Bool {
    guard sessions[session] != nil else { return false }
    return run(.session(session, event))
  }

  mutating func tellInstance(_ owner: String, _ event: InstanceLifecycle.Event) {
    let (session, instance) = Self.parts(owner)
    tell(session, .instance(instance, event))
  }

  @discardableResult
  mutating func run(_ event: ControlPlane.Event) -> Bool {
    let effects = effects(of: event)
    if case .session(let session, _) = event { touch(session) }
    if case .open(let session, _) = event { touch(session) }
    perform(effects)
    return !effects.contains { if case .session(_, .refused) = $0 { true } else { false } }
  }

  private mutating func effects(of event: ControlPlane.Event) -> [ControlPlane.Effect] {
    guard case .session(let name, let event) = event, sabotage == .forgetRelease || sabotage == .releaseTwice else {
      return plane.handle(event, at: now)
    }
    var parts = SabotagedParts(plane: plane, sabotage: sabotage)
    defer { plane = parts.plane }
    return parts.handle(session: name, event, at: now)
  }

  mutating func perform(_ effects: [ControlPlane.Effect]) {
    for effect in effects {
      switch effect {
      case .session(let session, let effect):
        touch(session)
        perform(effect, session: session)
      case .resourcesRefused(let owner, _): queueNumbers[owner.name] = nil
      case .hostLost(let name, let holders): lost(name, holders.map(\.name))
      case .service(let name, let action): perform(action, service: name)
      case .job(let name, let action): perform(action, job: name)
      case .fault(let error): faults.append("released exactly once: \(error)")
      }
    }
  }

  private mutating func touch(_ session: String) { touchedSessions.insert(session) }

  private mutating func perform(_ effect: SessionControl.Effect, session: String) {
    switch effect {
    case .instance(let name, let action): perform(action, owner: session + "/" + name)
    case .resources(let name, let event): follow(event, owner: session + "/" + name)
    case .cancelStep(let step): effects.append(.later(milliseconds: 50, .stepEnded(step)))
    case .closed:
      touchedOwners.formUnion(ownersOf.removeValue(forKey: session) ?? [])
    case .refused, .closing: break
    case .startAgain, .givenUp, .giveWay: faults.append("nobody asked for that: \(effect)")
    }
  }

  /// The owners of each session.
  var ownersOf: [String: Set<String>] = [:]

  /// The scheduler has handled it already.
  private mutating func follow(_ event: ResourceEvent, owner: String) {
    touchedOwners.insert(owner)
    switch event {
    case .ask:
      ownersOf[Self.parts(owner).session, default: []].insert(owner)
      if queueNumbers[owner] == nil {
        queueNumbers[owner] = nextQueueNumber
        nextQueueNumber += 1
      }
    case .withdraw: queueNumbers[owner] = nil
    case .release: ended(owner)
    default: faults.append("nobody asked for that: \(event)")
    }
  }

  private mutating func perform(_ action: InstanceLifecycle.Action, owner: String) {
    touchedOwners.insert(owner)
    switch action {
    case .allocate:
      queueNumbers[owner] = nil
      effects.append(.later(milliseconds: 200, .allocated(owner)))
    case .start, .find: makeChildren(of: owner, areThere: action == .find)
    case .drain:
      if sabotage != .keepRouting { routes.remove(owner) }
      if kind(of: owner) != .analytical { effects.append(.later(milliseconds: 3_000, .drained(owner))) }
    case .stop: stopChildren(of: owner)
    case .kill:
      for child in childNames(of: owner) where children[child]!.machine.phase == .killing {
        effects.append(.send(host: children[child]!.host, .kill(child)))
      }
    case .report: if phase(of: owner)?.serves ?? false { routes.insert(owner) } else { routes.remove(owner) }
    case .none, .askForResources, .withdraw, .release, .requeue: faults.append("it was to be told to the scheduler")
    }
  }
}

/// A control plane with a planted fault in what sessions report to the scheduler.
private struct SabotagedParts: ControlPlaneParts {
  var plane: ControlPlane
  let sabotage: SimulatedCoordinator.Sabotage

  mutating func tell(
    session name: String, _ event: SessionControl.Event, at now: ContinuousClock.Instant
  ) -> [SessionControl.Effect] { plane.tell(session: name, event, at: now) }

  mutating func tell(resources event: ResourceEvent, at now: ContinuousClock.Instant) -> [ResourceOutcome] {
    guard case .release(let owner) = event else { return plane.tell(resources: event, at: now) }
    if sabotage == .forgetRelease {
      let placements = plane.scheduler.allocation(of: owner)?.placements ?? []
      let isLearning = placements.contains { $0.resources.learningSlots > 0 }
      return isLearning ? [] : plane.tell(resources: event, at: now)
    }
    return plane.tell(resources: event, at: now) + plane.tell(resources: event, at: now)
  }
}
