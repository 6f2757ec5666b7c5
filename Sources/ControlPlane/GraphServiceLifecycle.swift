/// The lifecycle of a graph service: one server process per graph, and switches between graphs that drop no query.
///
/// The servers are supervised children with lifecycles of their own; the owner reports when one serves, is interrupted, or has
/// ended for good. A switch starts the new graph's server next to the old one, which serves until the new one is ready and then
/// *leaves*: it finishes its queries and ends. At most two servers exist at a time.
///
/// | state         | `start`          | `becameReady`     | `interrupted` | `ended`           | `switchTo`       | `abandonSwitch` | `stop`            | `tick`, deadline over |
/// |---------------|------------------|-------------------|---------------|-------------------|------------------|-----------------|-------------------|-------|
/// | stopped       | → starting, start | –                | –             | –                 | refuse           | –               | –                 | –     |
/// | starting      | refuse           | → running, route  | –             | → crash-looping, report | refuse     | –               | → draining, retire | kill |
/// | running       | refuse           | –                 | → starting, unroute | → crash-looping, report | → switching, start | –   | → draining, retire | kill |
/// | switching     | refuse           | new: → running, switch over; old: route | old: unroute | new: → running, report; old: → starting, unroute | refuse | → running, retire new | → draining, retire both | – |
/// | crash-looping | → starting, start | –                | –             | –                 | → starting, start | –              | → stopped, done   | kill  |
/// | draining      | refuse           | –                 | –             | last: → stopped, done | refuse       | –               | –                 | kill  |
///
/// A failed switch leads back to running, or to starting if the old server does not serve at that moment. `start` and `switchTo`
/// are also refused while a server leaves. Requesting the graph already served changes nothing. `stop` while a server leaves
/// leads to draining. A leaving server that `ended` is removed, in any state; events of other servers are ignored.
public struct GraphServiceLifecycle: Sendable, Equatable {
  /// The state of the service.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case stopped, starting, running, switching, draining
    case crashLooping = "crash-looping"
  }

  /// The journaled state of a service.
  public struct Record: Sendable, Equatable, Codable {
    /// The phase.
    public var phase: Phase
    /// The graph that it serves, or was last requested to serve.
    public var graph: String?
    /// The next graph, during a switch.
    public var next: String?
    /// The graphs whose servers are leaving; at most 2.
    public var leaving: [String]

    /// Creates a record.
    public init(phase: Phase, graph: String?, next: String?, leaving: [String]) {
      self.phase = phase
      self.graph = graph
      self.next = next
      self.leaving = leaving
    }
  }

  /// What the owner must do next. Servers are named by their graphs.
  public enum Action: Sendable, Equatable, Codable {
    /// Do nothing.
    case none
    /// Reject the request: the service is stopping, switching or not serving.
    case refuse
    /// Start or adopt a server, then call `becameReady` or `ended`.
    case start(String)
    /// Send queries to this server.
    case route(String)
    /// Send no queries: the supervisor is restarting the server, or the next server is not ready yet.
    case unroute
    /// Send new queries to `to`; let `from` finish its queries, end it, then call `ended`.
    case switchOver(from: String, to: String)
    /// Report that the switch failed: this graph's server ended. The old one continues to serve.
    case reportSwitchFailed(String)
    /// Send no queries: the server exits repeatedly and is not restarted.
    case reportCrashLoop
    /// Let these servers finish their queries, end them, then call `ended` for each.
    case retire([String])
    /// End these servers by force.
    case kill([String])
    /// No server is left.
    case done
  }

  private enum State: Equatable {
    case stopped, draining
    case starting(String)
    case running(String)
    case switching(from: String, to: String, oldServes: Bool)
    case crashLooping(String)
  }

  private var state = State.stopped
  private let drainTime: Duration
  /// The graphs whose servers are leaving, in addition to those named by the state.
  public private(set) var leaving: [String] = []
  private var leaveDeadline: ContinuousClock.Instant?

  /// Creates a service that does not run yet.
  /// - Parameter drainTime: The time that leaving servers have to finish queries, and the interval between kills.
  public init(drainTime: Duration = .seconds(30)) { self.drainTime = drainTime }

  /// Recovers a service from a journal after a restart of the coordinator, and returns the actions to take. `start` adopts
  /// servers that are still alive.
  public static func recovered(
    from record: Record, drainTime: Duration = .seconds(30), at now: ContinuousClock.Instant
  ) -> (service: GraphServiceLifecycle, actions: [Action]) {
    var service = GraphServiceLifecycle(drainTime: drainTime)
    var actions: [Action] = []
    switch (record.phase, record.graph, record.next) {
    case (.starting, let graph?, _), (.running, let graph?, _):
      service.state = .starting(graph)
      actions.append(.start(graph))
    case (.switching, let graph?, let next?):
      service.state = .switching(from: graph, to: next, oldServes: false)
      actions += [.start(graph), .start(next)]
    case (.crashLooping, let graph?, _): service.state = .crashLooping(graph)
    case (.draining, _, _): service.state = record.leaving.isEmpty ? .stopped : .draining
    default: break
    }
    if !record.leaving.isEmpty { actions.append(service.retire(record.leaving, at: now)) }
    return (service, actions)
  }

  /// The current phase.
  public var phase: Phase {
    switch state {
    case .stopped: .stopped
    case .starting: .starting
    case .running: .running
    case .switching: .switching
    case .draining: .draining
    case .crashLooping: .crashLooping
    }
  }

  /// The graph that it serves, or was last requested to serve.
  public var graph: String? {
    switch state {
    case .starting(let graph), .running(let graph), .switching(let graph, _, _), .crashLooping(let graph): graph
    case .stopped, .draining: nil
    }
  }

  /// The state to journal.
  public var record: Record {
    var next: String?
    if case .switching(_, let to, _) = state { next = to }
    return Record(phase: phase, graph: graph, next: next, leaving: leaving)
  }

  /// When `tick` is due; nil if nothing depends on time.
  public var deadline: ContinuousClock.Instant? { leaving.isEmpty ? nil : leaveDeadline }

  /// Starts to serve a graph.
  public mutating func start(_ graph: String) -> Action {
    switch state {
    case .stopped, .crashLooping:
      guard leaving.isEmpty else { return .refuse }
      state = .starting(graph)
      return .start(graph)
    case .starting(graph), .running(graph): return .none
    case .starting, .running, .switching, .draining: return .refuse
    }
  }

  /// Switches to another graph once its server is ready.
  public mutating func switchTo(_ graph: String) -> Action {
    switch state {
    case .running(graph), .switching(_, to: graph, _): return .none
    case .running(let current):
      guard leaving.isEmpty else { return .refuse }
      state = .switching(from: current, to: graph, oldServes: true)
      return .start(graph)
    case .crashLooping: return start(graph)
    case .stopped, .starting, .switching, .draining: return .refuse
    }
  }

  /// Abandons a switch and keeps the old graph.
  public mutating func abandonSwitch(at now: ContinuousClock.Instant) -> Action {
    guard case .switching(let old, let new, let oldServes) = state else { return .none }
    state = oldServes ? .running(old) : .starting(old)
    return retire([new], at: now)
  }

  /// Records that a graph's server serves.
  public mutating func becameReady(_ graph: String, at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .starting(graph):
      state = .running(graph)
      return .route(graph)
    case .switching(let old, to: graph, _):
      state = .running(graph)
      _ = retire([old], at: now)
      return .switchOver(from: old, to: graph)
    case .switching(from: graph, let new, _):
      state = .switching(from: graph, to: new, oldServes: true)
      return .route(graph)
    default: return .none
    }
  }

  /// Records that a graph's server does not serve at present; its supervisor restarts it.
  public mutating func interrupted(_ graph: String) -> Action {
    switch state {
    case .running(graph):
      state = .starting(graph)
      return .unroute
    case .switching(from: graph, let new, _):
      state = .switching(from: graph, to: new, oldServes: false)
      return .unroute
    default: return .none
    }
  }

  /// Records that a graph's server has no process and is not restarted automatically.
  public mutating func ended(_ graph: String) -> Action {
    if let index = leaving.firstIndex(of: graph) {
      leaving.remove(at: index)
      guard leaving.isEmpty, state == .draining else { return .none }
      state = .stopped
      return .done
    }
    switch state {
    case .starting(graph), .running(graph):
      state = .crashLooping(graph)
      return .reportCrashLoop
    case .switching(let old, to: graph, let oldServes):
      state = oldServes ? .running(old) : .starting(old)
      return .reportSwitchFailed(graph)
    case .switching(from: graph, let new, _):
      state = .starting(new)
      return .unroute
    default: return .none
    }
  }

  /// Stops the service.
  public mutating func stop(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .stopped, .draining: return .none
    case .crashLooping where leaving.isEmpty:
      state = .stopped
      return .done
    case .crashLooping:
      state = .draining
      return .none
    case .starting(let graph), .running(let graph):
      state = .draining
      return retire([graph], at: now)
    case .switching(let old, let new, _):
      state = .draining
      return retire([old, new], at: now)
    }
  }

  /// Performs the transition that is due at `now`, if any.
  public mutating func tick(at now: ContinuousClock.Instant) -> Action {
    guard let deadline, deadline <= now else { return .none }
    leaveDeadline = now.advanced(by: drainTime)
    return .kill(leaving)
  }

  private mutating func retire(_ graphs: [String], at now: ContinuousClock.Instant) -> Action {
    leaving += graphs
    leaveDeadline = now.advanced(by: drainTime)
    return .retire(graphs)
  }
}
