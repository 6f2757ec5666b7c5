/// What a child process shall be and how it is to be looked after.
public struct ChildSpecification: Sendable {
  /// Its name, unique among the children: 1 to 256 bytes without control characters.
  public var name: String
  /// Who asked for it.
  public var owner: String
  /// The absolute path of the file to execute. No shell is involved and nothing is searched for.
  public var executable: String
  /// The arguments, without the program's own name.
  public var arguments: [String]
  /// The names of our own variables that it gets as well.
  public var inheritedEnvironment: [String]
  /// Variables of its own; they go before inherited ones.
  public var environment: [String: String]
  /// Where it runs; nil for `/`.
  public var directory: String?
  /// What it may use.
  public var limits: ChildLimits
  /// Its niceness, -20 to 19; less than our own needs privileges.
  public var niceness: Int32
  /// What becomes of it when we die.
  public var lifetime: ChildLifetime
  /// How we learn that it serves.
  public var readiness: Readiness
  /// How we learn that it still serves; nil to believe it.
  public var liveness: Liveness?
  /// When it is restarted and how long things may take.
  public var policy: ChildLifecycle.Policy

  /// The variables that children get unless told otherwise: paths, user, language, time zone.
  public static let usualEnvironment = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
  ]

  /// A specification.
  public init(
    name: String, owner: String = "coordinator", executable: String, arguments: [String] = [],
    inheritedEnvironment: [String] = ChildSpecification.usualEnvironment, environment: [String: String] = [:],
    directory: String? = nil, limits: ChildLimits = ChildLimits(), niceness: Int32 = 0,
    lifetime: ChildLifetime = .diesWithUs, readiness: Readiness = .started, liveness: Liveness? = nil,
    policy: ChildLifecycle.Policy = ChildLifecycle.Policy()
  ) {
    self.name = name
    self.owner = owner
    self.executable = executable
    self.arguments = arguments
    self.inheritedEnvironment = inheritedEnvironment
    self.environment = environment
    self.directory = directory
    self.limits = limits
    self.niceness = niceness
    self.lifetime = lifetime
    self.readiness = readiness
    self.liveness = liveness
    self.policy = policy
  }

  /// Asks a child something; true when the answer is good.
  public typealias Probe = @Sendable () async -> Bool

  /// How we learn that a child serves. It has `policy.readinessDeadline` for it.
  public enum Readiness: Sendable {
    /// It serves as soon as it runs.
    case started
    /// It accepts TCP connections on this port of 127.0.0.1.
    case port(UInt16)
    /// There is something at this absolute path.
    case file(String)
    /// It writes a line, to standard output or standard error, that begins with this text.
    case line(prefix: String)
    /// A probe succeeds; it is asked again 50 ms after it failed.
    case probe(Probe)
  }

  /// How we learn that a child still serves. A probe that has not answered when the next one is due has failed and is
  /// cancelled; `policy.probeFailuresTolerated` says how many may fail in a row.
  public struct Liveness: Sendable {
    /// The time between two probes.
    public var interval: Duration
    /// What is asked.
    public var probe: Probe

    /// Asks every `interval`, at least 10 ms.
    public init(every interval: Duration, _ probe: @escaping Probe) {
      self.interval = max(interval, .milliseconds(10))
      self.probe = probe
    }

    /// Asks every `interval` whether the port of 127.0.0.1 accepts connections.
    public static func port(_ port: UInt16, every interval: Duration) -> Liveness {
      Liveness(every: interval) { portAccepts(port) }
    }
  }

  /// What is wrong with it; nil when nothing is.
  var fault: String? {
    if name.isEmpty || name.utf8.count > 256 || name.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
      return "its name must have 1 to 256 bytes and no control characters"
    }
    if !executable.hasPrefix("/") { return "the executable '\(executable)' must be an absolute path" }
    let texts = [executable, directory ?? ""] + arguments + environment.flatMap { [$0.key, $0.value] }
    if texts.contains(where: { $0.utf8.contains(0) }) { return "an argument or variable contains a NUL character" }
    if environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) {
      return "the name of a variable is empty or contains '='"
    }
    return nil
  }
}

/// What becomes of a child when the coordinator dies.
public enum ChildLifetime: String, Sendable, Codable, CaseIterable {
  /// The kernel kills it. Its output comes through pipes.
  case diesWithUs
  /// It goes on, and the next coordinator adopts it. Its output goes through files in the supervisor's directory.
  case outlivesUs
}

/// What a child may use; nil for as much as we may.
public struct ChildLimits: Sendable, Equatable, Codable {
  /// Memory in bytes: of all its processes where control groups are, else address space of each process. Programs that
  /// reserve much more than they use (Java) need a multiple of it in the second case.
  public var memoryBytes: UInt64?
  /// Processors, for example 1.5. Only control groups can hold to it; without them it is not enforced.
  public var processors: Double?
  /// Seconds of processor time of each process, after which the kernel ends it.
  public var processorSeconds: UInt64?
  /// Open descriptors of each process.
  public var openFiles: UInt64?
  /// Processes and threads, of this child where control groups are; else of the *user*, whoever started them, and not
  /// enforced for root.
  public var processes: UInt64?
  /// Bytes of a core dump.
  public var coreBytes: UInt64

  /// Limits.
  public init(
    memoryBytes: UInt64? = nil, processors: Double? = nil, processorSeconds: UInt64? = nil, openFiles: UInt64? = nil,
    processes: UInt64? = nil, coreBytes: UInt64 = 0
  ) {
    self.memoryBytes = memoryBytes
    self.processors = processors
    self.processorSeconds = processorSeconds
    self.openFiles = openFiles
    self.processes = processes
    self.coreBytes = coreBytes
  }
}
