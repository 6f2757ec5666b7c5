/// The lifecycle of a session combined with those of its instances: which combinations are legal, and what a change of one
/// implies for the others. All kinds of instances progress independently: no event of one instance changes another.
///
/// | session             | its instances may be                     | steps                                    | graphs               |
/// |---------------------|------------------------------------------|------------------------------------------|----------------------|
/// | connected, detached | in any phase; at most one analytical instance that has not ended | one at a time, begun on a ready or degraded analytical instance | added and removed, unless an instance serves them |
/// | closing             | draining, stopping, stopped, failed      | end; none begins                         | kept                 |
/// | closed              | stopped, failed: no resources are held   | none                                     | none                 |
///
/// - An interactive or learning instance is requested for an existing graph, which is kept as long as the instance.
/// - Closing stops all instances at once; each drains, ends and releases independently. The session is closed when the last
///   instance and the last step have ended.
/// - An analytical instance is drained when its step has ended; for the other kinds, the owner reports `drained`.
///
/// The caller of a mutating method performs the effects in order, after they were journaled.
public struct SessionComposition: Sendable, Equatable {
  /// The maximum number of instances of a session, including ended ones that are not forgotten.
  public static let maximumInstances = 256
  /// The maximum number of graphs of a session.
  public static let maximumGraphs = 10_000

  /// An effect to perform.
  public enum Effect: Sendable, Equatable {
    /// Perform the action of an instance; never `none`.
    case instance(String, InstanceLifecycle.Action)
    /// Cancel a step, then call `endStep`.
    case cancelStep(String)
    /// The session is closed; forget it.
    case closed
  }

  /// The journaled state of an instance.
  public struct Recorded: Sendable, Equatable, Codable {
    /// The name within the session.
    public var name: String
    /// The kind.
    public var kind: InstanceKind
    /// The graph that it serves; nil for analytical instances.
    public var graph: String?
    /// The journaled state of its lifecycle.
    public var record: InstanceLifecycle.Record

    /// Creates the recorded state of an instance.
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
    /// The step that runs on it, and whether its cancellation was requested.
    var step: (name: String, isCancelled: Bool)?

    static func == (a: Member, b: Member) -> Bool {
      a.machine == b.machine && a.graph == b.graph && a.step?.name == b.step?.name
        && a.step?.isCancelled == b.step?.isCancelled
    }
  }

  private var session: SessionLifecycle
  private var members: [String: Member] = [:]
  private let timeouts: InstanceLifecycle.Timeouts
  /// The graphs that exist.
  public private(set) var graphs: Set<String> = []

  /// Creates a session that has just connected. A lease of nil never expires.
  public init(
    lease: Duration?, timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts(),
    at now: ContinuousClock.Instant
  ) {
    session = SessionLifecycle(lease: lease, at: now)
    self.timeouts = timeouts
  }

  /// Recovers a session from a journal after a restart of the coordinator, and returns the effects to perform. Steps that were
  /// running are over: the owner reports them as failed.
  public static func recovered(
    lease: Duration?, isClosing: Bool, graphs: Set<String>, instances: [Recorded],
    timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts(), at now: ContinuousClock.Instant
  ) -> (session: SessionComposition, effects: [Effect]) {
    var composition = SessionComposition(lease: lease, timeouts: timeouts, at: now)
    composition.session = .recovered(lease: lease, at: now)
    composition.graphs = graphs
    var effects: [Effect] = []
    for instance in instances {
      var (machine, action) = InstanceLifecycle.recovered(
        kind: instance.kind, from: instance.record, timeouts: timeouts, at: now)
      if machine.phase == .requested { action = machine.admit() }
      composition.members[instance.name] = Member(machine: machine, graph: instance.graph)
      if action != .none { effects.append(.instance(instance.name, action)) }
    }
    if isClosing { effects += composition.close(at: now) }
    return (composition, effects)
  }

  /// Returns whether an instance may be in a phase while its session is in another.
  public static func isLegal(_ session: SessionLifecycle.Phase, _ instance: InstanceLifecycle.Phase) -> Bool {
    switch session {
    case .connected, .detached: true
    case .closing: instance.isEnding
    case .closed: instance.isFinal
    }
  }

  // MARK: - State

  /// The phase of the session.
  public var phase: SessionLifecycle.Phase { session.phase }

  /// The names of its instances, sorted.
  public var instances: [String] { members.keys.sorted() }

  /// Returns the lifecycle of an instance; nil if there is none of that name.
  public func instance(_ name: String) -> InstanceLifecycle? { members[name]?.machine }

  /// Returns the state of an instance to journal; nil if there is none of that name.
  public func recorded(_ name: String) -> Recorded? {
    members[name].map { Recorded(name: name, kind: $0.machine.kind, graph: $0.graph, record: $0.machine.record) }
  }

  /// Returns the step that runs on an instance.
  public func step(on name: String) -> String? { members[name]?.step?.name }

  /// When `tick` is due; nil if nothing depends on time.
  public var deadline: ContinuousClock.Instant? {
    members.values.reduce(session.deadline) { earliest, member in
      guard let deadline = member.machine.deadline else { return earliest }
      return earliest.map { min($0, deadline) } ?? deadline
    }
  }

  /// Returns the violated invariants; empty if the combination is legal.
  public func violations() -> [String] {
    var found: [String] = []
    for (name, member) in members {
      let phase = member.machine.phase
      if !Self.isLegal(session.phase, phase) {
        found.append("\(name) is \(phase) in a session that is \(session.phase)")
      }
      if member.step != nil, member.machine.kind != .analytical { found.append("a step is running on \(name)") }
      if !phase.isFinal, let graph = member.graph, !graphs.contains(graph) {
        found.append("\(name) is \(phase) on graph \(graph), which does not exist")
      }
      if session.phase == .closed, member.step != nil { found.append("a step is running in a closed session") }
    }
    if members.values.count(where: { $0.machine.kind == .analytical && !$0.machine.phase.isFinal }) > 1 {
      found.append("there is more than one analytical instance")
    }
    return found.sorted()
  }

  // MARK: - The client

  /// Records a sign of life of the client.
  public mutating func signOfLife(at now: ContinuousClock.Instant) -> SessionLifecycle.LifeAction {
    session.signOfLife(at: now)
  }

  /// Reconnects a client to the session.
  public mutating func reconnect(at now: ContinuousClock.Instant) -> SessionLifecycle.LifeAction {
    session.reconnect(at: now)
  }

  /// Records that the transport connection of the client ended.
  public mutating func connectionLost() { session.connectionLost() }

  /// Records a sign of life of a program that may be the client.
  public mutating func hold(at now: ContinuousClock.Instant) { session.hold(at: now) }

  /// Ends a hold, because the holder is gone or turned out not to be the client; see `SessionLifecycle.endHold`.
  public mutating func endHold(at now: ContinuousClock.Instant, wasClient: Bool) {
    session.endHold(at: now, wasClient: wasClient)
  }

  /// Closes the session on behalf of its client or an operator; does nothing if it is already closing.
  public mutating func close(at now: ContinuousClock.Instant) -> [Effect] {
    session.close() == .release ? endAll(at: now) : []
  }

  /// Performs the transitions that are due at `now`.
  public mutating func tick(at now: ContinuousClock.Instant) -> [Effect] {
    if session.tick(at: now) == .release { return endAll(at: now) }
    return instances.flatMap { apply(to: $0, at: now) { $0.tick(at: now) } } + settle()
  }

  // MARK: - Graphs

  /// Adds a graph.
  /// - Throws: `SessionRefusal` if the session is closing or has too many graphs.
  public mutating func addGraph(_ graph: String) throws(SessionRefusal) {
    guard isOpen else { throw .closing }
    guard graphs.count < Self.maximumGraphs else { throw .tooManyGraphs }
    graphs.insert(graph)
  }

  /// Removes a graph that is about to be unloaded.
  /// - Throws: `SessionRefusal` if an instance serves it.
  public mutating func removeGraph(_ graph: String) throws(SessionRefusal) {
    if let user = instances.first(where: { members[$0]!.graph == graph && !members[$0]!.machine.phase.isFinal }) {
      throw .graphInUse(graph, by: user)
    }
    graphs.remove(graph)
  }

  // MARK: - Instances

  /// Requests an instance, with its graph if it serves one.
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

  /// Hands an event to an instance; does nothing if there is none of that name.
  public mutating func handle(
    _ name: String, at now: ContinuousClock.Instant, _ event: (inout InstanceLifecycle) -> InstanceLifecycle.Action
  ) -> [Effect] {
    apply(to: name, at: now, event) + settle()
  }

  /// Forgets an instance that has ended.
  /// - Throws: `SessionRefusal` if it has not ended.
  public mutating func forget(_ name: String) throws(SessionRefusal) {
    guard let member = members[name] else { return }
    guard member.machine.phase.isFinal, member.step == nil else { throw .notOver(name) }
    members[name] = nil
  }

  // MARK: - Steps

  /// Begins a step on an analytical instance.
  /// - Throws: `SessionRefusal`; the step must not run then.
  public mutating func beginStep(_ step: String, on name: String) throws(SessionRefusal) {
    guard isOpen else { throw .closing }
    guard let member = members[name], member.machine.kind == .analytical, member.machine.phase.serves else {
      throw .notServing(name)
    }
    if let running = member.step { throw .busy(running.name) }
    members[name]!.step = (step, false)
  }

  /// Records that a step has ended, however it ended; does nothing if it is not running.
  public mutating func endStep(_ step: String, at now: ContinuousClock.Instant) -> [Effect] {
    guard let name = members.first(where: { $0.value.step?.name == step })?.key else { return [] }
    members[name]!.step = nil
    return apply(to: name, at: now) { $0.drained(at: now) } + settle()
  }

  // MARK: - Consequences

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
    // No client waits for a step of a closing session, and no step can continue where nothing runs.
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
