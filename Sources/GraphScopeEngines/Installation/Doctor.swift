/// Checks whether this machine has everything that GraphScope's engines need, before anything is started.
public struct Doctor: Sendable {
  /// What a check found.
  public struct Finding: Sendable, Equatable {
    /// How it is.
    public enum State: String, Sendable {
      /// As it should be.
      case good
      /// Something works less well, or not at all, that not everybody needs.
      case limited
      /// Sessions cannot be started.
      case missing
    }

    /// What was checked.
    public var subject: String
    /// How it is.
    public var state: State
    /// What was found, in words.
    public var text: String
    /// What to do; empty when there is nothing to be done.
    public var remedy: String

    init(_ subject: String, _ state: State, _ text: String, remedy: String = "") {
      self.subject = subject
      self.state = state
      self.text = text
      self.remedy = remedy
    }
  }

  /// What is asked of the machine.
  public struct Machine: Sendable {
    /// Bytes that are free in a file system; nil when it cannot be told.
    public var freeBytes: @Sendable (_ path: String) -> UInt64?
    /// How many files a process may have open.
    public var openFiles: UInt64
    /// Whether a TCP port can be had on 127.0.0.1.
    public var hasFreePort: Bool
    /// The first line of a program's output, standard error included; nil when it cannot be run.
    public var firstLine: @Sendable (_ program: String, _ arguments: [String]) -> String?

    /// A machine.
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

  /// A doctor.
  /// - Parameters:
  ///   - search: where the engines are looked for.
  ///   - path: directories of programs, as in `PATH`.
  ///   - cache: where compiled algorithms are kept.
  ///   - hosts: other hosts that sessions may have workers on.
  ///   - remoteShell: what runs commands there.
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

  /// Checks everything.
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

  /// Whether sessions can be started.
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
          "MPI", .limited, "mpirun was not found: sessions have one worker", remedy: "Run: apt-get install openmpi-bin")
    )
    findings.append(
      installation.etcd.map { Finding("etcd", .good, $0) }
        ?? Finding(
          "etcd", .limited, "not found: sessions have their workers on this host alone",
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

  /// Whether another host lets us in and has the engines where they are here.
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
        + "where they are here")
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
      return Finding("Java", .limited, "\(java) does not tell its version: no interactive queries", remedy: remedy)
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
      space("shared memory", "/dev/shm", Self.wantedSharedMemory, "Give it more: mount -o remount,size=8G /dev/shm"),
      space("disk", existing(cache), Self.wantedDisk, "Free some space, or set graphscope.cache to another directory"),
    ]
    findings.append(
      machine.hasFreePort
        ? Finding("ports", .good, "TCP ports of 127.0.0.1 are free")
        : Finding("ports", .missing, "no TCP port of 127.0.0.1 can be had", remedy: "End processes that hold ports"))
    findings.append(
      machine.openFiles >= Self.wantedOpenFiles
        ? Finding("open files", .good, "\(machine.openFiles) per process")
        : Finding(
          "open files", .limited, "\(machine.openFiles) per process, \(Self.wantedOpenFiles) are recommended",
          remedy: "Run: ulimit -n 65536"))
    return findings
  }

  /// The nearest directory above that is there already.
  private func existing(_ path: String) -> String {
    var path = path
    while path != "/", !path.isEmpty, !files.exists(path) {
      path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
    return path.isEmpty ? "/" : path
  }

  private func space(_ subject: String, _ path: String, _ wanted: UInt64, _ remedy: String) -> Finding {
    guard let free = machine.freeBytes(path) else {
      return Finding(subject, .limited, "\(path) does not tell its free space")
    }
    let text = "\(free >> 20) MiB are free in \(path)"
    return free >= wanted
      ? Finding(subject, .good, text)
      : Finding(subject, .limited, "\(text), \(wanted >> 20) MiB are recommended", remedy: remedy)
  }
}

/// The version that a Java says.
struct JavaVersion: Equatable {
  /// 8, 11, 17, …
  let major: Int

  /// The oldest one that runs the interactive engine's front end.
  static let oldest = 11

  /// Reads the first line of `java -version`: `openjdk version "17.0.15" 2025-04-15`, or `java version "1.8.0_402"`.
  init?(_ line: String) {
    let quoted = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard quoted.count >= 3 else { return nil }
    let numbers = quoted[1].split { !$0.isNumber }.compactMap { Int($0) }
    guard let first = numbers.first else { return nil }
    major = first == 1 && numbers.count > 1 ? numbers[1] : first
  }
}
