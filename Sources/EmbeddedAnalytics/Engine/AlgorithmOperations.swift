import AnalyticsKernels
import CPlatform
import Engines
import GraphStore
import Synchronization
import Workers

extension EmbeddedAnalyticalEngine {
  func createApplication(_ operation: Operation) throws -> AnalyticalResult {
    let (name, archive) = try operation.algorithm()
    guard archive.isEmpty else {
      throw EngineError(
        .compilationFailure,
        "algorithm '\(name)' is sent as source code, which the embedded analytical engine cannot compile",
        hint: "GraphScope's own engine can: start the coordinator with --engine graphscope")
    }
    _ = try algorithms.named(name)
    return .done
  }

  func bindApplication(_ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    guard inputs.count > 1, case .application(let name, _) = inputs[1] else {
      throw EngineError(.invalidArgument, "BIND_APP needs a graph and an algorithm as its parents")
    }
    let algorithm = try algorithms.named(name)
    let graph =
      switch algorithm.graphs {
      case .projected: try simpleGraph(inputs, for: name)
      case .property: try await wholeGraph(try propertyGraph(inputs, for: "algorithm '\(name)'"))
      }
    let key = objectKey("app_\(name)")
    try removing(key) {
      try ObjectRecord(kind: .application, graph: graph.recipe, algorithm: name).write(workspace, key: key)
      try objects.withLock { try $0.add(BoundApplication(algorithm: algorithm, graph: graph), key: key) }
    }
    return .boundApplication(key: key)
  }

  /// Returns a property graph as algorithms see it.
  private func wholeGraph(_ view: PropertyView) async throws -> SimpleView {
    let graph = try await project(
      SimpleProjection(whole: view.schema, generatesEdgeIDs: view.description.options.generatesEdgeIDs),
      of: view.stored, view.schema)
    let recipe = GraphRecipe(
      directory: view.stored.name, description: view.description, projection: .init(isWhole: true))
    return SimpleView(graph: graph, description: view.description, recipe: recipe)
  }

  func runApplication(
    _ operation: Operation, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let arguments = operation.queryValues
    guard case .boundApplication(let bound) = inputs.first else {
      throw EngineError(.invalidArgument, "RUN_APP needs a bound algorithm as its parent")
    }
    guard let application = objects.withLock({ $0.applications[bound] }) else {
      throw Self.notThere("algorithm", bound)
    }
    if let remark = try application.algorithm.remark(on: application.graph.graph, arguments) { log.info(remark) }
    let key = objectKey("ctx")
    let context = try await run("Running \(application.algorithm.name)", log) { workers in
      let result = try application.algorithm.run(on: application.graph.graph, arguments, workers: workers) {
        log.info($0)
      }
      let description = ContextDescription(key: key, kind: result.kind, schema: result.schema)
      var context = ResultContext(description: description, graph: application.graph, result: result)
      do { try self.keep(&context, workers) } catch {
        log.info("This result will not survive a restart of the coordinator: \(EngineError.describing(error))")
      }
      return context
    }
    platform_failpoint("engine-result-kept")
    try removing(key) { try objects.withLock { try $0.add(context) } }
    return .context(context.description)
  }

  /// Size in bytes from which the values of a result are kept only in their file; smaller results are not worth a mapping.
  private static let mappedResultBytes = 1 << 17

  /// Writes what a later process needs to restore a result. A large result is then in memory only once, as the mapping of its
  /// file.
  private func keep(_ context: inout ResultContext, _ workers: Workers) throws {
    let key = context.description.key
    let path = ObjectRecord.valuesPath(workspace, key)
    let (stored, file) = try StoredResult.write(context.result, path, storage, workers)
    let record = ObjectRecord(kind: .result, graph: context.graph.recipe, result: context.description, stored)
    do {
      if file.byteCount >= Self.mappedResultBytes {
        context.result = try stored.open(context.description.kind, path: path, file)
      }
      try record.write(workspace, key: key)
      context.file = file
    } catch {
      removeTree(path)
      throw error
    }
  }
}
