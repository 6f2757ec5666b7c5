import Glibc
import Support

/// The end of a child: its cause and the last lines of output.
public struct ChildExit: Sendable, Equatable, Codable {
  /// The cause of the end.
  public var cause: ExitCause
  /// The last lines of standard output and standard error together, newest last; at most 20 lines of 500 code points each.
  public var lastLines: [String]

  /// Creates an exit.
  public init(cause: ExitCause, lastLines: [String] = []) {
    self.cause = cause
    self.lastLines = lastLines.map { Redaction.redacted($0) }
  }

  /// The cause, followed by the last lines, as text for people.
  public var text: String {
    lastLines.isEmpty
      ? "\(cause)" : "\(cause); its last output:\n" + lastLines.map { "  " + $0 }.joined(separator: "\n")
  }

  static let keptLines = 20

  /// Returns a line, truncated to the length that is kept.
  static func shortened(_ line: String) -> String { String(String.UnicodeScalarView(line.unicodeScalars.prefix(500))) }
}

/// The cause of a child's end.
public enum ExitCause: Sendable, Equatable, Codable, CustomStringConvertible {
  /// The child exited by itself.
  case exited(code: Int32)
  /// A signal that the supervisor did not send killed it.
  case killed(signal: Int32)
  /// The kernel killed it because it exceeded its memory limit.
  case outOfMemory(limitBytes: UInt64?)
  /// It raised a fatal signal while its address space was limited: most likely, an allocation failed.
  case diedUnderMemoryLimit(signal: Int32, limitBytes: UInt64)
  /// It exhausted its limit of processor time.
  case processorTimeUsedUp(seconds: UInt64)
  /// No process was started.
  case notStarted(reason: String)
  /// The supervisor ended it because it was not ready in time.
  case notReady(withinMilliseconds: Int64)
  /// The supervisor ended it because this many consecutive probes failed.
  case notAlive(failures: Int)
  /// The supervisor ended it on request.
  case stopped(byForce: Bool)
  /// It ended while unobserved, or was not a child of this process, so the cause is unknown.
  case unknown(reason: String)

  /// Whether the child exited with code 0 or was stopped on request.
  public var isSuccess: Bool {
    switch self {
    case .exited(code: 0), .stopped: true
    default: false
    }
  }

  /// The cause as a phrase that follows "the child".
  public var description: String {
    switch self {
    case .exited(let code): "exited with code \(code)"
    case .killed(let signal): "was killed by \(Self.name(signal: signal))"
    case .outOfMemory(let limit):
      "was killed by the kernel because it ran out of memory" + (limit.map { " (its limit is \($0 >> 20) MiB)" } ?? "")
    case .diedUnderMemoryLimit(let signal, let limit):
      "was killed by \(Self.name(signal: signal)), probably because it ran out of memory (its address space is limited to "
        + "\(limit >> 20) MiB)"
    case .processorTimeUsedUp(let seconds):
      "was killed by the kernel because it exceeded its limit of \(seconds) s of processor time"
    case .notStarted(let reason): "could not be started: \(reason)"
    case .notReady(let milliseconds): "did not become ready within \(Self.seconds(milliseconds)) s"
    case .notAlive(let failures): "was stopped because it did not answer \(failures) consecutive probes"
    case .stopped(byForce: false): "was stopped"
    case .stopped(byForce: true): "was stopped with SIGKILL because it did not end after SIGTERM"
    case .unknown(let reason): "ended with an unknown status (\(reason))"
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

  /// Returns the cause of an exit status that the supervisor did not bring about.
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
