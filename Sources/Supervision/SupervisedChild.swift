import Glibc
import StateStore

/// The supervisor's state of one child. Owned by the supervisor and confined to its thread.
final class SupervisedChild {
  let specification: ChildSpecification
  var lifecycle: ChildLifecycle
  var record: ChildRecord

  /// The process, from its start until its descendants are gone, too.
  var process: ProcessReference?
  var outputs: [any ChildOutput] = []
  var controlGroup: ControlGroup?
  /// The directory of its output files, if it outlives the coordinator.
  var outputDirectory: String?
  /// The last lines of output of the current process.
  private(set) var lastLines: [String] = []
  /// The cause for which the supervisor is ending the process; nil if it is not.
  var doom: ExitCause?
  /// Whether KILL was sent to the process.
  var isKilled = false
  /// Why the process could not be started.
  var startFailure: String?
  /// The kernel's count of processes killed for lack of memory when the process started.
  var memoryKillsBefore: UInt64 = 0

  /// The timer that calls `tick`.
  var timer: (deadline: ContinuousClock.Instant, id: UInt64)?
  var probing = Probing()

  /// Whether TERM was sent to the processes left behind.
  var leftOversAreTold = false
  /// When to give up on processes that do not end even after KILL.
  var sweepDeadline: ContinuousClock.Instant?

  /// The record to journal next; a newer one replaces it.
  var unwritten: ChildRecord?
  /// Journals one record after the other; nil while idle. Stored, because those who need a journaled record wait for it.
  var writer: Task<Void, Never>?

  /// The state of the probes of a child.
  struct Probing {
    enum Kind { case none, readiness, liveness }
    var kind = Kind.none
    var timer: UInt64?
    var task: Task<Void, Never>?
    /// Distinguishes the awaited answer from late ones.
    var serial: UInt64 = 0
  }

  init(_ specification: ChildSpecification, record: ChildRecord) {
    self.specification = specification
    self.record = record
    lifecycle = ChildLifecycle(policy: specification.policy)
  }

  var phase: ChildLifecycle.Phase { lifecycle.phase }

  /// Whether there is no process, and none is started automatically.
  var isOver: Bool { phase == .exited || phase == .crashLooping }

  /// Resets the state of the previous process before a new start.
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

  /// Keeps a line as one of the last lines.
  func keep(_ line: String) {
    if lastLines.count == ChildExit.keptLines { lastLines.removeFirst() }
    lastLines.append(ChildExit.shortened(line))
  }

  /// Lets output positions advance, so that a successor does not read the output again.
  func saveOutputPositions() {
    for case let output as FileOutput in outputs { output.savesPosition = true }
  }

  /// Returns the cause of the end of the process, which must have ended.
  func exitCause(_ status: (signaled: Bool, status: Int32)?) -> ExitCause {
    switch doom {
    case .stopped: return .stopped(byForce: isKilled)
    case .some(let cause): return cause
    case nil: break
    }
    guard let status else { return .unknown(reason: "it was started by an earlier coordinator") }
    let killedForMemory =
      if let controlGroup { controlGroup.killedForMemory && (status.signaled || status.status != 0) } else {
        status.signaled && status.status == SIGKILL && Self.memoryKills() > memoryKillsBefore
      }
    return .of(
      signaled: status.signaled, status: status.status, limits: specification.limits,
      inControlGroup: controlGroup != nil, killedForMemory: killedForMemory)
  }

  /// Returns the number of processes that this kernel has killed for lack of memory.
  private static func memoryKills() -> UInt64 {
    let text = String(decoding: ProcessTable.readFile("/proc/vmstat", limit: 65536) ?? [], as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line.flatMap { UInt64($0.dropFirst(9)) } ?? 0
  }
}
