import Glibc

/// What a supervisor knows about one child. Belongs to the supervisor and is used on its thread only.
final class SupervisedChild {
  let specification: ChildSpecification
  var lifecycle: ChildLifecycle
  var record: ChildRecord

  /// Its process, from its start until nothing of it is left.
  var process: ProcessReference?
  var outputs: [any ChildOutput] = []
  var controlGroup: ControlGroup?
  /// Where its output goes, when it outlives us.
  var outputDirectory: String?
  /// The last lines of its process.
  private(set) var lastLines: [String] = []
  /// Why we are ending its process; nil while we are not.
  var doom: ExitCause?
  /// Whether its process was sent KILL.
  var isKilled = false
  /// Why it could not be started at all.
  var startFailure: String?
  /// The kernel's count of processes killed for lack of memory, when its process started.
  var memoryKillsBefore: UInt64 = 0

  /// The promise to tick.
  var timer: (deadline: ContinuousClock.Instant, id: UInt64)?
  var probing = Probing()

  /// Whether processes that its process left behind were sent TERM.
  var leftOversAreTold = false
  /// When to give up what does not even end by KILL.
  var sweepDeadline: ContinuousClock.Instant?

  /// The record that is to be journaled next; only the newest counts.
  var unwritten: ChildRecord?
  /// Journals one record after the other; nil when there is nothing to do.
  var writer: Task<Void, Never>?

  /// What is asked of a child, and when next.
  struct Probing {
    enum Kind { case none, readiness, liveness }
    var kind = Kind.none
    var timer: UInt64?
    var task: Task<Void, Never>?
    /// Tells a late answer from one that is awaited.
    var serial: UInt64 = 0
  }

  init(_ specification: ChildSpecification, record: ChildRecord) {
    self.specification = specification
    self.record = record
    lifecycle = ChildLifecycle(policy: specification.policy)
  }

  var phase: ChildLifecycle.Phase { lifecycle.phase }

  /// Whether it has no process and gets none unasked.
  var isOver: Bool { phase == .exited || phase == .crashLooping }

  /// Forgets the process before the one that is to be started.
  func prepare(token: String) {
    record.status.token = token
    record.status.process = nil
    record.status.startTime = nil
    record.status.bootID = nil
    record.status.readyLine = nil
    lastLines = []
    doom = nil
    isKilled = false
    leftOversAreTold = false
    sweepDeadline = nil
    memoryKillsBefore = Self.memoryKills()
  }

  /// Remembers a line for the case that it is one of the last.
  func keep(_ line: String) {
    if lastLines.count == ChildExit.keptLines { lastLines.removeFirst() }
    lastLines.append(ChildExit.shortened(line))
  }

  /// From now on a successor need not read the output again.
  func saveOutputPositions() {
    for case let output as FileOutput in outputs { output.savesPosition = true }
  }

  /// Why its process ended, which has ended.
  func exitCause(_ status: (signaled: Bool, status: Int32)?) -> ExitCause {
    switch doom {
    case .stopped: return .stopped(byForce: isKilled)
    case .some(let cause): return cause
    case nil: break
    }
    guard let status else { return .unknown(reason: "an earlier coordinator had started it") }
    let killedForMemory =
      if let controlGroup { controlGroup.killedForMemory && (status.signaled || status.status != 0) } else {
        status.signaled && status.status == SIGKILL && Self.memoryKills() > memoryKillsBefore
      }
    return .of(
      signaled: status.signaled, status: status.status, limits: specification.limits,
      inControlGroup: controlGroup != nil, killedForMemory: killedForMemory)
  }

  /// How many processes this machine's kernel has killed for lack of memory.
  private static func memoryKills() -> UInt64 {
    let text = String(decoding: ProcessTable.readFile("/proc/vmstat", limit: 65536) ?? [], as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line.flatMap { UInt64($0.dropFirst(9)) } ?? 0
  }
}
