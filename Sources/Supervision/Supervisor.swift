import Glibc
import StateStore
import Support

/// Starts, monitors and ends child processes.
///
/// Each child has its own session and process group, is started with an argument vector, sees only the environment specified for
/// it, and is journaled before it is started. When a child ends, any processes it left behind are ended, and it is restarted
/// according to its policy. All of this runs on a dedicated thread, so that it continues while everything else is busy.
///
/// A process belongs to a child if it is in the child's session, carries the child's token in its environment, or is in the
/// child's control group. A process that leaves the session *and* drops its environment is caught only by a control group.
public actor Supervisor {
  /// The configuration of a supervisor.
  public struct Configuration: Sendable {
    /// The directory for the output of children that outlive the coordinator; nil if there are none. It must be the same for
    /// every coordinator that adopts them.
    public var directory: String?
    /// The parent of the children's control groups; nil to limit children by rlimits.
    public var controlGroups: ControlGroups?
    /// The maximum number of children, including ended ones that are still listed.
    public var maximumChildren: Int

    /// Creates a configuration.
    public init(directory: String? = nil, controlGroups: ControlGroups? = nil, maximumChildren: Int = 1024) {
      self.directory = directory
      self.controlGroups = controlGroups
      self.maximumChildren = maximumChildren
    }
  }

  /// Receives the children's lines, one at a time, without line ends, at most 64 KiB each. It is called on the supervision thread
  /// and must not block for long.
  public typealias LineSink = @Sendable (_ child: String, _ line: String, _ isError: Bool) -> Void

  /// The supervision thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    SupervisionThread.shared.asUnownedSerialExecutor()
  }

  let configuration: Configuration
  let journal: any ChildJournal
  let sink: LineSink
  let thread = SupervisionThread.shared
  var supervised: [String: SupervisedChild] = [:]
  /// Children whose process has ended and whose remaining processes are being looked for.
  var sweeping: [SupervisedChild] = []
  var sweepTimer: UInt64?
  private var waiters: [UInt64: Waiter] = [:]
  private var lastWaiter: UInt64 = 0
  private var isClosed = false

  private struct Waiter {
    let child: SupervisedChild
    let condition: (SupervisedChild) -> Bool
    let continuation: CheckedContinuation<ChildRecord?, Never>
  }

  /// Creates a supervisor without children.
  public init(configuration: Configuration, journal: any ChildJournal, sink: @escaping LineSink) {
    self.configuration = configuration
    self.journal = journal
    self.sink = sink
  }

  /// Returns the records of all children, including ended ones, in the order of their names.
  public func children() -> [ChildRecord] { supervised.values.map(\.record).sorted { $0.name < $1.name } }

  /// Returns the record of a child; nil if there is none of that name.
  public func child(_ name: String) -> ChildRecord? { supervised[name]?.record }

  /// Starts a child and returns once its process runs. Replaces a child of the same name that is over.
  /// - Throws: `SupervisionError` if no process was started; the journal's error if the child could not be journaled.
  @discardableResult
  public func start(_ specification: ChildSpecification) async throws -> ChildRecord {
    try admit(specification)
    let child = SupervisedChild(
      specification, record: ChildRecord(specification, nowMilliseconds: nowMilliseconds()))
    supervised[specification.name] = child
    perform(child.lifecycle.start(), on: child)
    _ = await wait(for: child, cancellable: false) { $0.phase != .spawning && $0.phase != .aborting }
    if let reason = child.startFailure {
      await journaled(child)
      throw SupervisionError(.notStarted, "Child '\(specification.name)' could not be started: \(reason).")
    }
    return child.record
  }

  /// Waits until a child is ready. Returns at once if it is ready.
  /// - Returns: The record of the child.
  /// - Throws: `SupervisionError` of code `ended`, with the cause, if the child is over, or of code `unknownChild`;
  ///   `CancellationError` if the task was cancelled.
  @discardableResult
  public func waitUntilReady(_ name: String) async throws -> ChildRecord {
    let record = try await wait(for: find(name)) { $0.phase == .ready || $0.isOver }
    guard let record else { throw CancellationError() }
    if record.status.phase == .ready { return record }
    let exit = record.status.lastExit.map(\.text) ?? "ended"
    throw SupervisionError(.ended, "Child '\(name)' is not ready: it \(exit).")
  }

  /// Waits until a child is over: it ended and is not restarted, or is in a crash loop.
  /// - Returns: The record of the child.
  /// - Throws: `SupervisionError` of code `unknownChild`; `CancellationError` if the task was cancelled.
  @discardableResult
  public func waitUntilOver(_ name: String) async throws -> ChildRecord {
    let record = try await wait(for: find(name)) { $0.isOver }
    guard let record else { throw CancellationError() }
    return record
  }

  /// Ends a child: sends TERM to its process group and, after the grace period, KILL to all its processes. Returns once all of
  /// them are gone and this is journaled, even if the task is cancelled. Does nothing if the child is over or unknown.
  public func stop(_ name: String) async {
    guard let child = supervised[name], child.phase != .exited else { return }
    child.doom = .stopped(byForce: false)
    perform(child.lifecycle.stop(at: .now), on: child)
    _ = await wait(for: child, cancellable: false) { $0.phase == .exited }
    await journaled(child)
  }

  /// Ends all children and closes the supervisor for new ones.
  /// - Parameters:
  ///   - order: Sets of names to end one after the other: dependents before what they depend on. Unlisted children are ended
  ///     last.
  ///   - leavingOutliving: Whether to leave children that outlive the coordinator running, to be adopted.
  public func stopAll(order: [Set<String>] = [], leavingOutliving: Bool = false) async {
    isClosed = true
    let spared = supervised.values.filter { leavingOutliving && $0.specification.lifetime == .outlivesUs }
    let wanted = Set(supervised.keys).subtracting(spared.map(\.specification.name))
    let rest = order.reduce(wanted) { $0.subtracting($1) }
    for names in order + [rest] {
      await withTaskGroup(of: Void.self) { group in
        for name in names.intersection(wanted) { group.addTask { await self.stop(name) } }
      }
    }
  }

  /// Removes a child that is over from the supervisor and the journal; ignores any other child. If the journal fails to erase the
  /// record, it remains until the next coordinator recovers.
  public func forget(_ name: String) async {
    guard let child = supervised[name], child.isOver else { return }
    await journaled(child)
    guard supervised[name] === child, child.isOver else { return }
    supervised[name] = nil
    try? await journal.erase(name)
    // A child of the same name may have been started meanwhile, and its record erased.
    if let successor = supervised[name] { note(successor) }
  }

  // MARK: Admission

  func admit(_ specification: ChildSpecification) throws {
    let name = specification.name
    if isClosed { throw SupervisionError(.closed, "Child '\(name)' is not started: the coordinator is shutting down.") }
    if let fault = specification.fault {
      throw SupervisionError(.invalidSpecification, "Child '\(name)' cannot be started: \(fault).")
    }
    if specification.lifetime == .outlivesUs, configuration.directory == nil {
      throw SupervisionError(
        .invalidSpecification, "Child '\(name)' cannot outlive the coordinator: no directory is set for its output.")
    }
    if let old = supervised[name], !old.isOver {
      throw SupervisionError(.exists, "Child '\(name)' already exists. Stop it first.")
    }
    guard supervised[name] == nil, supervised.count >= configuration.maximumChildren else { return }
    let over = supervised.values.filter(\.isOver)
    guard let oldest = over.min(by: { $0.record.createdMilliseconds < $1.record.createdMilliseconds }) else {
      throw SupervisionError(
        .exhausted,
        "Child '\(name)' is not started: there are \(supervised.count) children, which is the limit. Stop some first.")
    }
    supervised[oldest.specification.name] = nil
  }

  private func find(_ name: String) throws -> SupervisedChild {
    guard let child = supervised[name] else {
      throw SupervisionError(.unknownChild, "No child is named '\(name)'.")
    }
    return child
  }

  // MARK: Waiting

  /// Waits until the condition holds or the task is cancelled.
  /// - Returns: The child's record at the time the condition held, which may no longer hold; nil if the task was cancelled.
  private func wait(
    for child: SupervisedChild, cancellable: Bool = true, until condition: @escaping (SupervisedChild) -> Bool
  ) async -> ChildRecord? {
    if condition(child) { return child.record }
    lastWaiter += 1
    let number = lastWaiter
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // In a task with an executor preference, the runtime lets other jobs run before this one, so check everything again: it
        // enqueues a new job whenever it "changes" to an actor with a custom executor, even if it already runs there.
        if condition(child) || cancellable && Task.isCancelled {
          return continuation.resume(returning: condition(child) ? child.record : nil)
        }
        waiters[number] = Waiter(child: child, condition: condition, continuation: continuation)
      }
    } onCancel: {
      if cancellable { Task { await self.endWait(number, nil) } }
    }
  }

  private func endWait(_ number: UInt64, _ record: ChildRecord?) {
    waiters.removeValue(forKey: number)?.continuation.resume(returning: record)
  }

  /// Resumes the callers whose condition now holds.
  func resumeWaiters(of child: SupervisedChild) {
    for (number, waiter) in waiters where waiter.child === child && waiter.condition(child) {
      endWait(number, child.record)
    }
  }

  // MARK: The journal

  /// Journals a child's current record after any pending write.
  func journalFirst(_ child: SupervisedChild) async throws {
    await journaled(child)
    try await journal.record(child.record)
  }

  /// Schedules a child's record to be journaled. Skips a record if a newer one exists.
  func note(_ child: SupervisedChild) {
    child.unwritten = child.record
    guard child.writer == nil else { return }
    child.writer = Task { await self.write(child) }
  }

  /// Waits until all pending records of a child are journaled or have failed.
  func journaled(_ child: SupervisedChild) async {
    while let writer = child.writer { await writer.value }
  }

  private func write(_ child: SupervisedChild) async {
    while let record = child.unwritten {
      child.unwritten = nil
      var problem: String?
      do { try await journal.record(record) } catch { problem = "\(error)" }
      child.record.setCondition(
        .journaled, .init(problem == nil), reason: problem == nil ? .stored : .refused,
        message: problem.map { "The state store rejected the record: \($0)" } ?? "The record is stored.",
        nowMilliseconds: nowMilliseconds())
      if problem == nil, record.status.phase == .ready { child.saveOutputPositions() }
    }
    child.writer = nil
  }
}
