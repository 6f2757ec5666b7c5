@testable import Cluster

/// A state store in memory, without waiting: transactions in one order, each applied once and whole.
struct MemoryJournal {
  private(set) var values: [String: [UInt8]] = [:]
  private(set) var revision: Revision = 0
  private(set) var timeMilliseconds: Int64 = 0
  private var hasher = Hasher()
  private var ids: [String: Revision] = [:]
  /// Grows and shrinks with the wall clock, which may jump.
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

  /// Of all changes in their order; to be compared within a process.
  var digest: Int { hasher.finalize() }

  /// Keys that begin with `prefix` and their values as text, in the order of keys.
  func entries(_ prefix: String) -> [(name: String, value: String)] {
    values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map {
      (String($0.key.dropFirst(prefix.count)), String(decoding: $0.value, as: UTF8.self))
    }
  }
}
