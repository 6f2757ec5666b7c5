import Objects
import StateStore
import Support

/// A child process as journaled and reported: an object of kind `child`.
public typealias ChildRecord = ClusterObject<ChildSpec, ChildStatus>

/// Stores the records of children. A new coordinator passes these records to `Supervisor.recover`.
public protocol ChildJournal: Sendable {
  /// Stores a child's record, replacing its earlier one. The supervisor calls this before it starts a process, with a token
  /// unique to that process; if the call throws, the process is not started. It calls it again when the process has started,
  /// becomes ready, stops being ready and has ended; if one of these calls throws, the supervisor continues and sets the record's
  /// condition `Journaled`. Calls for one child are sequential; calls for different children may be concurrent.
  func record(_ child: ChildRecord) async throws

  /// Removes the record of a child that is over and no longer needed; does nothing if there is no such record.
  func erase(_ name: String) async throws
}

/// The specification of a child as recorded. It omits the environment, which may hold secrets.
public struct ChildSpec: Codable, Sendable, Equatable {
  /// The executable file.
  public var executable: String
  /// The arguments, without the program name.
  public var arguments: [String]
  /// The working directory.
  public var directory: String?
  /// The id of the user that it runs as; nil for the user of the coordinator.
  public var user: UInt32?
  /// The resource limits.
  public var limits: ChildLimits
  /// The niceness.
  public var niceness: Int32
  /// What happens to the child when the coordinator dies.
  public var lifetime: ChildLifetime
  /// The exits after which it is restarted.
  public var restart: ChildLifecycle.Policy.Restart

  init(_ specification: ChildSpecification) {
    executable = specification.executable
    arguments = specification.arguments
    directory = specification.directory
    user = specification.user?.number
    limits = specification.limits
    niceness = specification.niceness
    lifetime = specification.lifetime
    restart = specification.policy.restart
  }
}

/// The observed status of a child.
public struct ChildStatus: Codable, Sendable, Equatable {
  /// The phase of its lifecycle.
  public var phase: ChildLifecycle.Phase
  /// The token of the current start: the value of `GSCOORDINATOR_CHILD` in the environment of its processes.
  public var token: String
  /// The process id, which is also its process group and session; nil if there is no process, or none is known.
  public var process: Int32?
  /// The start time of the process in clock ticks since boot; with `bootID`, it distinguishes the process from a later one with
  /// the same id.
  public var startTime: UInt64?
  /// The kernel's id of the boot during which the process was started.
  public var bootID: String?
  /// The number of processes started for the child.
  public var starts: Int
  /// The end of its previous process.
  public var lastExit: ChildExit?
  /// The line that reported readiness, if readiness is reported by a line; at most 500 code points.
  public var readyLine: String?
  /// The ids of its processes that could not be ended because they are stuck in the kernel.
  public var leftBehind: [Int32]

  init() {
    phase = .planned
    token = ""
    starts = 0
    leftBehind = []
  }
}

extension ClusterObject where Spec == ChildSpec, Status == ChildStatus {
  /// Creates the record of a child that has not been started.
  init(_ specification: ChildSpecification, nowMilliseconds: Int64) {
    self.init(
      kind: .child, name: specification.name, owner: specification.owner, createdMilliseconds: nowMilliseconds,
      spec: ChildSpec(specification), status: ChildStatus())
  }

  /// Whether a process may exist.
  var mayLive: Bool {
    switch status.phase {
    case .spawning, .aborting, .starting, .adopted, .ready, .unresponsive, .terminating, .killing: true
    case .planned, .waiting, .crashLooping, .exited: false
    }
  }

  /// Updates the phase and the conditions.
  mutating func moved(to phase: ChildLifecycle.Phase, nowMilliseconds: Int64) {
    status.phase = phase
    let (reason, message) = explanation(of: phase)
    setCondition(.ready, .init(phase == .ready), reason: reason, message: message, nowMilliseconds: nowMilliseconds)
    setCondition(
      .crashLooping, .init(phase == .crashLooping), reason: reason, message: message, nowMilliseconds: nowMilliseconds)
  }

  private func explanation(of phase: ChildLifecycle.Phase) -> (ObjectCondition.Reason, String) {
    let exit =
      status.lastExit.map { exit in
        "the child \(exit.cause)." + (exit.lastLines.last.map { " Its last line: \($0)" } ?? "")
      } ?? "the child ended."
    return switch phase {
    case .planned: (.planned, "The child has not been started yet.")
    case .spawning, .aborting: (.spawning, "A process is being started.")
    case .starting: (.starting, "The process is running but not ready yet.")
    case .adopted: (.adopted, "The process survived the previous coordinator and has not answered yet.")
    case .ready: (.ready, "The child is ready.")
    case .unresponsive: (.unresponsive, "The child did not answer a probe.")
    case .terminating, .killing: (.terminating, "The child is being stopped.")
    case .waiting: (.backOff, "The child will be restarted after a pause: \(exit)")
    case .crashLooping: (.crashLoop, "The child ended too often and is no longer restarted: \(exit)")
    case .exited: (.exited, "The child has ended: \(exit)")
    }
  }
}
