/// The program that a child process runs, its environment and limits, and how it is supervised.
public struct ChildSpecification: Sendable {
  /// The name, unique among the children: 1 to 256 bytes without control characters.
  public var name: String
  /// The owner on whose behalf the child runs.
  public var owner: String
  /// The absolute path of the executable. Neither a shell nor a search path is used.
  public var executable: String
  /// The arguments, without the program name.
  public var arguments: [String]
  /// The names of environment variables to copy from the coordinator.
  public var inheritedEnvironment: [String]
  /// Additional environment variables; they take precedence over inherited ones.
  public var environment: [String: String]
  /// The working directory; nil for `/`.
  public var directory: String?
  /// The user that it runs as, without privileges or a way to gain any; nil for the user of the coordinator.
  public var user: ChildUser?
  /// Descriptors above 2 to pass on under the same numbers. Apart from its output, the child has no other descriptors.
  public var descriptors: [Int32]
  /// The resource limits.
  public var limits: ChildLimits
  /// The niceness, -20 to 19; a value below the coordinator's own requires privileges.
  public var niceness: Int32
  /// What happens to the child when the coordinator dies.
  public var lifetime: ChildLifetime
  /// How the supervisor detects that the child serves.
  public var readiness: Readiness
  /// How the supervisor checks that the child still serves; nil for no checks.
  public var liveness: Liveness?
  /// When it is restarted, and the time limits of each phase.
  public var policy: ChildLifecycle.Policy

  /// The environment variables that children inherit by default: paths, user, language, time zone.
  public static let usualEnvironment = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
  ]

  /// Creates a specification.
  public init(
    name: String, owner: String = "coordinator", executable: String, arguments: [String] = [],
    inheritedEnvironment: [String] = ChildSpecification.usualEnvironment, environment: [String: String] = [:],
    directory: String? = nil, user: ChildUser? = nil, descriptors: [Int32] = [], limits: ChildLimits = ChildLimits(),
    niceness: Int32 = 0,
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
    self.user = user
    self.descriptors = descriptors
    self.limits = limits
    self.niceness = niceness
    self.lifetime = lifetime
    self.readiness = readiness
    self.liveness = liveness
    self.policy = policy
  }

  /// Probes a child; returns true if it answers properly.
  public typealias Probe = @Sendable () async -> Bool

  /// How the supervisor detects that a child serves. The child has `policy.readinessDeadline` to become ready.
  public enum Readiness: Sendable {
    /// The child is ready as soon as it runs.
    case started
    /// It is ready when it accepts TCP connections on this port of 127.0.0.1.
    case port(UInt16)
    /// It is ready when a file exists at this absolute path.
    case file(String)
    /// It is ready when it writes a line with this prefix to standard output or standard error.
    case line(prefix: String)
    /// It is ready when the probe succeeds; a failed probe is repeated after 50 ms.
    case probe(Probe)
  }

  /// How the supervisor checks that a child still serves. A probe that has not answered when the next one is due is cancelled and
  /// counts as failed; `policy.probeFailuresTolerated` limits the consecutive failures.
  public struct Liveness: Sendable {
    /// The interval between two probes.
    public var interval: Duration
    /// The probe to run.
    public var probe: Probe

    /// Runs the probe every `interval`, which is raised to 10 ms if it is shorter.
    public init(every interval: Duration, _ probe: @escaping Probe) {
      self.interval = max(interval, .milliseconds(10))
      self.probe = probe
    }

    /// Checks every `interval` whether the port of 127.0.0.1 accepts connections.
    public static func port(_ port: UInt16, every interval: Duration) -> Liveness {
      Liveness(every: interval) { portAccepts(port) }
    }
  }

  /// Why the specification is invalid; nil if it is valid.
  var fault: String? {
    if name.isEmpty || name.utf8.count > 256 || name.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
      return "its name must have 1 to 256 bytes and no control characters"
    }
    if !executable.hasPrefix("/") { return "the executable '\(executable)' must be an absolute path" }
    let texts = [executable, directory ?? ""] + arguments + environment.flatMap { [$0.key, $0.value] }
    if texts.contains(where: { $0.utf8.contains(0) }) {
      return "its executable, directory, an argument or an environment variable contains a NUL character"
    }
    if environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) {
      return "the name of an environment variable is empty or contains '='"
    }
    if descriptors.contains(where: { $0 < 3 }) {
      return "descriptors 0 to 2 are reserved for its standard input and output"
    }
    return nil
  }
}

/// The user and groups that a child runs as.
public struct ChildUser: Sendable, Equatable {
  /// The user id.
  public var number: UInt32
  /// The id of the primary group.
  public var group: UInt32
  /// The ids of all groups.
  public var groups: [UInt32]

  /// Creates a user.
  public init(number: UInt32, group: UInt32, groups: [UInt32]) {
    (self.number, self.group, self.groups) = (number, group, groups)
  }
}

/// What happens to a child when the coordinator dies.
public enum ChildLifetime: String, Sendable, Codable, CaseIterable {
  /// The kernel kills it. Its output is read through pipes.
  case diesWithUs
  /// It keeps running, and the next coordinator adopts it. Its output is written to files in the supervisor's directory.
  case outlivesUs
}

/// The resource limits of a child; nil leaves a resource at the coordinator's own limit.
public struct ChildLimits: Sendable, Equatable, Codable {
  /// The memory limit in bytes: of all processes of the child with control groups, otherwise of the address space of each
  /// process. In the latter case, programs that reserve much more than they use, such as Java, need a multiple.
  public var memoryBytes: UInt64?
  /// The number of processors, for example 1.5. Enforced by control groups only.
  public var processors: Double?
  /// The seconds of processor time after which the kernel ends a process.
  public var processorSeconds: UInt64?
  /// The maximum number of open descriptors per process.
  public var openFiles: UInt64?
  /// The maximum number of processes and threads: of this child with control groups, otherwise of the *user*, including all other
  /// processes of that user, and not enforced for root.
  public var processes: UInt64?
  /// The maximum size of a core dump in bytes.
  public var coreBytes: UInt64

  /// Creates limits.
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
