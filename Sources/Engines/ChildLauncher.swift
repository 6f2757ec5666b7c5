/// Starts and supervises the processes that an engine consists of. An implementation journals them, keeps their output, and ends
/// them when the coordinator ends.
public protocol ChildLauncher: Sendable {
  /// Starts a child and returns when it is ready.
  /// - Throws: `EngineError` with the cause and the child's last lines when it ended instead; `CancellationError`. In both cases
  ///   nothing of the child is left.
  func start(_ child: ChildProgram) async throws

  /// Runs a child to its end and forgets it. Cancelling the task ends the child.
  /// - Throws: `EngineError` when it could not be started; `CancellationError`.
  func run(_ child: ChildProgram) async throws -> ChildEnd

  /// The process id of a child; nil if it has no process.
  func process(of name: String) async -> Int32?

  /// Returns when a child has ended, for any reason.
  /// - Throws: `EngineError.internalFailure` for a child that was never started; `CancellationError`.
  func waitUntilOver(_ name: String) async throws -> ChildEnd

  /// Ends a child and all processes it started, and forgets it. Returns when none of them is left, even if the task is cancelled.
  /// Does nothing for a child that has ended or is unknown.
  func stop(_ name: String) async
}

extension ChildLauncher {
  /// Returns nil: not known.
  public func process(of name: String) async -> Int32? { nil }
}

/// A process that an engine needs.
public struct ChildProgram: Sendable {
  /// How to recognize that a child is ready.
  public enum Readiness: Sendable {
    /// As soon as it runs.
    case started
    /// When it accepts TCP connections on this port of 127.0.0.1.
    case port(UInt16)
    /// When this absolute path exists.
    case file(String)
    /// When the probe returns true.
    case probe(@Sendable () async -> Bool)
  }

  /// The name, unique within the session.
  public var name: String
  /// The absolute path of the executable. No shell is involved.
  public var executable: String
  /// The arguments, without the program's own name.
  public var arguments: [String]
  /// Environment variables in addition to the usual ones, which they override.
  public var environment: [String: String]
  /// The working directory, an absolute path; nil for `/`.
  public var directory: String?
  /// File descriptors that it inherits under the same numbers, in addition to its output.
  public var descriptors: [Int32]
  /// How to recognize that it is ready.
  public var readiness: Readiness
  /// The time within which it must become ready.
  public var readinessDeadline: Duration
  /// The time it has to end by itself after it was asked to.
  public var endGrace: Duration
  /// Receives its lines, from both standard output and standard error, in addition to the log. Must not block.
  public var onLine: (@Sendable (String) -> Void)?

  /// Describes a program.
  public init(
    name: String, executable: String, arguments: [String], environment: [String: String] = [:],
    directory: String? = nil, descriptors: [Int32] = [], readiness: Readiness = .started,
    readinessDeadline: Duration = .seconds(60),
    endGrace: Duration = .seconds(5), onLine: (@Sendable (String) -> Void)? = nil
  ) {
    self.name = name
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.descriptors = descriptors
    self.readiness = readiness
    self.readinessDeadline = readinessDeadline
    self.endGrace = endGrace
    self.onLine = onLine
  }
}

/// The outcome of a child.
public struct ChildEnd: Sendable, Equatable {
  /// Whether it ended as expected.
  public var isSuccess: Bool
  /// The cause, worded to follow the child's name: `was killed by signal 9 (SIGKILL)`.
  public var cause: String
  /// Its last lines, oldest first.
  public var lastLines: [String]

  /// Describes an end.
  public init(isSuccess: Bool, cause: String, lastLines: [String] = []) {
    self.isSuccess = isSuccess
    self.cause = cause
    self.lastLines = lastLines
  }
}

/// The launcher for engines that start no processes.
public struct NoChildren: ChildLauncher {
  /// Creates a launcher that rejects every start.
  public init() {}

  /// Always fails.
  /// - Throws: `EngineError.internalFailure`.
  public func start(_ child: ChildProgram) async throws {
    throw EngineError(.internalFailure, "'\(child.name)' cannot be started: this session starts no processes")
  }

  /// Returns an unsuccessful end: nothing is started.
  public func run(_ child: ChildProgram) async throws -> ChildEnd {
    try await start(child)
    return ChildEnd(isSuccess: false, cause: "was not started")
  }

  /// Always fails.
  /// - Throws: `EngineError.internalFailure`.
  public func waitUntilOver(_ name: String) async throws -> ChildEnd {
    throw EngineError(.internalFailure, "there is no process '\(name)'")
  }

  /// Does nothing.
  public func stop(_ name: String) async {}
}
