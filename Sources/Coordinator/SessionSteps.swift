import Access
import CPlatform
import ControlPlane
import Engines
import LogStore
import Logging
import Objects
import StateStore
import Support
import Synchronization
import Wire

extension Session {
  /// Runs the operations of a step in order, after all earlier steps. After the first failure, the remaining operations are
  /// dropped. Once this returns, the objects made by the step survive the process.
  /// - Throws: `CancellationError` if the caller is cancelled; `CoordinatorError` if the session is being closed or the state
  ///   store rejects the step.
  public func run(_ operations: [StepOperation]) async throws -> StepOutcome {
    try await run(PreparedStep(prepared: operations))
  }

  /// Runs a step when its turn comes, like `run` of its operations.
  /// - Throws: Also `EngineError` if too many steps are waiting or the tenant may not use that much memory.
  public func run(_ waiting: some WaitingStep) async throws -> StepOutcome {
    while true {
      let displacements = preemptions.load(ordering: .relaxed)
      do { return try await runOnce(waiting) } catch is CancellationError {
        // A step that was cancelled because its session was preempted begins again when the session continues.
        guard !Task.isCancelled, preemptions.load(ordering: .relaxed) != displacements else {
          throw CancellationError()
        }
        log.info("The step that was interrupted by preemption starts again.")
      }
    }
  }

  private func runOnce(_ waiting: some WaitingStep) async throws -> StepOutcome {
    guard phase == .connected || phase == .detached else {
      throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Open a new session")
    }
    let number = counter.add(1, ordering: .relaxed).newValue
    // Immediate: the step is queued before the next one can arrive.
    let task = Task.immediate {
      let held = Mutex(try countWaiting(waiting))
      return try await turnstile.pass(atMost: waitingSteps) {
        let engines = try await gate.engines()
        held.withLock { $0 = nil }
        return try await perform(waiting, on: engines, number)
      }
    }
    running.withLock { $0[number] = { task.cancel() } }
    defer { _ = running.withLock { $0.removeValue(forKey: number) } }
    if phase == .closing || phase == .closed { task.cancel() }
    do {
      return try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch is CancellationError where phase == .closing || phase == .closed {
      throw CoordinatorError(.sessionClosing, "session '\(id)' was closed while the step was running")
    } catch let error as CancellationError {
      if let operations = try? await waiting.operations() { unanswered.withLock { $0.cancelled(operations) } }
      throw error
    } catch is Turnstile.IsFull {
      throw isFullOfSteps
    }
  }

  private func perform(
    _ waiting: some WaitingStep, on engines: SessionEngines, _ number: UInt64
  ) async throws -> StepOutcome {
    let memory = try countOperations(waiting)
    defer { withExtendedLifetime(memory) {} }
    return try await perform(try await waiting.operations(), on: engines, number)
  }

  private func perform(
    _ operations: [StepOperation], on engines: SessionEngines, _ number: UInt64
  ) async throws -> StepOutcome {
    defer { registry.withLock { $0.forgetTables(of: operations.map(\.key)) } }
    if let refusal = refusal(of: operations) {
      var outcome = StepOutcome()
      outcome.failure = refusal
      return outcome
    }
    let needless = unanswered.withLock { unanswered in
      NeedlessWork.keys(in: operations) { unanswered.contains($0) }
    }
    let outcome = try await perform(operations, without: needless, on: engines, number)
    unanswered.withLock { $0.ended(operations, outcome, needless: needless) }
    return outcome
  }

  private func perform(
    _ operations: [StepOperation], without needless: Set<OperationKey>, on engines: SessionEngines, _ number: UInt64
  ) async throws -> StepOutcome {
    guard operations.contains(where: { $0.leavesSomething && !isNeedless($0, needless) }) else {
      var step = StepProgress(name: nil, needless: needless)
      try await performing("reading") { try await perform(operations, on: engines, &step) }
      return step.outcome
    }
    let document = try await started(operations)
    var step = StepProgress(name: document.name, needless: needless)
    begin(document, number)
    defer { current.withLock { $0 = nil } }
    do {
      try await performing(document.name) { try await perform(operations, on: engines, &step) }
      platform_failpoint("step-performed")
      try await finished(document, step, on: engines, wasCancelled: false)
    } catch is CancellationError {
      // The end of a step must be recorded even if no caller waits for it.
      let canceller = current.withLock { $0?.canceller }
      if let canceller { step.outcome.failure = (operations.first?.key ?? "", Self.cancellation(by: canceller)) }
      let progress = step
      try await Task { try await finished(document, progress, on: engines, wasCancelled: true) }.value
      if canceller != nil { return step.outcome }
      throw CancellationError()
    }
    platform_failpoint("step-finished")
    return step.outcome
  }

  /// Makes the step visible to others, who may cancel it.
  private func begin(_ document: StepDocument, _ number: UInt64) {
    let operations = document.spec.operations
    current.withLock {
      $0 = RunningStep(
        name: document.name, cancel: { [weak self] in self?.running.withLock { $0[number] }?() },
        report: StepReport(operation: 1, operations: operations.count, kind: operations.first?.kind ?? ""))
    }
  }

  /// Runs the body as the single step of the analytical engine, if the control plane permits it.
  private func performing(_ name: String, _ body: () async throws -> Void) async throws {
    try requireLegal(tell(.beginStep(name)))
    defer { perform(tell(.endStep(name))) }
    try await body()
  }

  private func perform(
    _ operations: [StepOperation], on engines: SessionEngines, _ step: inout StepProgress
  ) async throws {
    for (index, operation) in operations.enumerated() {
      try Task.checkCancellation()
      if step.name != nil {
        let report = StepReport(operation: index + 1, operations: operations.count, kind: operation.title)
        current.withLock { $0?.report = report }
      }
      do {
        step.outcome.results.append((operation.key, try await perform(operation, on: engines, &step)))
      } catch let error as EngineError {
        logger.info("operation failed", metadata: step.metadata(operation, error))
        step.outcome.failure = (operation.key, error)
        break
      } catch let error where !(error is CancellationError) {
        logger.error("operation failed", metadata: step.metadata(operation, error))
        step.outcome.failure = (operation.key, EngineError(.internalFailure, "the operation failed: \(error)"))
        break
      }
    }
  }

  private func perform(
    _ operation: StepOperation, on engines: SessionEngines, _ step: inout StepProgress
  ) async throws -> AnalyticalResult {
    if isNeedless(operation, step.needless) {
      if let error = unanswered.withLock({ $0.error(of: operation.key) }) { throw error }
      return .done
    }
    if registry.withLock({ $0.unloadsView(operation) }) { return .done }
    let earlier = Set(step.outcome.results.map(\.key))
    let inputs = try registry.withLock { registry throws(EngineError) in
      try registry.inputs(of: operation, inStep: earlier)
    }
    let result: AnalyticalResult
    let handle: ObjectHandle
    switch operation.type {
    case .dataSource:
      result = .done
      handle = .tables(operation.tables)
    default:
      if operation.unloads { try letGo(of: operation) }
      let progress = noting(log.about(step: step.name), ofStep: step.name)
      result = try await withinBounds(operation, on: inputs, engines.analytical, log: progress) {
        try await engines.analytical.perform(operation, on: inputs, log: progress)
      }
      handle = try Session.handle(of: result, from: operation)
      if operation.unloads, let parent = operation.parents.first {
        let number = registry.withLock { registry in
          registry.unloaded(parent)
          return registry.number(of: parent)
        }
        step.gone(number, parent)
      }
    }
    if operation.type == .reportGraph { registry.withLock { $0.views.asked(operation) } }
    if case .none = handle { return result }
    try letIn(result)
    let (number, replaced) = try registry.withLock { registry throws(EngineError) in
      try registry.record(handle, for: operation)
    }
    step.made(number, operation.key, handle, result, replacing: replaced)
    step.objects[number]?.origin = registry.withLock { $0.origin(of: operation.key) }
    return result
  }

  /// Whether nothing is to be done: the operation is needless, or unloads what was never made.
  private func isNeedless(_ operation: StepOperation, _ needless: Set<OperationKey>) -> Bool {
    guard operation.unloads else { return needless.contains(operation.key) }
    guard !operation.parents.isEmpty else { return false }
    return operation.parents.allSatisfy { parent in
      guard needless.contains(parent) || unanswered.withLock({ $0.contains(parent) }) else { return false }
      // An earlier run may have left something behind.
      return registry.withLock { $0.number(of: parent) } == nil
    }
  }

  /// Registers a graph that was made.
  private func letIn(_ result: AnalyticalResult) throws(EngineError) {
    guard let graph = result.graph, let number = graph.objectID else { return }
    do throws(CoordinatorError) { try requireLegal(tell(.graphMade(key: graph.key, name: String(number)))) } catch {
      throw EngineError(.resourceExhausted, error.message)
    }
    registry.withLock { $0.views.add(graph.key) }
    countGraphs()
  }

  /// Deregisters a graph that is to be unloaded, which must not be in use by an instance.
  private func letGo(of operation: StepOperation) throws(EngineError) {
    let inputs = try registry.withLock { registry throws(EngineError) in try registry.inputs(of: operation) }
    guard case .graph(let key) = inputs.first else { return }
    do throws(CoordinatorError) { try requireLegal(tell(.graphGone(key: key))) } catch {
      throw EngineError(.illegalState, error.message)
    }
    countGraphs()
  }

  /// Updates the number of graphs, which counts towards the tenant's quota.
  func countGraphs() { storage.setGraphs(control.withLock { $0.graphs.count }) }

  /// Releases an object that was replaced by another one.
  private func release(replaced handle: ObjectHandle, on engines: SessionEngines) async {
    if case .graph(let key) = handle {
      // A graph that is served stays as long as it is served.
      guard tell(.graphGone(key: key)).isEmpty else { return }
      countGraphs()
    }
    await engines.analytical.release(handle)
  }

  /// Returns the handle by which later operations refer to a result.
  private static func handle(of result: AnalyticalResult, from operation: StepOperation) throws -> ObjectHandle {
    switch result {
    case .graph(let graph): return .graph(graph.key)
    case .encodedGraph(let graph): return .graph(graph.key)
    case .boundApplication(let key): return .boundApplication(key)
    case .context(let context): return .context(context.key)
    case .archive, .value, .stream: return .none
    case .done:
      guard operation.type == .createApp else { return .none }
      let (algorithm, archive) = try operation.algorithm()
      return .application(algorithm: algorithm, archive: archive)
    }
  }

  // MARK: In the state store

  /// Journals the start of a step.
  private func started(_ operations: [StepOperation]) async throws(CoordinatorError) -> StepDocument {
    let number = stepNumber.add(1, ordering: .relaxed).newValue
    let document = StepDocument(
      kind: .step, name: stepName(id, number), owner: principal.description, tenant: tenant,
      createdMilliseconds: nowMilliseconds(),
      spec: StepSpec(operations, algorithm: registry.withLock { $0.algorithm(of: operations) }),
      status: StepStatus(phase: .running))
    var changes = [Journal.put(document)]
    if number > Journal.keptSteps {
      changes.append(.delete(ObjectKind.step.key(stepName(id, number - Journal.keptSteps))))
    }
    try await journal.commit(
      "run a step", by: principal.description, on: ObjectReference(.step, document.name), changes,
      mayUseReserve: operations.allSatisfy(\.unloads))
    platform_failpoint("step-started")
    return document
  }

  /// Journals what a step made and how it ended; only then releases replaced objects.
  private func finished(
    _ document: StepDocument, _ step: StepProgress, on engines: SessionEngines, wasCancelled: Bool
  ) async throws(CoordinatorError) {
    var document = document
    document.status = StepStatus(step.outcome, wasCancelled: wasCancelled)
    let number = document.number ?? 0
    if !step.objects.isEmpty {
      recording { record throws(CoordinatorError) in _ = try record.append(step: number, step.objects) }
    }
    let changes = step.objects.map { number, object in Journal.put(objectKey(id, number), object) }
    // A step that made nothing can only have freed space.
    let mayUseReserve = step.fresh.isEmpty
    do {
      try await journal.commitAll(
        "finish a step", by: principal.description, on: ObjectReference(.step, document.name),
        changes + [Journal.put(document)],
        mayUseReserve: mayUseReserve)
    } catch {
      // This process must not use objects that the next process would not know.
      for object in step.fresh.reversed() {
        registry.withLock { $0.takeBack(object.key, to: object.replaced) }
        await engines.analytical.release(object.handle)
      }
      throw error
    }
    if !step.objects.isEmpty {
      var isLong = false
      recording { record throws(CoordinatorError) in isLong = try record.append(step: number, [:]) }
      if isLong { rewriteRecord() }
    }
    for case let replaced? in step.fresh.map(\.replaced) { await release(replaced: replaced, on: engines) }
  }
}

/// The progress of a step.
private struct StepProgress {
  /// The step's name in the state store; nil if it is not stored.
  let name: String?
  /// The operations that are not run.
  let needless: Set<OperationKey>
  var outcome = StepOutcome()
  /// The objects made or unloaded, by number.
  var objects: [Int: ObjectDocument] = [:]
  /// The objects made, and those they replace because their operations ran again.
  var fresh: [(key: OperationKey, handle: ObjectHandle, replaced: ObjectHandle?)] = []

  mutating func made(
    _ number: Int, _ key: OperationKey, _ handle: ObjectHandle, _ result: AnalyticalResult, replacing old: ObjectHandle?
  ) {
    if case .tables = handle { return }
    var document = ObjectDocument(handle, of: key)
    document.graph = result.graph?.objectID
    objects[number] = document
    fresh.append((key, handle, old))
  }

  /// Returns the log metadata of a failed operation.
  func metadata(_ operation: StepOperation, _ error: any Error) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["operation": "\(operation.title) \(bounded(operation.key))", "error": "\(error)"]
    if let name { metadata["step"] = "\(name)" }
    return metadata
  }

  mutating func gone(_ number: Int?, _ key: OperationKey) {
    if let number { objects[number] = ObjectDocument(.none, of: key) }
  }
}

extension StepSpec {
  private static let maximumOperations = 200

  fileprivate init(_ operations: [StepOperation], algorithm: String?) {
    self.algorithm = algorithm.map { bounded($0) }
    self.operations = operations.prefix(Self.maximumOperations).map {
      Operation(key: bounded($0.key), kind: bounded($0.title), parents: $0.parents.prefix(8).map { bounded($0) })
    }
  }
}

extension StepStatus {
  fileprivate init(_ outcome: StepOutcome, wasCancelled: Bool) {
    phase = wasCancelled ? .cancelled : outcome.failure == nil ? .succeeded : .failed
    finishedMilliseconds = nowMilliseconds()
    failure = outcome.failure.map {
      Failure(
        operation: bounded($0.key), code: $0.error.code.rawValue, message: bounded($0.error.description, bytes: 4096))
    }
  }
}

/// Returns a client's text truncated to a size that the state store always accepts.
func bounded(_ text: String, bytes: Int = 64) -> String {
  text.utf8.count <= bytes ? text : String(decoding: text.utf8.prefix(bytes), as: UTF8.self) + "…"
}
