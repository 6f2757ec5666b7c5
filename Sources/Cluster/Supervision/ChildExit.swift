import Glibc

/// How a child ended, with what it said last.
public struct ChildExit: Sendable, Equatable, Codable {
  /// Why.
  public var cause: ExitCause
  /// Its last lines, standard output and standard error together, the newest last; at most 20 of 500 code points.
  public var lastLines: [String]

  /// An exit.
  public init(cause: ExitCause, lastLines: [String] = []) {
    self.cause = cause
    self.lastLines = lastLines
  }

  /// The cause in words, and the last lines.
  public var text: String {
    lastLines.isEmpty
      ? "\(cause)" : "\(cause); its last output:\n" + lastLines.map { "  " + $0 }.joined(separator: "\n")
  }

  static let keptLines = 20

  /// A line as far as it is kept.
  static func shortened(_ line: String) -> String { String(String.UnicodeScalarView(line.unicodeScalars.prefix(500))) }
}

/// Why a child ended.
public enum ExitCause: Sendable, Equatable, Codable, CustomStringConvertible {
  /// It ended by itself.
  case exited(code: Int32)
  /// A signal ended it that we did not send.
  case killed(signal: Int32)
  /// The kernel ended it because it used more memory than it may.
  case outOfMemory(limitBytes: UInt64?)
  /// A signal of its own making ended it, while its address space was limited: most likely an allocation failed.
  case diedUnderMemoryLimit(signal: Int32, limitBytes: UInt64)
  /// It used up its processor time.
  case processorTimeUsedUp(seconds: UInt64)
  /// There was no process.
  case notStarted(reason: String)
  /// We ended it because it was not ready in time.
  case notReady(withinMilliseconds: Int64)
  /// We ended it because so many probes in a row got no good answer.
  case notAlive(failures: Int)
  /// We ended it because it was not wanted any more.
  case stopped(byForce: Bool)
  /// It ended while nobody watched, or was not our own child: how is not known.
  case unknown(reason: String)

  /// Whether it ended as it should.
  public var isSuccess: Bool {
    switch self {
    case .exited(code: 0), .stopped: true
    default: false
    }
  }

  /// In words, to follow "the child".
  public var description: String {
    switch self {
    case .exited(let code): "exited with code \(code)"
    case .killed(let signal): "was killed by \(Self.name(signal: signal))"
    case .outOfMemory(let limit):
      "was killed by the kernel for lack of memory" + (limit.map { " (its limit is \($0 >> 20) MiB)" } ?? "")
    case .diedUnderMemoryLimit(let signal, let limit):
      "was killed by \(Self.name(signal: signal)), probably for lack of memory (its address space is limited to "
        + "\(limit >> 20) MiB)"
    case .processorTimeUsedUp(let seconds): "was killed by the kernel: it used up its \(seconds) s of processor time"
    case .notStarted(let reason): "could not be started: \(reason)"
    case .notReady(let milliseconds): "did not become ready within \(Self.seconds(milliseconds)) s"
    case .notAlive(let failures): "was stopped because it did not answer \(failures) probes in a row"
    case .stopped(byForce: false): "was stopped"
    case .stopped(byForce: true): "was stopped by SIGKILL, because it did not end after SIGTERM"
    case .unknown(let reason): "ended; how is not known (\(reason))"
    }
  }

  private static func seconds(_ milliseconds: Int64) -> String {
    milliseconds % 1000 == 0 ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
  }

  private static func name(signal: Int32) -> String {
    let names: [Int32: String] = [
      SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
      SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1",
      SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
      SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
    ]
    return "signal \(signal)" + (names[signal].map { " (\($0))" } ?? "")
  }

  /// The cause behind an exit status, when we had no part in it.
  static func of(
    signaled: Bool, status: Int32, limits: ChildLimits, inControlGroup: Bool, killedForMemory: Bool
  ) -> ExitCause {
    if killedForMemory { return .outOfMemory(limitBytes: inControlGroup ? limits.memoryBytes : nil) }
    guard signaled else { return .exited(code: status) }
    if let seconds = limits.processorSeconds, status == SIGXCPU { return .processorTimeUsedUp(seconds: seconds) }
    if let limit = limits.memoryBytes, !inControlGroup, [SIGABRT, SIGSEGV, SIGBUS, SIGTRAP, SIGILL].contains(status) {
      return .diedUnderMemoryLimit(signal: status, limitBytes: limit)
    }
    return .killed(signal: status)
  }
}
