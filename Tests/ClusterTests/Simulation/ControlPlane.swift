@testable import Cluster

/// The simulated coordinator: the machines and the scheduler, and nothing that waits. Inputs change it and leave effects,
/// which the simulation performs when what changed is journaled.
struct ControlPlane {
  enum Command: Equatable { case spawn(String, InstanceKind), term(String), kill(String) }

  /// What the coordinator tells itself after a while, unless it died meanwhile.
  enum Note: Equatable {
    case allocated(String), drained(String), stepEnded(String), wakeSession(String), wakeChild(String)
    case lookForHost(String, link: Int)
  }

  enum Effect: Equatable {
    case send(host: String, Command)
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
    case note(Note)
    case sweep
  }

  /// Mistakes for tests of the simulator itself.
  enum Sabotage: CaseIterable {
    case none, forgetRelease, releaseTwice, keepRouting, forgetClosing, trustReturningHosts
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
    /// Processes of nobody that must end before a returning host gets work.
    var leftovers: Set<String> = []
    var children: Set<String> = []
  }

  struct Demand {
    let kind: InstanceKind
    let workers: Int
    /// The place in the order of those that wait.
    var queueNumber: Int?
  }

  let sabotage: Sabotage
  let capacity: Resources
  var now = ContinuousClock.now
  var sessions: [String: SessionComposition] = [:]
  var leases: [String: Duration?] = [:]
  var demands: [String: Demand] = [:]
  var nextQueueNumber = 0
  var scheduler = Scheduler()
  var children: [String: Child] = [:]
  var hosts: [String: Host] = [:]
  /// Running steps and their sessions.
  var steps: [String: String] = [:]
  /// Who gets requests of clients.
  var routes: Set<String> = []

  /// After a restart, what the recovered machines ask for.
  var recovery: [(session: String, effects: [SessionComposition.Effect])] = []

  /// Since the last transaction.
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

  /// All are of one tenant, so that they are granted in the order in which they come, or fit.
  static func request(_ owner: String, _ demand: Demand) -> ResourceRequest {
    let member = ResourceRequest.Member(resources(demand.kind))
    return ResourceRequest(
      owner: owner, tenant: "default", members: Array(repeating: member, count: demand.workers))
  }

  static let timeouts = InstanceLifecycle.Timeouts(
    allocation: .seconds(10), start: .seconds(60), drain: .seconds(10), stop: .seconds(20), recovery: .seconds(40))

  static func policy(_ kind: InstanceKind) -> ChildLifecycle.Policy {
    ChildLifecycle.Policy(
      restart: kind == .interactive ? .onFailure : .never, crashLoopExits: 3, readinessDeadline: .seconds(30),
      termGrace: .seconds(5))
  }

  // MARK: - Inputs

  mutating func handle(_ input: Input, at now: ContinuousClock.Instant) {
    self.now = now
    switch input {
    case .open(let session, let lease): open(session, lease: lease)
    case .heartbeat(let session): change(session) { [now] in _ = $0.signOfLife(at: now) }
    case .reconnect(let session): change(session) { [now] in _ = $0.reconnect(at: now) }
    case .loseClient(let session): change(session) { $0.connectionLost() }
    case .close(let session): follow(session) { [now] in $0.close(at: now) }
    case .unloadGraph(let session): change(session) { try? $0.removeGraph("g") }
    case .request(let session, let instance, let kind, let workers):
      demands[session + "/" + instance] = Demand(kind: kind, workers: workers)
      follow(session) { [now] in (try? $0.request(instance, kind: kind, graph: "g", at: now)) ?? [] }
      if sessions[session]?.instance(instance) == nil { demands[session + "/" + instance] = nil }
    case .stop(let session, let instance): tell(session + "/" + instance) { [now] in $0.stop(at: now) }
    case .step(let session, let step, let milliseconds): begin(step, session: session, milliseconds: milliseconds)
    case .hello(let host, let link, let running): hello(host, link: link, running: running)
    case .linkDown(let host, let link): linkDown(host, link: link)
    case .spawned(let child): tellChild(child) { [now] in $0.spawned(at: now) }
    case .ready(let child): tellChild(child) { $0.becameReady() }
    case .exited(let host, let child): processEnded(child, on: host)
    case .note(let note): handle(note)
    case .sweep: sweep()
    }
    grantWaiting()
  }

  private mutating func handle(_ note: Note) {
    switch note {
    case .allocated(let owner): tell(owner) { [now] in $0.allocated(at: now) }
    case .drained(let owner): tell(owner) { [now] in $0.drained(at: now) }
    case .stepEnded(let step): end(step)
    case .wakeSession(let session): follow(session) { [now] in $0.tick(at: now) }
    case .wakeChild(let child): tellChild(child) { [now] in $0.tick(at: now) }
    case .lookForHost(let host, let link):
      if let state = hosts[host], !state.isLinked, state.link == link, !state.isLost { lose(host) }
    }
  }

  /// What a coordinator does now and then, in case that it missed something.
  private mutating func sweep() {
    for session in sessions.keys.sorted() where sessions[session]!.deadline.map({ $0 <= now }) ?? false {
      follow(session) { [now] in $0.tick(at: now) }
    }
    for (id, child) in children.sorted(by: { $0.key < $1.key }) {
      if let deadline = child.machine.deadline, deadline <= now { tellChild(id) { [now] in $0.tick(at: now) } }
      if !hosts[child.host]!.isLinked { tellChild(id) { [now] in $0.probeFailed(at: now) } }
    }
  }

  private mutating func open(_ session: String, lease: Duration?) {
    var composition = SessionComposition(lease: lease, timeouts: Self.timeouts, at: now)
    try? composition.addGraph("g")
    sessions[session] = composition
    leases[session] = lease
    touchedSessions.insert(session)
  }

  private mutating func begin(_ step: String, session: String, milliseconds: Int) {
    guard
      let instance = sessions[session]?.instances.first(where: {
        demands[session + "/" + $0]?.kind == .analytical && phase(of: session + "/" + $0)?.isFinal == false
      }), (try? sessions[session]!.beginStep(step, on: instance)) != nil
    else { return }
    if !routes.contains(session + "/" + instance) { faults.append("step \(step) runs where nothing is routed to") }
    steps[step] = session
    touchedSteps.insert(step)
    effects.append(.later(milliseconds: milliseconds, .stepEnded(step)))
  }

  private mutating func end(_ step: String) {
    guard let session = steps.removeValue(forKey: step) else { return }
    touchedSteps.insert(step)
    follow(session) { [now] in $0.endStep(step, at: now) }
  }

  // MARK: - Machines

  private mutating func change(_ session: String, _ event: (inout SessionComposition) -> Void) {
    guard sessions[session] != nil else { return }
    event(&sessions[session]!)
    touchedSessions.insert(session)
  }

  private mutating func follow(_ session: String, _ event: (inout SessionComposition) -> [SessionComposition.Effect]) {
    guard sessions[session] != nil else { return }
    let effects = event(&sessions[session]!)
    touchedSessions.insert(session)
    perform(effects, session: session)
  }

  mutating func tell(_ owner: String, _ event: (inout InstanceLifecycle) -> InstanceLifecycle.Action) {
    let parts = owner.split(separator: "/")
    touchedOwners.insert(owner)
    follow(String(parts[0])) { [now] in $0.handle(String(parts[1]), at: now, event) }
  }

  mutating func tellChild(_ id: String, _ event: (inout ChildLifecycle) -> ChildLifecycle.Action) {
    guard let owner = children[id]?.owner else { return }
    changeChild(id, event)
    evaluate(owner)
  }

  mutating func changeChild(_ id: String, _ event: (inout ChildLifecycle) -> ChildLifecycle.Action) {
    guard let host = children[id]?.host, let kind = demands[children[id]!.owner]?.kind else { return }
    touchedChildren.insert(id)
    switch event(&children[id]!.machine) {
    case .spawn: effects.append(.send(host: host, .spawn(id, kind)))
    case .signalTerm: effects.append(.send(host: host, .term(id)))
    case .signalKill: effects.append(.send(host: host, .kill(id)))
    case .none, .waitUntil, .reportReady, .reportUnresponsive, .reportCrashLoop, .reportFailed, .done: break
    }
  }

  func childNames(of owner: String) -> [String] {
    (0..<(demands[owner]?.workers ?? 0)).map { "\(owner)/\($0)" }.filter { children[$0] != nil }
  }

  /// Tells an instance what its children's phases mean for it.
  mutating func evaluate(_ owner: String) {
    let phases = childNames(of: owner).map { children[$0]!.machine.phase }
    guard !phases.isEmpty else { return }
    if phases.allSatisfy({ $0 == .exited }) {
      tell(owner) { $0.ended() }
    } else if phases.contains(where: { $0 == .exited || $0 == .crashLooping }) {
      tell(owner) { [now] in $0.broke(at: now) }
    } else if phases.allSatisfy({ $0 == .ready }) {
      tell(owner) { $0.becameReady() }
    } else {
      tell(owner) { $0.impaired() }
    }
  }

  mutating func perform(_ effects: [SessionComposition.Effect], session: String) {
    for effect in effects {
      switch effect {
      case .instance(let name, let action): perform(action, owner: session + "/" + name)
      case .cancelStep(let step): self.effects.append(.later(milliseconds: 50, .stepEnded(step)))
      case .closed:
        for name in sessions[session]!.instances {
          touchedOwners.insert(session + "/" + name)
          demands[session + "/" + name] = nil
        }
      }
    }
  }

  private mutating func perform(_ action: InstanceLifecycle.Action, owner: String) {
    touchedOwners.insert(owner)
    switch action {
    case .none: break
    case .askForResources: ask(owner)
    case .withdraw:
      demands[owner]?.queueNumber = nil
      scheduler.withdraw(owner)
    case .allocate: effects.append(.later(milliseconds: 200, .allocated(owner)))
    case .start, .find: makeChildren(of: owner, areThere: action == .find)
    case .drain:
      if sabotage != .keepRouting { routes.remove(owner) }
      if demands[owner]?.kind != .analytical { effects.append(.later(milliseconds: 3_000, .drained(owner))) }
    case .stop: stopChildren(of: owner)
    case .kill:
      for child in childNames(of: owner) where children[child]!.machine.phase == .killing {
        effects.append(.send(host: children[child]!.host, .kill(child)))
      }
    case .release: release(owner)
    case .report:
      if phase(of: owner)?.serves ?? false { routes.insert(owner) } else { routes.remove(owner) }
    }
  }

  func phase(of owner: String) -> InstanceLifecycle.Phase? {
    let parts = owner.split(separator: "/")
    return sessions[String(parts[0])]?.instance(String(parts[1]))?.phase
  }

  // MARK: - Resources

  private mutating func ask(_ owner: String) {
    guard let demand = demands[owner], demand.queueNumber == nil else { return }
    do {
      try scheduler.submit(Self.request(owner, demand), at: now)
      demands[owner]!.queueNumber = nextQueueNumber
      nextQueueNumber += 1
    } catch {
      tell(owner) { [now] in $0.broke(at: now) }
    }
  }

  /// Comes last in a transaction.
  mutating func grantWaiting() {
    for case .grant(let allocation) in scheduler.schedule(at: now) {
      demands[allocation.owner]?.queueNumber = nil
      tell(allocation.owner) { [now] in $0.granted(at: now) }
    }
  }

  private mutating func release(_ owner: String) {
    routes.remove(owner)
    for child in childNames(of: owner) {
      hosts[children[child]!.host]!.children.remove(child)
      children[child] = nil
    }
    if sabotage == .forgetRelease, demands[owner]?.kind == .learning { return }
    for _ in 0..<(sabotage == .releaseTwice ? 2 : 1) {
      do { try scheduler.release(owner, at: now) } catch { faults.append("released exactly once: \(error)") }
    }
  }

  private mutating func makeChildren(of owner: String, areThere: Bool) {
    guard let allocation = scheduler.allocation(of: owner), let demand = demands[owner] else { return }
    for (number, placement) in allocation.placements.enumerated() {
      let id = "\(owner)/\(number)"
      children[id] = Child(
        machine: ChildLifecycle(policy: Self.policy(demand.kind)), owner: owner, host: placement.host)
      hosts[placement.host, default: Host()].children.insert(id)
      changeChild(id) { [now] in areThere ? $0.adopt(at: now) : $0.start() }
      if hosts[placement.host]!.isLost { giveUp(id) }
    }
    evaluate(owner)
  }

  private mutating func stopChildren(of owner: String) {
    routes.remove(owner)
    if childNames(of: owner).isEmpty {
      guard touchedByRecovery.contains(owner) else { return tell(owner) { $0.ended() } }
      makeChildren(of: owner, areThere: true)
    }
    for child in childNames(of: owner) { changeChild(child) { [now] in $0.stop(at: now) } }
    evaluate(owner)
  }

  /// Owners whose processes may be there although this coordinator did not start them.
  var touchedByRecovery: Set<String> = []
}
