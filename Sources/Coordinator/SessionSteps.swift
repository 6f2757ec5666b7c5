import CPlatform
import Cluster
import Engines
import Logging

extension Session {
  /// Runs the operations of a step in their order, after all earlier steps. On the first failure the rest is dropped.
  /// What the step makes survives the process once this returns.
  /// - Throws: `CancellationError` when the caller gives up; `CoordinatorError` when the session is being closed, or when
  ///   the state store does not take the step.
  public func run(_ operations: [StepOperation]) async throws -> StepOutcome {
    while true {
      let displacements = preemptions.load(ordering: .relaxed)
      do { return try await runOnce(operations) } catch is CancellationError {
        // A step that was cut off because its session gave way begins again when the session does.
        guard !Task.isCancelled, preemptions.load(ordering: .relaxed) != displacements else {
          throw CancellationError()
        }
        log.info("The step that was cut off begins again.")
      }
    }
  }

  private func runOnce(_ operations: [StepOperation]) async throws -> StepOutcome {
    guard phase == .connected || phase == .detached else {
      throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Connect again")
    }
    let number = counter.add(1, ordering: .relaxed).newValue
    // Immediate: the step takes its place in the queue before the next one can arrive.
    let task = Task.immediate {
      try await turnstile.pass { try await perform(operations, on: try await gate.engines()) }
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
      throw CoordinatorError(.sessionClosing, "session '\(id)' was closed while the step ran")
    }
  }

  private func perform(_ operations: [StepOperation], on engines: SessionEngines) async throws -> StepOutcome {
    defer { registry.withLock { $0.forgetTables(of: operations.map(\.key)) } }
    guard operations.contains(where: \.leavesSomething) else {
      var step = StepProgress(name: nil)
      try await performing("reading") { try await perform(operations, on: engines, &step) }
      return step.outcome
    }
    let document = try await started(operations)
    var step = StepProgress(name: document.name)
    do {
      try await performing(document.name) { try await perform(operations, on: engines, &step) }
      platform_failpoint("step-performed")
      try await finished(document, step, on: engines, wasCancelled: false)
    } catch is CancellationError {
      // Also a step that nobody waits for must be known to have ended.
      let progress = step
      try await Task { try await finished(document, progress, on: engines, wasCancelled: true) }.value
      throw CancellationError()
    }
    platform_failpoint("step-finished")
    return step.outcome
  }

  /// Runs the body as the one step of the analytical engine, if that may be.
  private func performing(_ name: String, _ body: () async throws -> Void) async throws {
    try refusing { try $0.beginStep(name, on: analyticalInstance) }
    defer { _ = composition.withLock { $0.endStep(name, at: .now) } }
    try await body()
  }

  private func perform(
    _ operations: [StepOperation], on engines: SessionEngines, _ step: inout StepProgress
  ) async throws {
    for operation in operations {
      try Task.checkCancellation()
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
    let earlier = Set(step.outcome.results.map(\.key))
    let inputs = try registry.withLock { registry throws(EngineError) in
      try registry.inputs(of: operation, inStep: earlier)
    }
    let result: AnalyticalResult
    let handle: ObjectHandle
    switch operation.action {
    case .source(let tables):
      result = .done
      handle = .tables(tables)
    case .analytical(let request):
      if case .unload = request { try letGo(of: operation) }
      let progress = log.about(step: step.name)
      result = try await withinBounds(request, on: inputs, engines.analytical, log: progress) {
        try await engines.analytical.perform(request, asWritten: operation.original, on: inputs, log: progress)
      }
      handle = Session.handle(of: result, from: request)
      if case .unload = request, let parent = operation.parents.first {
        step.gone(registry.withLock { $0.number(of: parent) }, parent)
      }
    }
    if case .none = handle { return result }
    try letIn(result)
    let (number, replaced) = try registry.withLock { registry throws(EngineError) in
      try registry.record(handle, for: operation.key)
    }
    step.made(number, operation.key, handle, result, replacing: replaced)
    return result
  }

  /// A graph that was made lives from now on.
  private func letIn(_ result: AnalyticalResult) throws(EngineError) {
    guard let graph = result.graph, let number = graph.objectID else { return }
    do throws(CoordinatorError) { try refusing { try $0.addGraph(String(number)) } } catch {
      throw EngineError(.resourceExhausted, error.message)
    }
    storage.setGraphs(
      graphs.withLock { graphs in
        graphs[graph.key] = number
        return graphs.count
      })
  }

  /// A graph that is to be unloaded must not be served by anybody.
  private func letGo(of operation: StepOperation) throws(EngineError) {
    let inputs = try registry.withLock { registry throws(EngineError) in try registry.inputs(of: operation) }
    guard case .graph(let key) = inputs.first, let graph = graphs.withLock({ $0[key] }) else { return }
    do throws(CoordinatorError) { try refusing { try $0.removeGraph(String(graph)) } } catch {
      throw EngineError(.illegalState, error.message)
    }
    forgetGraph(key)
  }

  func forgetGraph(_ key: String) {
    storage.setGraphs(
      graphs.withLock { graphs in
        graphs[key] = nil
        return graphs.count
      })
  }

  /// An object that another one has replaced.
  private func release(replaced handle: ObjectHandle, on engines: SessionEngines) async {
    if case .graph(let key) = handle, let graph = graphs.withLock({ $0[key] }) {
      // One that is served stays until it is served no more.
      guard (try? refusing { try $0.removeGraph(String(graph)) }) != nil else { return }
      forgetGraph(key)
    }
    await engines.analytical.release(handle)
  }

  /// How later operations refer to a result.
  private static func handle(of result: AnalyticalResult, from request: AnalyticalOperation) -> ObjectHandle {
    switch result {
    case .graph(let graph): return .graph(graph.key)
    case .definedGraph(let graph): return .graph(graph.key)
    case .boundApplication(let key): return .boundApplication(key)
    case .context(let context): return .context(context.key)
    case .archive, .value, .stream: return .none
    case .done:
      if case .createApplication(let algorithm, let archive) = request {
        return .application(algorithm: algorithm, archive: archive)
      }
      return .none
    }
  }

  // MARK: In the state store

  /// Writes down that a step begins.
  private func started(_ operations: [StepOperation]) async throws(CoordinatorError) -> StepDocument {
    let number = stepNumber.add(1, ordering: .relaxed).newValue
    let document = StepDocument(
      kind: .step, name: stepName(id, number), owner: principal.description, tenant: tenant,
      createdMilliseconds: nowMilliseconds(), spec: StepSpec(operations), status: StepStatus(phase: .running))
    var changes = [Journal.put(document)]
    if number > Journal.keptSteps {
      changes.append(.delete(ObjectKind.step.key(stepName(id, number - Journal.keptSteps))))
    }
    try await journal.commit("run a step", by: principal.description, on: "step/\(document.name)", changes)
    platform_failpoint("step-started")
    return document
  }

  /// Writes down what a step made and how it ended; only then are replaced objects released.
  private func finished(
    _ document: StepDocument, _ step: StepProgress, on engines: SessionEngines, wasCancelled: Bool
  ) async throws(CoordinatorError) {
    var document = document
    document.status = StepStatus(step.outcome, wasCancelled: wasCancelled)
    let changes = step.objects.map { number, object in Journal.put(objectKey(id, number), object) }
    do {
      try await journal.commitAll(
        "finish a step", by: principal.description, on: "step/\(document.name)", changes + [Journal.put(document)])
    } catch {
      // What the next process would not know must not be used by this one.
      for object in step.fresh.reversed() {
        registry.withLock { $0.takeBack(object.key, to: object.replaced) }
        await engines.analytical.release(object.handle)
      }
      throw error
    }
    for case let replaced? in step.fresh.map(\.replaced) { await release(replaced: replaced, on: engines) }
  }
}

/// What a step has done so far.
private struct StepProgress {
  /// The step's name in the state store; nil for one that is not there.
  let name: String?
  var outcome = StepOutcome()
  /// Objects that were made or unloaded, by number.
  var objects: [Int: ObjectDocument] = [:]
  /// Objects that were made, and those that they replace because their operations ran again.
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

  /// What a log line says of an operation that failed.
  func metadata(_ operation: StepOperation, _ error: any Error) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["operation": "\(operation.name) \(bounded(operation.key))", "error": "\(error)"]
    if let name { metadata["step"] = "\(name)" }
    return metadata
  }

  mutating func gone(_ number: Int?, _ key: OperationKey) {
    if let number { objects[number] = ObjectDocument(.none, of: key) }
  }
}

extension StepOperation {
  /// Whether the operation makes or removes something that the next process must know.
  fileprivate var leavesSomething: Bool {
    switch action {
    case .source: false
    case .analytical(let operation): !operation.isReadOnly
    }
  }

  fileprivate var name: String {
    switch action {
    case .source: "DATA_SOURCE"
    case .analytical(let operation): operation.name
    }
  }
}

extension StepSpec {
  private static let maximumOperations = 200

  fileprivate init(_ operations: [StepOperation]) {
    self.operations = operations.prefix(Self.maximumOperations).map {
      Operation(key: bounded($0.key), kind: bounded($0.name), parents: $0.parents.prefix(8).map { bounded($0) })
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

/// A client's text cut to a size that the state store takes in any case.
private func bounded(_ text: String, bytes: Int = 64) -> String {
  text.utf8.count <= bytes ? text : String(decoding: text.utf8.prefix(bytes), as: UTF8.self) + "…"
}
