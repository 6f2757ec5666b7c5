import Objects
import Scheduling
import StateStore
import Synchronization
import Workers

/// Accounts for the memory and disk space of a session's engines and data, charged to its tenant and its host. The expected usage
/// of a load is reserved before it begins; its actual usage counts against the reservation first.
final class SessionStorage: StorageAccount {
  fileprivate struct State {
    var memory: Int64 = 0
    var disk: Int64 = 0
    var graphs = 0
    /// The memory and disk space reserved for the current load, as a total to reach rather than an addition.
    var reserved = Usage()
    /// The peak of memory since the load began.
    var peak: Int64 = 0

    var usage: Usage {
      Usage(
        memoryBytes: max(memory, reserved.memoryBytes), diskBytes: max(disk, reserved.diskBytes),
        graphs: max(graphs, reserved.graphs))
    }
  }

  private let owner: ObjectReference
  let desk: ResourceDesk
  let metrics: Metrics
  private let state = Mutex(State())

  /// Creates the account of an owner of resources.
  init(owner: ObjectReference, desk: ResourceDesk, metrics: Metrics) {
    self.owner = owner
    self.desk = desk
    self.metrics = metrics
  }

  /// The current usage, without reservations.
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

  /// Charges bytes of a file that is not mapped.
  func takeDisk(_ bytes: Int) throws(StorageRefusal) { try change { $0.disk += Int64(bytes) } }

  /// Charges an existing file, whether or not there is room for it.
  func countDisk(_ bytes: Int) { force { $0.disk += Int64(bytes) } }

  /// Credits the bytes of such a file.
  func giveBackDisk(_ bytes: Int) { force { $0.disk -= Int64(bytes) } }

  /// Sets the number of graphs of the session.
  func setGraphs(_ count: Int) { force { $0.graphs = count } }

  // MARK: Loads

  /// Reserves what a load is expected to take beyond the current usage, and room for its graph.
  /// - Throws: `StorageRefusal` with the numbers.
  func beginLoad(memory: Int, disk: Int, graphs: Int) throws(StorageRefusal) {
    try change { state in
      state.reserved = Usage(
        memoryBytes: state.memory + Int64(memory), diskBytes: state.disk + Int64(disk), graphs: state.graphs + graphs)
      state.peak = state.memory
    }
  }

  /// Ends a load, successful or not.
  /// - Returns: The peak of its memory, and the part that remains in use.
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

  /// Charges usage that exists regardless of the desk: a session that waits again still has its files.
  private func force(_ body: (inout State) -> Void) {
    state.withLock { state in
      let before = state.usage
      body(&state)
      if state.usage != before { try? desk.setUsage(owner, state.usage) }
    }
  }

  /// Charges the usage again after the owner was granted resources anew.
  func chargeAgain() { state.withLock { try? desk.setUsage(owner, $0.usage) } }
}

extension SessionStorage.State {
  fileprivate mutating func add(_ bytes: Int64, _ kind: StorageKind) {
    memory += bytes
    if kind == .mappedFile { disk += bytes }
    peak = max(peak, memory)
  }
}
