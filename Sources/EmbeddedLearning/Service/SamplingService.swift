import Synchronization
import Workers

/// Answers the requests of learning clients for one graph, as decoded values: everything but bytes and sockets.
final class SamplingService: Sendable {
  let graph: LearningGraph
  private let seed: UInt64

  private struct State {
    var queries = QueryTable()
    var requests: [UInt64: Int] = [:]
    /// The places of traversals. Clients do not name their samplers, so those of one connection with the same parameters share one.
    var cursors: [UInt64: [[String]: TraversalCursor]] = [:]
  }

  private let state = Mutex(State())

  /// The maximum number of traversals of a connection.
  static let maximumTraversals = 1_024

  /// - Parameter seed: the seed of everything that is drawn.
  init(_ graph: LearningGraph, seed: UInt64) { (self.graph, self.seed) = (graph, seed) }

  /// Runs one operator.
  /// - Throws: `LearningError`; `StorageRefusal`; `CancellationError`.
  func run(_ request: OperatorRequest, connection: UInt64, _ workers: Workers) throws -> OperatorAnswer {
    let number = state.withLock { state in
      state.requests[connection, default: 0] += 1
      return state.requests[connection]!
    }
    let context = try OperatorContext(workers: workers, seed: seed).part(number)
    let action = try LearningOperator(request.name, request.parameters, graph)
    if case .traverse(let traversal) = action {
      return try advance(traversal, request, connection, context)
    }
    var inputs = OperatorInputs(tensors: request.inputs)
    for (name, sparse) in request.sparseInputs { inputs.tensors[name] = .int64(sparse.values) }
    return try action.answer(inputs, graph, context)
  }

  private func advance(
    _ traversal: Traversal, _ request: OperatorRequest, _ connection: UInt64, _ context: OperatorContext
  ) throws -> OperatorAnswer {
    let count = try traversal.count(context)
    var key = [request.name, traversal.order.rawValue, String(traversal.batch)]
    key.append(try request.parameters.text("nt") ?? OperatorParameters(request.parameters).edgeType())
    key.append(String(try request.parameters.integer("si") ?? 0))
    let step = try state.withLock { state in
      var cursor = state.cursors[connection]?[key] ?? TraversalCursor()
      if state.cursors[connection]?[key] == nil,
        state.cursors[connection, default: [:]].count >= Self.maximumTraversals
      {
        throw LearningError(.resourceExhausted, "a client has more than \(Self.maximumTraversals) samplers")
      }
      defer { state.cursors[connection, default: [:]][key] = cursor }
      return cursor.advance(traversal, count: count)
    }
    guard let range = step.range else { throw LearningError(.outOfRange, "the epoch has ended") }
    return try traversal.answer(range, epoch: orderSeed(seed, step.epoch), context)
  }

  /// Accepts a query, so that its batches can be requested.
  /// - Throws: `LearningError` for a query that cannot be run.
  func accept(_ query: QueryDefinition, connection: UInt64) throws(LearningError) {
    // The client sends this for a query that it sent before.
    if query.nodes.isEmpty { return }
    let plan = try QueryPlan(query, graph)
    let stream = QueryStream(query, plan, seed: seed &+ SampleRandom.mixed(UInt64(bitPattern: Int64(query.id))))
    try state.withLock { (state) throws(LearningError) in
      try state.queries.add(query, of: connection) { () throws(LearningError) in stream }
    }
  }

  /// Returns the next batch of a query. An error would abort the client's process, so there is an end of epoch instead.
  /// - Parameter report: called with the reason.
  func batch(
    _ request: BatchRequest, connection: UInt64, _ workers: Workers, report: (String) -> Void
  ) -> BatchAnswer {
    guard let stream = state.withLock({ $0.queries.find(request.query, of: connection) }) else {
      report("query \(request.query) is not known")
      return BatchAnswer()
    }
    let reader = QueryStream.Reader(connection: connection, client: request.client)
    var turn: QueryStream.Turn?
    do {
      let context = try OperatorContext(workers: workers, seed: stream.seed)
      let traversal = stream.plan.traversal
      turn = stream.advance(reader, count: try traversal.count(context))
      guard let turn, let range = turn.range else { return BatchAnswer(epoch: turn!.epoch, index: turn!.index) }
      let part = context.part(turn.number)
      let first = try traversal.answer(range, epoch: orderSeed(stream.seed, turn.epoch), part)
      return BatchAnswer(
        values: try stream.plan.values(first, graph, part), epoch: turn.epoch, index: turn.index)
    } catch {
      report("\(error)")
      let missed = turn ?? stream.skip(reader)
      return BatchAnswer(epoch: missed.epoch, index: missed.index)
    }
  }

  /// Forgets what belongs to a connection.
  func connectionClosed(_ connection: UInt64) {
    state.withLock { state in
      state.requests[connection] = nil
      state.cursors[connection] = nil
      state.queries.close(connection)
    }
  }

  private func orderSeed(_ seed: UInt64, _ epoch: Int) -> UInt64 {
    SampleRandom.mixed(seed ^ SampleRandom.mixed(UInt64(epoch) &+ 1))
  }
}
