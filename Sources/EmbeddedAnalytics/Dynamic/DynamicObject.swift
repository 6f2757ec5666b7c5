import DynamicGraphs
import Engines
import GraphStore
import Synchronization
import Workers

/// A graph of graphscope.nx under its key: in memory, and in a log from which it is made again.
///
/// The graph is asleep when only its log is there: after a restart, and after a change that failed halfway, whose beginning is
/// not in the log. It is made again when it is next used.
final class DynamicObject: Sendable {
  let key: String
  let isDirected: Bool
  private let path: String
  private let storage: any StorageAccount
  private let state: Mutex<State>
  private let lastSize: Atomic<Int>

  private struct State {
    var awake: Awake?
    /// The reservation for the log while the graph is asleep.
    var file: StorageReservation?
  }

  private struct Awake {
    var graph: DynamicGraph
    var log: GraphLog
    let memory: StorageReservation
  }

  /// The path of the log of a graph.
  static func path(_ workspace: String, _ key: String) -> String { "\(workspace)/\(key).changes" }

  /// Writes a new graph, whose memory was reserved, to a log.
  init(key: String, _ graph: DynamicGraph, memory: StorageReservation, workspace: String, storage: any StorageAccount)
    throws
  {
    (self.key, self.storage, isDirected) = (key, storage, graph.isDirected)
    path = Self.path(workspace, key)
    let log = try GraphLog(creating: path, of: graph, storage: storage)
    try memory.fit(graph.byteCount)
    state = Mutex(State(awake: Awake(graph: graph, log: log, memory: memory)))
    lastSize = Atomic(graph.nodeCount + graph.edgeCount)
  }

  /// Refers to the log of an earlier process, with its reservation.
  init?(recovered key: String, file: StorageReservation?, workspace: String, storage: any StorageAccount) {
    path = Self.path(workspace, key)
    guard let isDirected = GraphLog.isDirected(at: path) else { return nil }
    (self.key, self.storage, self.isDirected) = (key, storage, isDirected)
    state = Mutex(State(file: file))
    lastSize = Atomic(.max)
  }

  /// The number of nodes and edges; the greatest integer while that is not known.
  var size: Int { lastSize.load(ordering: .relaxed) }

  /// The numbers of nodes and edges and the memory; nil while the graph is asleep or being changed.
  var counts: (nodes: Int, edges: Int, bytes: Int)? {
    state.withLockIfAvailable { state in
      state.awake.map { ($0.graph.nodeCount, $0.graph.edgeCount, $0.graph.byteCount) }
    } ?? nil
  }

  /// Reads the graph.
  func read<R>(_ cancellation: Cancellation, _ body: (DynamicGraph) throws -> R) throws -> R {
    try state.withLock { state in
      try wake(&state, cancellation)
      return try body(state.awake!.graph)
    }
  }

  /// Makes a change, or nothing of it.
  func apply(_ change: GraphChange, _ batch: UnsafeRawBufferPointer, _ cancellation: Cancellation) throws {
    try state.withLock { state in
      try wake(&state, cancellation)
      let memory = state.awake!.memory
      do {
        try state.awake!.graph.apply(change, batch) { bytes in
          try cancellation.check()
          try memory.fit(bytes)
        }
        try state.awake!.log.append(change, batch)
      } catch {
        state = State(file: state.awake!.log.file)
        lastSize.store(.max, ordering: .relaxed)
        throw error
      }
      lastSize.store(state.awake!.graph.nodeCount + state.awake!.graph.edgeCount, ordering: .relaxed)
      // A log that cannot be rewritten stays as long as it is.
      if state.awake!.log.isLong { try? state.awake!.log.rewrite(state.awake!.graph) }
    }
  }

  private func wake(_ state: inout State, _ cancellation: Cancellation) throws {
    guard state.awake == nil else { return }
    var graph = DynamicGraph(isDirected: isDirected)
    let memory = try StorageReservation(0, as: .memory, from: storage)
    let log = try GraphLog(opening: path, storage: storage, &graph) { bytes in
      try cancellation.check()
      try memory.fit(bytes)
    }
    lastSize.store(graph.nodeCount + graph.edgeCount, ordering: .relaxed)
    state = State(awake: Awake(graph: graph, log: log, memory: memory))
  }
}

extension StorageReservation {
  /// Takes or returns bytes, so that `bytes` are taken.
  func fit(_ bytes: Int) throws(StorageRefusal) {
    let change = bytes - byteCount
    if change > 0 { try grow(by: change) } else { shrink(by: -change) }
  }
}
