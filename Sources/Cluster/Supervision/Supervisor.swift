import Glibc

/// Starts child processes, looks after them and ends them.
///
/// Each child is in a session and process group of its own, is started by an argument vector, sees only the environment
/// that it was given, and is journaled before it is started. A child that ends is restarted as its policy says; whatever
/// processes it left behind are ended first. All of this happens on one thread of its own, so that it goes on when
/// everything else is busy.
///
/// A process belongs to a child when it is in the child's session, carries the child's token in its environment, or is
/// in the child's control group. One that leaves the session *and* drops its environment is caught only by a control group.
public actor Supervisor {
  /// How a supervisor works.
  public struct Configuration: Sendable {
    /// Where children that outlive us keep their output; nil when there are none. The same for every coordinator that
    /// is to adopt them.
    public var directory: String?
    /// Where children get control groups; nil to limit them by rlimits.
    public var controlGroups: ControlGroups?
    /// The most children, those that ended and are still shown included.
    public var maximumChildren: Int

    /// A configuration.
    public init(directory: String? = nil, controlGroups: ControlGroups? = nil, maximumChildren: Int = 1024) {
      self.directory = directory
      self.controlGroups = controlGroups
      self.maximumChildren = maximumChildren
    }
  }

  /// Takes the children's lines, one after the other, without their ends, at most 64 KiB each. It is called on the
  /// supervision thread, which waits for it: it must not block for long.
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
  /// Children whose process has ended and whose other processes are being looked for.
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

  /// A supervisor without children.
  public init(configuration: Configuration, journal: any ChildJournal, sink: @escaping LineSink) {
    self.configuration = configuration
    self.journal = journal
    self.sink = sink
  }

  /// The children, in the order of their names; also those that ended.
  public func children() -> [ChildRecord] { supervised.values.map(\.record).sorted { $0.name < $1.name } }

  /// A child; nil when there is none of that name.
  public func child(_ name: String) -> ChildRecord? { supervised[name]?.record }

  /// Starts a child. Returns when its process runs; a child of that name that is over is replaced.
  /// - Throws: `SupervisionError` when there is no process; the journal's error when it could not be journaled.
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

  /// Returns when a child serves; at once when it does.
  /// - Returns: its record.
  /// - Throws: `SupervisionError` of code `ended` with the cause when it is over; of code `unknownChild`;
  ///   `CancellationError` when the task was cancelled.
  @discardableResult
  public func waitUntilReady(_ name: String) async throws -> ChildRecord {
    let record = try await wait(for: find(name)) { $0.phase == .ready || $0.isOver }
    guard let record else { throw CancellationError() }
    if record.status.phase == .ready { return record }
    let exit = record.status.lastExit.map(\.text) ?? "ended"
    throw SupervisionError(.ended, "Child '\(name)' is not ready: it \(exit).")
  }

  /// Returns when a child is over: it ended and is not restarted, or is in a crash loop.
  /// - Returns: its record.
  /// - Throws: `SupervisionError` of code `unknownChild`; `CancellationError` when the task was cancelled.
  @discardableResult
  public func waitUntilOver(_ name: String) async throws -> ChildRecord {
    let record = try await wait(for: find(name)) { $0.isOver }
    guard let record else { throw CancellationError() }
    return record
  }

  /// Ends a child: TERM to its process group and, when the grace is over, KILL to all that belongs to it. Returns when
  /// nothing of it is left and that is journaled, also when the task is cancelled. One that is over or unknown is no
  /// error.
  public func stop(_ name: String) async {
    guard let child = supervised[name], child.phase != .exited else { return }
    child.doom = .stopped(byForce: false)
    perform(child.lifecycle.stop(at: .now), on: child)
    _ = await wait(for: child, cancellable: false) { $0.phase == .exited }
    await journaled(child)
  }

  /// Ends all children and starts no more.
  /// - Parameters:
  ///   - order: names that are ended together, one set after the other: dependents before what they depend on. Those that
  ///     are not named are ended last.
  ///   - leavingOutliving: leaves those that outlive us to be adopted.
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

  /// Forgets a child that is over, here and in the journal; another one stays. A record that the journal does not erase
  /// stays there until the next coordinator recovers.
  public func forget(_ name: String) async {
    guard let child = supervised[name], child.isOver else { return }
    await journaled(child)
    guard supervised[name] === child, child.isOver else { return }
    supervised[name] = nil
    try? await journal.erase(name)
    // One of the same name may have been started meanwhile, and its record been erased.
    if let successor = supervised[name] { note(successor) }
  }

  // MARK: Admission

  func admit(_ specification: ChildSpecification) throws {
    let name = specification.name
    if isClosed { throw SupervisionError(.closed, "Child '\(name)' is not started: the coordinator is ending.") }
    if let fault = specification.fault {
      throw SupervisionError(.invalidSpecification, "Child '\(name)' cannot be started: \(fault).")
    }
    if specification.lifetime == .outlivesUs, configuration.directory == nil {
      throw SupervisionError(
        .invalidSpecification, "Child '\(name)' cannot outlive the coordinator: no directory is set for its output.")
    }
    if let old = supervised[name], !old.isOver {
      throw SupervisionError(.exists, "There is a child '\(name)' already. Stop it first.")
    }
    guard supervised[name] == nil, supervised.count >= configuration.maximumChildren else { return }
    let over = supervised.values.filter(\.isOver)
    guard let oldest = over.min(by: { $0.record.createdMilliseconds < $1.record.createdMilliseconds }) else {
      throw SupervisionError(
        .exhausted,
        "Child '\(name)' is not started: there are \(supervised.count) children, as many as there may be.")
    }
    supervised[oldest.specification.name] = nil
  }

  private func find(_ name: String) throws -> SupervisedChild {
    guard let child = supervised[name] else {
      throw SupervisionError(.unknownChild, "There is no child '\(name)'.")
    }
    return child
  }

  // MARK: Waiting

  /// Returns when the condition holds, or the task is cancelled.
  /// - Returns: the child's record when the condition held, which may be over already; nil when the task was cancelled.
  private func wait(
    for child: SupervisedChild, cancellable: Bool = true, until condition: @escaping (SupervisedChild) -> Bool
  ) async -> ChildRecord? {
    if condition(child) { return child.record }
    lastWaiter += 1
    let number = lastWaiter
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // In a task that prefers an executor the runtime lets others in before this, so everything is looked at again:
        // it enqueues a job anew whenever it "changes" to an actor of an executor of its own, be it there already.
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

  /// Lets those go on who waited for what now holds.
  func resumeWaiters(of child: SupervisedChild) {
    for (number, waiter) in waiters where waiter.child === child && waiter.condition(child) {
      endWait(number, child.record)
    }
  }

  // MARK: The journal

  /// Journals a child's record as it is now, after what is on its way.
  func journalFirst(_ child: SupervisedChild) async throws {
    await journaled(child)
    try await journal.record(child.record)
  }

  /// Sees to it that a child's record is journaled. What is overtaken by a newer record may be left out.
  func note(_ child: SupervisedChild) {
    child.unwritten = child.record
    guard child.writer == nil else { return }
    child.writer = Task { await self.write(child) }
  }

  /// Returns when everything about a child is journaled or has failed to be.
  func journaled(_ child: SupervisedChild) async {
    while let writer = child.writer { await writer.value }
  }

  private func write(_ child: SupervisedChild) async {
    while let record = child.unwritten {
      child.unwritten = nil
      var problem: String?
      do { try await journal.record(record) } catch { problem = "\(error)" }
      child.record.setCondition(
        "Journaled", problem == nil, reason: problem == nil ? "Stored" : "Refused",
        message: problem.map { "The state store did not take the record: \($0)" } ?? "The record is stored.",
        nowMilliseconds: nowMilliseconds())
      if problem == nil, record.status.phase == .ready { child.saveOutputPositions() }
    }
    child.writer = nil
  }
}
