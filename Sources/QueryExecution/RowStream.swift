import QueryAlgebra
import QueryValues
import Synchronization
import Workers

/// The rows of a query that runs on a thread of its own, handed over in batches.
///
/// The query waits while batches that nobody has taken reach a limit, so that a slow reader bounds what is kept for it. Dropping
/// the stream cancels the query.
public final class RowStream: QueryCursor {
  /// The names of the columns.
  public let columns: [String]
  private let hub: Hub

  /// What each operator yielded, when a profiled query has ended.
  public var plan: PlanDescription? { hub.plan }

  /// Begins to run a query on a thread of `pool`.
  /// - Parameters:
  ///   - columns: The names of the columns.
  ///   - body: Runs the query and gives its rows to the sink, until the sink returns false. Returns what PROFILE shows.
  public init(
    columns: [String], pool: WorkerPool, cancellation: Cancellation,
    _ body:
      @escaping @Sendable (_ sink: @escaping ([Value]) throws(QueryError) -> Bool) throws(QueryError) ->
      PlanDescription?
  ) {
    self.columns = columns
    let hub = Hub(cancellation: cancellation)
    self.hub = hub
    Task {
      do {
        try await pool.run { _ in
          let batch = RowBatch(hub: hub)
          do throws(QueryError) {
            let plan = try body { (row: [Value]) throws(QueryError) in batch.append(row) }
            batch.flush()
            hub.end(nil, plan)
          } catch { hub.end(error) }
        }
      } catch {
        hub.end(QueryError(.memory, "the query cannot run: \(error). Try again when fewer queries run"))
      }
    }
  }

  deinit { hub.cancel() }

  /// Ends the query at its next check. Returns at once.
  public func cancel() { hub.cancel() }

  /// The next rows: at least one and at most `count`, or none at the end. Suspends until they are there.
  /// - Throws: What ended the query.
  public func next(_ count: Int) async throws(QueryError) -> [[Value]] {
    try await hub.next(max(1, count))
  }
}

/// Rows that are handed over together: the first ones at once, later ones in larger batches.
private final class RowBatch {
  let hub: Hub
  private var rows: [[Value]] = []
  private var size = 1

  init(hub: Hub) { self.hub = hub }

  /// Adds a row. Returns false when the query must end.
  func append(_ row: [Value]) -> Bool {
    rows.append(row)
    guard rows.count >= size else { return true }
    size = min(size * 2, 256)
    return flush()
  }

  @discardableResult func flush() -> Bool {
    guard !rows.isEmpty else { return true }
    defer { rows.removeAll(keepingCapacity: true) }
    return hub.put(rows)
  }
}

/// Where the thread of a query and its reader meet.
private final class Hub: Sendable {
  private struct State {
    var rows: [[Value]] = []
    var isOver = false
    var failure: QueryError?
    var plan: PlanDescription?
    var reader: CheckedContinuation<Void, Never>?
  }

  /// The number of rows that wait for the reader before the query waits.
  private static let capacity = 2048

  private let state = Mutex(State())
  private let room = Gate()
  private let cancellation: Cancellation

  init(cancellation: Cancellation) { self.cancellation = cancellation }

  /// Called by the query's thread; waits for room. Returns false when the query must end.
  func put(_ rows: [[Value]]) -> Bool {
    let isFull = state.withLock { state in
      state.rows += rows
      state.reader?.resume()
      state.reader = nil
      return state.rows.count >= Self.capacity
    }
    if isFull { room.wait { cancellation.isCancelled || state.withLock { $0.rows.count < Self.capacity } } }
    return !cancellation.isCancelled
  }

  var plan: PlanDescription? { state.withLock { $0.plan } }

  func end(_ failure: QueryError?, _ plan: PlanDescription? = nil) {
    state.withLock { state in
      state.isOver = true
      state.failure = failure
      state.plan = plan
      state.reader?.resume()
      state.reader = nil
    }
  }

  func cancel() {
    cancellation.cancel()
    room.open()
    state.withLock { state in
      state.reader?.resume()
      state.reader = nil
    }
  }

  func next(_ count: Int) async throws(QueryError) -> [[Value]] {
    while true {
      if let rows = try take(count) { return rows }
      await withCheckedContinuation { continuation in
        state.withLock { state in
          if state.isOver || !state.rows.isEmpty || cancellation.isCancelled {
            continuation.resume()
          } else {
            state.reader = continuation
          }
        }
      }
    }
  }

  /// The next rows; empty at the end, nil if there are none yet.
  private func take(_ count: Int) throws(QueryError) -> [[Value]]? {
    if cancellation.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
    let (rows, isOver, failure) = state.withLock { state in
      let rows = Array(state.rows.prefix(count))
      state.rows.removeFirst(rows.count)
      return (rows, state.isOver, state.failure)
    }
    room.open()
    if !rows.isEmpty { return rows }
    if let failure { throw failure }
    return isOver ? [] : nil
  }
}
