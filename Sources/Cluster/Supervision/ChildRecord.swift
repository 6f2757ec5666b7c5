/// A child process as it is journaled and shown: an object of kind `child`.
public typealias ChildRecord = ClusterObject<ChildSpec, ChildStatus>

/// Where children are journaled. A new coordinator gives the records to `Supervisor.recover`.
public protocol ChildJournal: Sendable {
  /// Stores a child's record over its earlier one. It is called before a process is started, with a token that no other
  /// process has; when it throws, no process is started. It is called again when the process is there, is ready, is no
  /// longer ready and has ended; when these throw, the supervisor goes on, and the record's condition `Journaled` says
  /// so. Calls for one child come one after the other, calls for several side by side.
  func record(_ child: ChildRecord) async throws

  /// Removes the record of a child that is over and that nobody asks for any more; one that is not there is no error.
  func erase(_ name: String) async throws
}

/// What a child was asked to be. Its environment is left out: it may hold secrets.
public struct ChildSpec: Codable, Sendable, Equatable {
  /// The file that is executed.
  public var executable: String
  /// The arguments, without the program's own name.
  public var arguments: [String]
  /// Where it runs.
  public var directory: String?
  /// What it may use.
  public var limits: ChildLimits
  /// Its niceness.
  public var niceness: Int32
  /// What becomes of it when we die.
  public var lifetime: ChildLifetime
  /// Which exits are answered with a new start.
  public var restart: ChildLifecycle.Policy.Restart

  init(_ specification: ChildSpecification) {
    executable = specification.executable
    arguments = specification.arguments
    directory = specification.directory
    limits = specification.limits
    niceness = specification.niceness
    lifetime = specification.lifetime
    restart = specification.policy.restart
  }
}

/// What a child is.
public struct ChildStatus: Codable, Sendable, Equatable {
  /// Where it stands.
  public var phase: ChildLifecycle.Phase
  /// Known to this start of it alone: the value of `GSCOORDINATOR_CHILD` in its environment.
  public var token: String
  /// Its process, which is also its process group and session; nil when there is none, or none is known.
  public var process: Int32?
  /// When the process started, in clock ticks since the machine did; with `bootID` this tells it from later processes
  /// of the same number.
  public var startTime: UInt64?
  /// The machine's run.
  public var bootID: String?
  /// How many times a process was started for it.
  public var starts: Int
  /// How its last process ended.
  public var lastExit: ChildExit?
  /// The line that said it is ready, when a line was to say it; at most 500 code points.
  public var readyLine: String?
  /// Processes of it that could not be ended: stuck in the kernel.
  public var leftBehind: [Int32]

  init() {
    phase = .planned
    token = ""
    starts = 0
    leftBehind = []
  }
}

extension ClusterObject where Spec == ChildSpec, Status == ChildStatus {
  /// The record of a child of which nothing is known yet.
  init(_ specification: ChildSpecification, nowMilliseconds: Int64) {
    self.init(
      kind: .child, name: specification.name, owner: specification.owner, createdMilliseconds: nowMilliseconds,
      spec: ChildSpec(specification), status: ChildStatus())
  }

  /// Whether a process may be there.
  var mayLive: Bool {
    switch status.phase {
    case .spawning, .aborting, .starting, .adopted, .ready, .unresponsive, .terminating, .killing: true
    case .planned, .waiting, .crashLooping, .exited: false
    }
  }

  /// Brings phase and conditions up to date.
  mutating func moved(to phase: ChildLifecycle.Phase, nowMilliseconds: Int64) {
    status.phase = phase
    let (reason, message) = explanation(of: phase)
    setCondition("Ready", phase == .ready, reason: reason, message: message, nowMilliseconds: nowMilliseconds)
    setCondition(
      "CrashLooping", phase == .crashLooping, reason: reason, message: message, nowMilliseconds: nowMilliseconds)
  }

  private func explanation(of phase: ChildLifecycle.Phase) -> (String, String) {
    let exit =
      status.lastExit.map { exit in
        "the child \(exit.cause)." + (exit.lastLines.last.map { " Its last line: \($0)" } ?? "")
      } ?? "the child ended."
    return switch phase {
    case .planned: ("Planned", "Nothing was done yet.")
    case .spawning, .aborting: ("Spawning", "A process is being started.")
    case .starting: ("Starting", "The process runs and is not ready yet.")
    case .adopted: ("Adopted", "The process was found alive and was not heard yet.")
    case .ready: ("Ready", "The child serves.")
    case .unresponsive: ("Unresponsive", "The child missed a probe.")
    case .terminating, .killing: ("Terminating", "The child was told to end.")
    case .waiting: ("BackOff", "It will be started again after a pause: \(exit)")
    case .crashLooping: ("CrashLoop", "It ended too often and stays down until it is started again: \(exit)")
    case .exited: ("Exited", "It is over: \(exit)")
    }
  }
}
