import Synchronization

/// The batches of a query. Clients that sent the same query share them.
final class QueryStream: Sendable {
  /// Which batch a request gets.
  struct Turn: Sendable, Equatable {
    /// The positions of the batch; nil at the end of the epoch.
    var range: Range<Int>?
    var epoch: Int
    /// The number of the request among those of its client.
    var index: Int
    /// The number of the batch among all, from which its random numbers follow.
    var number: Int
  }

  /// Who asks: a client's number among those that train together, on one connection. A client that connects again goes on.
  struct Reader: Hashable, Sendable {
    var connection: UInt64
    var client: Int
  }

  let definition: QueryDefinition
  let plan: QueryPlan
  let seed: UInt64

  private struct State {
    var cursor = TraversalCursor()
    var number = 0
    var indexes: [Reader: Int] = [:]
  }

  private let state = Mutex(State())

  init(_ definition: QueryDefinition, _ plan: QueryPlan, seed: UInt64) {
    (self.definition, self.plan, self.seed) = (definition, plan, seed)
  }

  /// Assigns the next batch.
  /// - Parameter count: the number of elements of an epoch.
  func advance(_ reader: Reader, count: Int) -> Turn {
    state.withLock { state in
      let (range, epoch) = state.cursor.advance(plan.traversal, count: count)
      let index = state.indexes[reader, default: 0]
      state.indexes[reader] = index + 1
      defer { state.number += 1 }
      return Turn(range: range, epoch: epoch, index: index, number: state.number)
    }
  }

  /// Assigns a number to a request that gets no batch.
  func skip(_ reader: Reader) -> Turn {
    state.withLock { state in
      let index = state.indexes[reader, default: 0]
      state.indexes[reader] = index + 1
      return Turn(range: nil, epoch: state.cursor.epoch, index: index, number: 0)
    }
  }

  /// Lets the clients of a connection that ended continue on another one.
  func move(from old: UInt64, to new: UInt64) {
    state.withLock { state in
      for (reader, index) in state.indexes where reader.connection == old {
        state.indexes[reader] = nil
        state.indexes[Reader(connection: new, client: reader.client)] = index
      }
    }
  }
}

/// The queries of an endpoint. A pure value.
///
/// Clients number their queries from 1, each process for itself, and name only the number when they ask for batches. Every
/// connection therefore has numbers of its own. A query that another open connection has sent byte for byte is shared with it: that
/// is how clients train together. A connection that asks for a query that it has not sent continues one whose connection ended.
struct QueryTable {
  /// The maximum number of queries of a connection.
  static let maximumQueries = 1_024
  /// The maximum number of queries that are kept of connections that ended.
  static let maximumOrphans = 256

  private var streams: [UInt64: [Int: QueryStream]] = [:]
  private var orphans: [(connection: UInt64, number: Int, stream: QueryStream)] = []

  /// Adds a query of a connection.
  /// - Parameter make: makes its stream, unless it is shared.
  /// - Throws: the error of `make`; `LearningError` if the connection has too many queries.
  mutating func add(
    _ definition: QueryDefinition, of connection: UInt64, make: () throws(LearningError) -> QueryStream
  ) throws(LearningError) {
    let others = streams.filter { $0.key != connection }.compactMap { $0.value[definition.id] }
    guard streams[connection, default: [:]].count < Self.maximumQueries else {
      throw LearningError(.resourceExhausted, "a client has more than \(Self.maximumQueries) queries. Restart it")
    }
    if let shared = others.first(where: { $0.definition == definition }) {
      streams[connection, default: [:]][definition.id] = shared
    } else {
      streams[connection, default: [:]][definition.id] = try make()
    }
  }

  /// Returns the query that a connection means by a number; nil if there is none.
  mutating func find(_ number: Int, of connection: UInt64) -> QueryStream? {
    if let stream = streams[connection]?[number] { return stream }
    guard let index = orphans.lastIndex(where: { $0.number == number }) else { return nil }
    let orphan = orphans.remove(at: index)
    orphan.stream.move(from: orphan.connection, to: connection)
    streams[connection, default: [:]][number] = orphan.stream
    return orphan.stream
  }

  /// Records that a connection has ended.
  mutating func close(_ connection: UInt64) {
    for (number, stream) in streams.removeValue(forKey: connection) ?? [:] {
      orphans.append((connection, number, stream))
    }
    orphans.removeFirst(max(0, orphans.count - Self.maximumOrphans))
  }
}
