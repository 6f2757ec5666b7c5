/// A session's machine together with those of its instances: which combinations are legal, and what one implies for the
/// others. All kinds progress side by side: no event of one instance changes another.
///
/// | session             | its instances may be                     | steps                                    | graphs               |
/// |---------------------|------------------------------------------|------------------------------------------|----------------------|
/// | connected, detached | anything; at most one analytical that is not over | one at a time, begun on a ready or degraded analytical one | come and go; one that is queried or sampled stays |
/// | closing             | draining, stopping, stopped, failed      | end; none begins                         | stay                 |
/// | closed              | stopped, failed: no resources are held   | none                                     | gone                 |
///
/// - An interactive or learning instance is requested on a graph that lives, and the graph stays while the instance does.
/// - Closing stops all instances at once; each drains, ends and releases at its own pace. The session is closed when the
///   last one is over and the last step has ended.
/// - An analytical instance is drained when its step has ended; for the other kinds the owner reports `drained`.
///
/// Whoever changes a machine performs the effects in their order, after they were journaled.
public struct SessionComposition: Sendable, Equatable {
  /// The most instances of a session, those that are over and not forgotten included.
  public static let maximumInstances = 256
  /// The most graphs of a session.
  public static let maximumGraphs = 10_000

  /// What is to be done.
  public enum Effect: Sendable, Equatable {
    /// What an instance's machine says; never `none`.
    case instance(String, InstanceLifecycle.Action)
    /// End a step soon, then call `endStep`.
    case cancelStep(String)
    /// The session is closed; forget it.
    case closed
  }

  /// An instance as a journal tells of it.
  public struct Recorded: Sendable, Equatable, Codable {
    /// Its name within the session.
    public var name: String
    /// What it does.
    public var kind: InstanceKind
    /// The graph that it serves; nil for analytical ones.
    public var graph: String?
    /// Where it stood.
    public var record: InstanceLifecycle.Record

    /// An instance.
    public init(name: String, kind: InstanceKind, graph: String?, record: InstanceLifecycle.Record) {
      self.name = name
      self.kind = kind
      self.graph = graph
      self.record = record
    }
  }

  private struct Member: Equatable {
    var machine: InstanceLifecycle
    let graph: String?
    /// The step that runs on it, and whether its end was asked for.
    var step: (name: String, isCancelled: Bool)?

    static func == (a: Member, b: Member) -> Bool {
      a.machine == b.machine && a.graph == b.graph && a.step?.name == b.step?.name
        && a.step?.isCancelled == b.step?.isCancelled
    }
  }

  private var session: SessionLifecycle
  private var members: [String: Member] = [:]
  private let timeouts: InstanceLifecycle.Timeouts
  /// The graphs that live.
  public private(set) var graphs: Set<String> = []

  /// A session that just connected. A lease of nil never runs out.
  public init(
    lease: Duration?, timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts(),
    at now: ContinuousClock.Instant
  ) {
    session = SessionLifecycle(lease: lease, at: now)
    self.timeouts = timeouts
  }

  /// A session as a journal tells of it, after a coordinator's restart, and what to do about it. Steps that ran are over:
  /// the owner reports them as failed.
  public static func recovered(
    lease: Duration?, isClosing: Bool, graphs: Set<String>, instances: [Recorded],
    timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts(), at now: ContinuousClock.Instant
  ) -> (session: SessionComposition, effects: [Effect]) {
    var composition = SessionComposition(lease: lease, timeouts: timeouts, at: now)
    composition.session = .recovered(lease: lease, at: now)
    composition.graphs = graphs
    var effects: [Effect] = []
    for instance in instances {
      let (machine, action) = InstanceLifecycle.recovered(
        kind: instance.kind, from: instance.record, timeouts: timeouts, at: now)
      composition.members[instance.name] = Member(machine: machine, graph: instance.graph)
      if action != .none { effects.append(.instance(instance.name, action)) }
    }
    if isClosing { effects += composition.close(at: now) }
    return (composition, effects)
  }

  /// Whether an instance may be in that phase while its session is in this one.
  public static func isLegal(_ session: SessionLifecycle.Phase, _ instance: InstanceLifecycle.Phase) -> Bool {
    switch session {
    case .connected, .detached: true
    case .closing: instance.isEnding
    case .closed: instance.isFinal
    }
  }

  // MARK: - Looking

  /// Where the session stands.
  public var phase: SessionLifecycle.Phase { session.phase }

  /// The names of its instances, sorted.
  public var instances: [String] { members.keys.sorted() }

  /// An instance's machine; nil when there is none of that name.
  public func instance(_ name: String) -> InstanceLifecycle? { members[name]?.machine }

  /// What a journal must keep of an instance; nil when there is none of that name.
  public func recorded(_ name: String) -> Recorded? {
    members[name].map { Recorded(name: name, kind: $0.machine.kind, graph: $0.graph, record: $0.machine.record) }
  }

  /// The step that runs on an instance.
  public func step(on name: String) -> String? { members[name]?.step?.name }

  /// When `tick` is due; nil when no time matters.
  public var deadline: ContinuousClock.Instant? {
    members.values.reduce(session.deadline) { earliest, member in
      guard let deadline = member.machine.deadline else { return earliest }
      return earliest.map { min($0, deadline) } ?? deadline
    }
  }

  /// What does not hold and must; empty as long as the combination is legal.
  public func violations() -> [String] {
    var found: [String] = []
    for (name, member) in members {
      let phase = member.machine.phase
      if !Self.isLegal(session.phase, phase) {
        found.append("\(name) is \(phase) in a session that is \(session.phase)")
      }
      if member.step != nil, member.machine.kind != .analytical { found.append("a step runs on \(name)") }
      if !phase.isFinal, let graph = member.graph, !graphs.contains(graph) {
        found.append("\(name) is \(phase) on graph \(graph), which is gone")
      }
      if session.phase == .closed, member.step != nil { found.append("a step runs in a closed session") }
    }
    if members.values.count(where: { $0.machine.kind == .analytical && !$0.machine.phase.isFinal }) > 1 {
      found.append("two analytical instances")
    }
    return found.sorted()
  }

  // MARK: - The client

  /// The client was heard.
  public mutating func signOfLife(at now: ContinuousClock.Instant) -> SessionLifecycle.LifeAction {
    session.signOfLife(at: now)
  }

  /// A client asks to go on with this session.
  public mutating func reconnect(at now: ContinuousClock.Instant) -> SessionLifecycle.LifeAction {
    session.reconnect(at: now)
  }

  /// The transport connection of the client ended.
  public mutating func connectionLost() { session.connectionLost() }

  /// The client or an operator ends the session; a second time changes nothing.
  public mutating func close(at now: ContinuousClock.Instant) -> [Effect] {
    session.close() == .release ? endAll(at: now) : []
  }

  /// Time has passed.
  public mutating func tick(at now: ContinuousClock.Instant) -> [Effect] {
    if session.tick(at: now) == .release { return endAll(at: now) }
    return instances.flatMap { apply(to: $0, at: now) { $0.tick(at: now) } } + settle()
  }

  // MARK: - Graphs

  /// A graph lives from now on.
  /// - Throws: `SessionRefusal` when the session is closing or has too many.
  public mutating func addGraph(_ graph: String) throws(SessionRefusal) {
    guard isOpen else { throw .closing }
    guard graphs.count < Self.maximumGraphs else { throw .tooManyGraphs }
    graphs.insert(graph)
  }

  /// A graph is to be unloaded.
  /// - Throws: `SessionRefusal` when an instance serves it.
  public mutating func removeGraph(_ graph: String) throws(SessionRefusal) {
    if let user = instances.first(where: { members[$0]!.graph == graph && !members[$0]!.machine.phase.isFinal }) {
      throw .graphInUse(graph, by: user)
    }
    graphs.remove(graph)
  }

  // MARK: - Instances

  /// An instance is asked for; a graph is named for those that serve one.
  /// - Throws: `SessionRefusal`; nothing has changed then.
  public mutating func request(
    _ name: String, kind: InstanceKind, graph: String? = nil, at now: ContinuousClock.Instant
  ) throws(SessionRefusal) -> [Effect] {
    guard isOpen else { throw .closing }
    guard members[name] == nil else { throw .nameTaken(name) }
    guard members.count < Self.maximumInstances else { throw .tooManyInstances }
    if kind == .analytical {
      let other = instances.first { members[$0]!.machine.kind == kind && !members[$0]!.machine.phase.isFinal }
      if let other { throw .analyticalExists(other) }
    } else {
      guard let graph, graphs.contains(graph) else { throw .noGraph(graph ?? "") }
    }
    let machine = InstanceLifecycle(kind: kind, timeouts: timeouts)
    members[name] = Member(machine: machine, graph: kind == .analytical ? nil : graph)
    return apply(to: name, at: now) { $0.admit() }
  }

  /// Hands an event to an instance's machine; nothing happens when there is none of that name.
  public mutating func handle(
    _ name: String, at now: ContinuousClock.Instant, _ event: (inout InstanceLifecycle) -> InstanceLifecycle.Action
  ) -> [Effect] {
    apply(to: name, at: now, event) + settle()
  }

  /// Forgets an instance that is over.
  /// - Throws: `SessionRefusal` when it is not.
  public mutating func forget(_ name: String) throws(SessionRefusal) {
    guard let member = members[name] else { return }
    guard member.machine.phase.isFinal, member.step == nil else { throw .notOver(name) }
    members[name] = nil
  }

  // MARK: - Steps

  /// A step begins on an analytical instance.
  /// - Throws: `SessionRefusal`; it must not run then.
  public mutating func beginStep(_ step: String, on name: String) throws(SessionRefusal) {
    guard isOpen else { throw .closing }
    guard let member = members[name], member.machine.kind == .analytical, member.machine.phase.serves else {
      throw .notServing(name)
    }
    if let running = member.step { throw .busy(running.name) }
    members[name]!.step = (step, false)
  }

  /// A step has ended, however it ended; nothing happens when it does not run.
  public mutating func endStep(_ step: String, at now: ContinuousClock.Instant) -> [Effect] {
    guard let name = members.first(where: { $0.value.step?.name == step })?.key else { return [] }
    members[name]!.step = nil
    return apply(to: name, at: now) { $0.drained(at: now) } + settle()
  }

  // MARK: - What follows

  private var isOpen: Bool { phase == .connected || phase == .detached }

  private mutating func endAll(at now: ContinuousClock.Instant) -> [Effect] {
    instances.flatMap { apply(to: $0, at: now) { $0.stop(at: now) } } + settle()
  }

  private mutating func apply(
    to name: String, at now: ContinuousClock.Instant, _ event: (inout InstanceLifecycle) -> InstanceLifecycle.Action
  ) -> [Effect] {
    guard var member = members[name] else { return [] }
    var effects: [Effect] = []
    let action = event(&member.machine)
    if action != .none { effects.append(.instance(name, action)) }
    // Nobody waits for a step of a session that closes, and none can go on where nothing runs.
    let goesOn = member.machine.phase.serves || (member.machine.phase == .draining && isOpen)
    if let step = member.step, !step.isCancelled, !goesOn {
      member.step!.isCancelled = true
      effects.append(.cancelStep(step.name))
    }
    if member.machine.kind == .analytical, member.step == nil {
      let action = member.machine.drained(at: now)
      if action != .none { effects.append(.instance(name, action)) }
    }
    members[name] = member
    return effects
  }

  private mutating func settle() -> [Effect] {
    guard phase == .closing, members.values.allSatisfy({ $0.machine.phase.isFinal && $0.step == nil }) else {
      return []
    }
    session.released()
    graphs = []
    return [.closed]
  }
}
