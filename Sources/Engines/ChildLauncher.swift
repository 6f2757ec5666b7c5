/// Starts the processes that an engine consists of and looks after them: whoever implements it journals them, keeps
/// their output and ends them with the coordinator.
public protocol ChildLauncher: Sendable {
  /// Starts a child and returns when it is ready.
  /// - Throws: `EngineError` with the cause and the child's last lines when it ended instead; nothing of it is left then.
  ///   `CancellationError`; nothing of it is left then either.
  func start(_ child: ChildProgram) async throws

  /// Runs a child to its end and forgets it. It is ended when the task is cancelled.
  /// - Throws: `EngineError` when it could not be started; `CancellationError`.
  func run(_ child: ChildProgram) async throws -> ChildEnd

  /// Returns when a child is over, whoever ended it.
  /// - Throws: `EngineError.internalFailure` for one that was never started; `CancellationError`.
  func waitUntilOver(_ name: String) async throws -> ChildEnd

  /// Ends a child and everything it started, and forgets it. Returns when nothing of it is left, also when the task is
  /// cancelled. One that is over or unknown is no error.
  func stop(_ name: String) async
}

/// A process that an engine needs.
public struct ChildProgram: Sendable {
  /// How we learn that a child serves.
  public enum Readiness: Sendable {
    /// It serves as soon as it runs.
    case started
    /// It accepts TCP connections on this port of 127.0.0.1.
    case port(UInt16)
    /// There is something at this absolute path.
    case file(String)
    /// A probe succeeds.
    case probe(@Sendable () async -> Bool)
  }

  /// Its name, unique within the session.
  public var name: String
  /// The absolute path of the file to execute. No shell is involved.
  public var executable: String
  /// The arguments, without the program's own name.
  public var arguments: [String]
  /// Variables that it gets beside the usual ones; they go before these.
  public var environment: [String: String]
  /// Where it runs, an absolute path; nil for `/`.
  public var directory: String?
  /// How we learn that it serves.
  public var readiness: Readiness
  /// How long it may take to serve.
  public var readinessDeadline: Duration
  /// How long it may take to end by itself once it was told to.
  public var endGrace: Duration
  /// Takes its lines, standard output and standard error alike, beside the log. It must not block.
  public var onLine: (@Sendable (String) -> Void)?

  /// A program.
  public init(
    name: String, executable: String, arguments: [String], environment: [String: String] = [:],
    directory: String? = nil, readiness: Readiness = .started, readinessDeadline: Duration = .seconds(60),
    endGrace: Duration = .seconds(5), onLine: (@Sendable (String) -> Void)? = nil
  ) {
    self.name = name
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.readiness = readiness
    self.readinessDeadline = readinessDeadline
    self.endGrace = endGrace
    self.onLine = onLine
  }
}

/// How a child ended.
public struct ChildEnd: Sendable, Equatable {
  /// Whether it ended as it should.
  public var isSuccess: Bool
  /// The cause in words, to follow the child's name: `was killed by signal 9 (SIGKILL)`.
  public var cause: String
  /// Its last lines, the newest last.
  public var lastLines: [String]

  /// An end.
  public init(isSuccess: Bool, cause: String, lastLines: [String] = []) {
    self.isSuccess = isSuccess
    self.cause = cause
    self.lastLines = lastLines
  }
}

/// For engines that start no processes.
public struct NoChildren: ChildLauncher {
  /// A launcher that refuses.
  public init() {}

  /// Refuses.
  /// - Throws: `EngineError.internalFailure`.
  public func start(_ child: ChildProgram) async throws {
    throw EngineError(.internalFailure, "'\(child.name)' cannot be started: this session starts no processes")
  }

  /// Refuses.
  /// - Throws: `EngineError.internalFailure`.
  public func run(_ child: ChildProgram) async throws -> ChildEnd {
    try await start(child)
    return ChildEnd(isSuccess: false, cause: "was not started")
  }

  /// Refuses.
  /// - Throws: `EngineError.internalFailure`.
  public func waitUntilOver(_ name: String) async throws -> ChildEnd {
    throw EngineError(.internalFailure, "there is no process '\(name)'")
  }

  /// Does nothing.
  public func stop(_ name: String) async {}
}
