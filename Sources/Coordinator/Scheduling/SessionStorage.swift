import Cluster
import GraphStore
import Synchronization

/// What a session's engines and data take, charged to its tenant and its host. What a load is expected to take is kept free
/// for it before it begins; what it takes then counts against that first.
final class SessionStorage: StorageAccount {
  fileprivate struct State {
    var memory: Int64 = 0
    var disk: Int64 = 0
    var graphs = 0
    /// Memory and disk that are kept free for the load under way: what may be reached, not what is added.
    var reserved = Usage()
    /// The most memory since the load began.
    var peak: Int64 = 0

    var usage: Usage {
      Usage(
        memoryBytes: max(memory, reserved.memoryBytes), diskBytes: max(disk, reserved.diskBytes),
        graphs: max(graphs, reserved.graphs))
    }
  }

  private let owner: String
  let desk: ResourceDesk
  let metrics: Metrics
  private let state = Mutex(State())

  /// The account of an owner of resources.
  init(owner: String, desk: ResourceDesk, metrics: Metrics) {
    self.owner = owner
    self.desk = desk
    self.metrics = metrics
  }

  /// What is taken now, without what is kept free.
  var taken: Usage {
    state.withLock { Usage(memoryBytes: $0.memory, diskBytes: $0.disk, graphs: $0.graphs) }
  }

  // MARK: StorageAccount

  func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal) {
    try change { $0.add(Int64(bytes), kind) }
  }

  func takeUnconditionally(_ bytes: Int, as kind: StorageKind) { force { $0.add(Int64(bytes), kind) } }

  func giveBack(_ bytes: Int, as kind: StorageKind) { force { $0.add(-Int64(bytes), kind) } }

  // MARK: Data and graphs

  /// Takes bytes for a file that is not mapped.
  func takeDisk(_ bytes: Int) throws(StorageRefusal) { try change { $0.disk += Int64(bytes) } }

  /// Counts a file that is there, whether there is room for it or not.
  func countDisk(_ bytes: Int) { force { $0.disk += Int64(bytes) } }

  /// Gives the bytes of such a file back.
  func giveBackDisk(_ bytes: Int) { force { $0.disk -= Int64(bytes) } }

  /// The session has so many graphs now.
  func setGraphs(_ count: Int) { force { $0.graphs = count } }

  // MARK: Loads

  /// Keeps free what a load is expected to take beyond what is taken already, and room for its graph.
  /// - Throws: `StorageRefusal` with the numbers.
  func beginLoad(memory: Int, disk: Int, graphs: Int) throws(StorageRefusal) {
    try change { state in
      state.reserved = Usage(
        memoryBytes: state.memory + Int64(memory), diskBytes: state.disk + Int64(disk), graphs: state.graphs + graphs)
      state.peak = state.memory
    }
  }

  /// The load has ended, whatever came of it.
  /// - Returns: the most memory that it had, and what of it stays.
  func endLoad(since before: Usage) -> (peak: Int64, resident: Int64) {
    let result = state.withLock { ($0.peak - before.memoryBytes, $0.memory - before.memoryBytes) }
    force { $0.reserved = Usage() }
    return result
  }

  // MARK: Charging

  private func change(_ body: (inout State) -> Void) throws(StorageRefusal) {
    try state.withLock { state throws(StorageRefusal) in
      var changed = state
      body(&changed)
      changed.peak = max(changed.peak, changed.memory)
      if changed.usage != state.usage {
        do throws(SchedulingError) { try desk.setUsage(owner, changed.usage) } catch {
          metrics.add(.refusedStorage)
          throw StorageRefusal(error.description.withoutFullStop)
        }
      }
      state = changed
    }
  }

  /// For what has happened whatever the desk says: a session that waits again still has its files.
  private func force(_ body: (inout State) -> Void) {
    state.withLock { state in
      let before = state.usage
      body(&state)
      if state.usage != before { try? desk.setUsage(owner, state.usage) }
    }
  }

  /// The owner was granted resources again: what it kept meanwhile counts.
  func chargeAgain() { state.withLock { try? desk.setUsage(owner, $0.usage) } }
}

extension SessionStorage.State {
  fileprivate mutating func add(_ bytes: Int64, _ kind: StorageKind) {
    memory += bytes
    if kind == .mappedFile { disk += bytes }
    peak = max(peak, memory)
  }
}
