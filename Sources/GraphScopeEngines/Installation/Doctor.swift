/// Checks whether this machine has everything that GraphScope's engines need. Starts none of them.
public struct Doctor: Sendable {
  /// The result of a check.
  public struct Finding: Sendable, Equatable {
    /// The severity of a result.
    public enum State: String, Sendable {
      /// The check passed.
      case good
      /// An optional feature is missing or limited.
      case limited
      /// Sessions cannot be started.
      case missing
    }

    /// What was checked.
    public var subject: String
    /// The severity.
    public var state: State
    /// What was found, as text.
    public var text: String
    /// What to do; empty if nothing needs to be done.
    public var remedy: String

    /// Creates a finding.
    public init(_ subject: String, _ state: State, _ text: String, remedy: String = "") {
      self.subject = subject
      self.state = state
      self.text = text
      self.remedy = remedy
    }
  }

  /// The facts about the machine that the checks need.
  public struct Machine: Sendable {
    /// Returns the free bytes in the file system of a path; nil if unknown.
    public var freeBytes: @Sendable (_ path: String) -> UInt64?
    /// The maximum number of open files per process.
    public var openFiles: UInt64
    /// Whether a TCP port of 127.0.0.1 is available.
    public var hasFreePort: Bool
    /// Returns the first line of a program's output, including standard error; nil if it cannot be run.
    public var firstLine: @Sendable (_ program: String, _ arguments: [String]) -> String?

    /// Creates a machine with the given facts.
    public init(
      freeBytes: @escaping @Sendable (_ path: String) -> UInt64?, openFiles: UInt64, hasFreePort: Bool,
      firstLine: @escaping @Sendable (_ program: String, _ arguments: [String]) -> String?
    ) {
      self.freeBytes = freeBytes
      self.openFiles = openFiles
      self.hasFreePort = hasFreePort
      self.firstLine = firstLine
    }
  }

  private let search: InstallationSearch
  private let files: any FileLookup
  private let machine: Machine
  private let path: [String]
  private let cache: String
  private let hosts: [String]
  private let remoteShell: [String]

  private static let wantedSharedMemory: UInt64 = 1 << 30
  private static let wantedDisk: UInt64 = 2 << 30
  private static let wantedOpenFiles: UInt64 = 4096

  /// Creates a doctor.
  /// - Parameters:
  ///   - search: Where to look for the engines.
  ///   - path: Directories of programs, as in `PATH`.
  ///   - cache: The directory of compiled algorithms.
  ///   - hosts: Other hosts on which sessions may have workers.
  ///   - remoteShell: The program that runs commands on them, with its first arguments.
  public init(
    _ search: InstallationSearch, files: any FileLookup, machine: Machine, path: [String], cache: String,
    hosts: [String] = [], remoteShell: [String] = HostReach.ssh
  ) {
    self.hosts = hosts
    self.remoteShell = remoteShell
    self.search = search
    self.files = files
    self.machine = machine
    self.path = path
    self.cache = cache
  }

  /// Runs all checks.
  public func findings() -> [Finding] {
    switch Result(catching: { () throws(InstallationProblem) in try search.find() }) {
    case .success(let installation):
      installed(installation) + tools() + resources() + hosts.map { host($0, installation) }
    case .failure(let problem):
      [
        Finding(
          "engine", .missing, "not found; looked for " + problem.lookedAt.joined(separator: ", "),
          remedy: InstallationProblem.remedy)
      ] + tools() + resources()
    }
  }

  /// Returns whether sessions can be started.
  public static func isReady(_ findings: [Finding]) -> Bool { !findings.contains { $0.state == .missing } }

  // MARK: What is installed

  private func installed(_ installation: Installation) -> [Finding] {
    let pip = "\(installation.python ?? "python3") -m pip install"
    var findings = [engine(installation, pip)]
    findings.append(
      installation.vineyardd.map { Finding("vineyard", .good, $0) }
        ?? Finding("vineyard", .missing, "vineyardd was not found", remedy: "Run: \(pip) vineyard==0.24.2"))
    findings.append(
      installation.algorithms.map { Finding("algorithms", .good, $0) }
        ?? Finding(
          "algorithms", .missing, "the list of algorithms was not found",
          remedy: "Run: \(pip) gs-coordinator==\(Installation.supportedVersion)"))
    findings.append(
      installation.mpi.map { Finding("MPI", .good, $0 + "/bin/mpirun") }
        ?? Finding(
          "MPI", .limited, "mpirun was not found: sessions are limited to one worker",
          remedy: "Run: apt-get install openmpi-bin")
    )
    findings.append(
      installation.etcd.map { Finding("etcd", .good, $0) }
        ?? Finding(
          "etcd", .limited, "not found: sessions are limited to workers on this host",
          remedy: "Run: apt-get install etcd-server"))
    findings.append(
      installation.python.map { Finding("Python", .good, $0) }
        ?? Finding(
          "Python", .limited, "the engines' Python environment was not found: no learning, no algorithms in Python",
          remedy: InstallationProblem.remedy))
    return findings
  }

  private func engine(_ installation: Installation, _ pip: String) -> Finding {
    let remedy = "Run: \(pip) gs-engine==\(Installation.supportedVersion)"
    guard let version = installation.version else {
      return Finding("engine", .limited, "\(installation.engine), of an unknown version", remedy: remedy)
    }
    guard version == Installation.supportedVersion else {
      return Finding(
        "engine", .missing,
        "\(installation.engine) is version \(version); \(Installation.supportedVersion) is needed", remedy: remedy)
    }
    return Finding("engine", .good, "\(installation.engine), version \(version)")
  }

  /// Checks whether another host accepts our login and has the engines at the same paths.
  private func host(_ name: String, _ installation: Installation) -> Finding {
    let subject = "host \(name)"
    guard let shell = program(remoteShell[0]) else {
      return Finding(
        subject, .missing, "\(remoteShell[0]) was not found", remedy: "Run: apt-get install openssh-client")
    }
    let programs = [installation.engine, installation.vineyardd, installation.mpi.map { $0 + "/bin/orted" }]
      .compactMap(\.self)
    let tests = programs.map(OtherHosts.quoted).map { "test -x \($0) || { echo \($0) is missing; exit; }; " }
    let answer = machine.firstLine(shell, remoteShell.dropFirst() + [name, tests.joined() + "echo ready"])
    guard answer != "ready" else { return Finding(subject, .good, "has the engines") }
    return Finding(
      subject, .missing, answer ?? "it does not answer",
      remedy:
        "'\(remoteShell.joined(separator: " ")) \(name) true' must work without a password, and the engines must be "
        + "installed at the same path as here")
  }

  // MARK: Tools

  private func tools() -> [Finding] {
    let apt = "Run: apt-get install cmake g++ make"
    let compiling = ["cmake", "g++", "make"].map { name in
      program(name).map { Finding(name, .good, $0) }
        ?? Finding(name, .limited, "not found: algorithms that are not ready-made cannot be compiled", remedy: apt)
    }
    return [java()] + compiling
  }

  private func java() -> Finding {
    let remedy = "Run: apt-get install openjdk-17-jre-headless"
    guard let java = program("java") else {
      return Finding("Java", .limited, "not found: no interactive queries", remedy: remedy)
    }
    guard let line = machine.firstLine(java, ["-version"]), let version = JavaVersion(line) else {
      return Finding("Java", .limited, "\(java) does not report its version: no interactive queries", remedy: remedy)
    }
    guard version.major >= JavaVersion.oldest else {
      return Finding(
        "Java", .limited,
        "\(java) is version \(version.major); interactive queries need \(JavaVersion.oldest) or newer",
        remedy: remedy)
    }
    return Finding("Java", .good, "\(java), version \(version.major)")
  }

  private func program(_ name: String) -> String? { path.map { $0 + "/" + name }.first(where: files.isExecutable) }

  // MARK: Resources

  private func resources() -> [Finding] {
    var findings = [
      space("shared memory", "/dev/shm", Self.wantedSharedMemory, "Enlarge it: mount -o remount,size=8G /dev/shm"),
      space("disk", existing(cache), Self.wantedDisk, "Free some space, or set graphscope.cache to another directory"),
    ]
    findings.append(
      machine.hasFreePort
        ? Finding("ports", .good, "TCP ports of 127.0.0.1 are free")
        : Finding(
          "ports", .missing, "no TCP port of 127.0.0.1 is available",
          remedy: "End processes that occupy ports"))
    findings.append(
      machine.openFiles >= Self.wantedOpenFiles
        ? Finding("open files", .good, "\(machine.openFiles) per process")
        : Finding(
          "open files", .limited, "\(machine.openFiles) per process, \(Self.wantedOpenFiles) are recommended",
          remedy: "Run: ulimit -n 65536"))
    return findings
  }

  /// Returns the nearest existing ancestor of a directory.
  private func existing(_ path: String) -> String {
    var path = path
    while path != "/", !path.isEmpty, !files.exists(path) {
      path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
    return path.isEmpty ? "/" : path
  }

  private func space(_ subject: String, _ path: String, _ wanted: UInt64, _ remedy: String) -> Finding {
    guard let free = machine.freeBytes(path) else {
      return Finding(subject, .limited, "\(path) does not report its free space")
    }
    let text = "\(free >> 20) MiB are free in \(path)"
    return free >= wanted
      ? Finding(subject, .good, text)
      : Finding(subject, .limited, "\(text), \(wanted >> 20) MiB are recommended", remedy: remedy)
  }
}

/// The version of a Java runtime.
struct JavaVersion: Equatable {
  /// The major version: 8, 11, 17, …
  let major: Int

  /// The oldest major version that runs the front end of the interactive engine.
  static let oldest = 11

  /// Parses the first line of `java -version`: `openjdk version "17.0.15" 2025-04-15`, or `java version "1.8.0_402"`.
  init?(_ line: String) {
    let quoted = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard quoted.count >= 3 else { return nil }
    let numbers = quoted[1].split { !$0.isNumber }.compactMap { Int($0) }
    guard let first = numbers.first else { return nil }
    major = first == 1 && numbers.count > 1 ? numbers[1] : first
  }
}
