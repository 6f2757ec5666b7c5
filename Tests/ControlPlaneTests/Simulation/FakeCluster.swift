import Scheduling

@testable import ControlPlane

/// A host with processes. Whether a process ignores TERM or dies at once depends on its name.
struct FakeHost {
  struct Process {
    let number: Int
    let kind: InstanceKind
    let ignoresTerm: Bool
    let diesAtOnce: Bool
    var isReady = false
  }

  let latency: Int
  var isAlive = true
  var isCut = false
  /// The number of its connection; messages of older ones are lost.
  var link = 0
  var startMilliseconds = 100
  var processes: [String: Process] = [:]
  private var spawns = 0

  init(number: Int) { latency = 1 + number % 20 }

  var isReachable: Bool { isAlive && !isCut }

  /// The resources used by its processes.
  var demand: Resources { processes.values.reduce(.zero) { $0 + SimulatedCoordinator.resources($1.kind) } }

  /// - Returns: The process id; nil if there is a process of that name.
  mutating func spawn(_ child: String, _ kind: InstanceKind) -> Int? {
    guard processes[child] == nil else { return nil }
    spawns += 1
    let hash = stableHash("\(child)#\(spawns)")
    processes[child] = Process(
      number: spawns, kind: kind, ignoresTerm: hash % 10 == 0, diesAtOnce: hash % 31 == 0)
    return spawns
  }

  mutating func die() {
    isAlive = false
    processes = [:]
  }
}

/// Returns an FNV-1a hash (Fowler, Noll, Vo), for choices that stay the same when a history is shrunk.
func stableHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// The clients, which know the names of their sessions and instances; every session and instance gets a new name.
struct FakeClients {
  private var names = 0
  private var sessions: [Int: String] = [:]
  private var instances: [Int: [Int: String]] = [:]

  /// Returns the call that a client makes; nil for none.
  mutating func call(_ event: SimulatedEvent) -> SimulatedCoordinator.Input? {
    switch event {
    case .open(let session, let leaseSeconds):
      names += 1
      sessions[session] = "s\(names)"
      instances[session] = [:]
      return .open(session: "s\(names)", lease: leaseSeconds.map { .seconds($0) })
    case .heartbeat(let session): return sessions[session].map { .heartbeat(session: $0) }
    case .loseClient(let session): return sessions[session].map { .loseClient(session: $0) }
    case .reconnect(let session): return sessions[session].map { .reconnect(session: $0) }
    case .close(let session): return sessions[session].map { .close(session: $0) }
    case .unloadGraph(let session): return sessions[session].map { .unloadGraph(session: $0) }
    case .request(let session, let instance, let kind, let workers):
      guard let name = sessions[session] else { return nil }
      names += 1
      instances[session]![instance] = "i\(names)"
      return .request(session: name, instance: "i\(names)", kind: kind, workers: workers)
    case .stop(let session, let instance):
      guard let name = sessions[session], let instance = instances[session]![instance] else { return nil }
      return .stop(session: name, instance: instance)
    case .step(let session, let step, let milliseconds):
      return sessions[session].map { .step(session: $0, step: "p\(step)", milliseconds: milliseconds) }
    case .serve(let service, let graph): return .service("v\(service)", .start(graph: "g\(graph)"))
    case .switchGraph(let service, let graph): return .service("v\(service)", .switchTo(graph: "g\(graph)"))
    case .abandonSwitch(let service): return .service("v\(service)", .abandonSwitch)
    case .stopService(let service): return .service("v\(service)", .stop)
    case .submit(let job, let limitSeconds):
      return .job("j\(job)", .submit(timeLimit: limitSeconds.map { .seconds($0) }))
    case .cancel(let job): return .job("j\(job)", .cancel)
    default: return nil
    }
  }
}
