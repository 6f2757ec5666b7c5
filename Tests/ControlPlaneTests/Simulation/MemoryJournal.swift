import StateStore

@testable import ControlPlane

/// A state store in memory, without delays: transactions in a single order, each applied once and atomically.
struct MemoryJournal {
  private(set) var values: [String: [UInt8]] = [:]
  private(set) var revision: Revision = 0
  private(set) var timeMilliseconds: Int64 = 0
  private var hasher = Hasher()
  private var ids: [String: Revision] = [:]
  /// Follows the wall clock, which may jump.
  var wallClockMilliseconds: Int64 = 1_800_000_000_000

  mutating func commit(_ transaction: StateTransaction) -> Revision {
    if let before = ids[transaction.id] { return before }
    revision += 1
    ids[transaction.id] = revision
    timeMilliseconds = wallClockMilliseconds
    for change in transaction.changes {
      hasher.combine(change.key)
      switch change {
      case .put(let key, let value, _):
        hasher.combine(value)
        values[key] = value
      case .delete(let key): values[key] = nil
      }
    }
    return revision
  }

  /// A digest of all changes in order, to be compared within a process.
  var digest: Int { hasher.finalize() }

  /// The keys that begin with `prefix` and their values as text, in order.
  func entries(_ prefix: String) -> [(name: String, value: String)] {
    values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map {
      (String($0.key.dropFirst(prefix.count)), String(decoding: $0.value, as: UTF8.self))
    }
  }
}
