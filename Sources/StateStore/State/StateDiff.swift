/// The differences between two revisions of a store, and the transactions that made them.
public struct StateDiff: Sendable, Equatable {
  /// How a key differs.
  public enum Change: Sendable, Equatable {
    /// The key was added, with this value.
    case added([UInt8])
    /// The key with this value was removed.
    case removed([UInt8])
    /// The value was changed, with the differences if it is JSON.
    case changed([Difference], isCut: Bool)
  }

  /// A difference at one place in a JSON value.
  public struct Difference: Sendable, Equatable, CustomStringConvertible {
    /// The path of the place, for example `status.conditions[0].holds`; empty for the whole value.
    public var path: String
    /// The value before as JSON, truncated to a readable length; nil if there was none.
    public var old: String?
    /// The value after as JSON, truncated to a readable length; nil if there is none.
    public var new: String?

    /// The difference as text, for example `status.phase: "connected" → "detached"`.
    public var description: String { "\(path.isEmpty ? "value" : path): \(old ?? "–") → \(new ?? "–")" }
  }

  /// A key that differs.
  public struct Key: Sendable, Equatable {
    /// The key.
    public var key: String
    /// How it differs.
    public var change: Change
    /// The revision of its last change in the range; nil if that record is not listed.
    public var revision: Revision?
  }

  /// Limits of the listing.
  public struct Bounds: Sendable {
    /// The maximum number of keys.
    public var keys = 1_000
    /// The maximum number of transactions.
    public var records = 1_000
    /// The maximum number of differences within a value.
    public var differencesOfKey = 100
    /// The maximum number of characters of a value.
    public var valueCharacters = 200

    /// Creates the default limits.
    public init() {}
  }

  /// The earlier revision.
  public var from: Revision
  /// The later revision.
  public var to: Revision
  /// The keys that differ, in order.
  public var keys: [Key]
  /// The transactions in the range that touch the prefix, in order, with their authors and times. Changes that cancel each other
  /// out appear only here.
  public var records: [StateRecord]
  /// Whether a limit was reached, so that keys or records are missing.
  public var isCut: Bool

  /// Compares two revisions of a store.
  /// - Parameters:
  ///   - prefix: Restricts the comparison to keys with this prefix.
  ///   - from: The earlier revision.
  ///   - to: The later revision; nil for the newest.
  /// - Throws: `StateStoreError`; of code `compacted` if the history does not reach back that far, `invalidArgument` if the
  ///   revisions are in the wrong order.
  public init(
    _ store: some StateStore, prefix: String = "", from: Revision, to: Revision? = nil, bounds: Bounds = Bounds()
  ) async throws {
    let new = try await store.entries(prefix: prefix, at: to)
    guard from <= new.revision else {
      throw StateStoreError(
        .invalidArgument, "cannot compare revision \(from) with the earlier revision \(new.revision): swap them")
    }
    let old = try await store.entries(prefix: prefix, at: from)
    let (records, recordsAreCut) = try await Self.records(
      store, prefix: prefix, from: from, to: new.revision, bound: bounds.records)
    var changes = Self.changes(old.entries, new.entries, bounds)
    let keysAreCut = changes.count > bounds.keys
    changes.removeLast(max(0, changes.count - bounds.keys))
    self.from = from
    self.to = new.revision
    self.records = records
    keys = changes.map { key, change in
      Key(
        key: key, change: change,
        revision: records.last { $0.changes.contains { $0.key.utf8.elementsEqual(key.utf8) } }?.revision)
    }
    isCut = recordsAreCut || keysAreCut
  }

  private static func records(
    _ store: some StateStore, prefix: String, from: Revision, to: Revision, bound: Int
  ) async throws -> ([StateRecord], isCut: Bool) {
    let prefix = Array(prefix.utf8)
    var records: [StateRecord] = []
    var position = from
    while position < to {
      let page = try await store.history(after: position, limit: 256)
      guard let last = page.last else { break }
      for record in page where record.revision <= to {
        let record = record.restricted(to: prefix)
        if record.changes.isEmpty { continue }
        if records.count == bound { return (records, true) }
        records.append(record)
      }
      position = last.revision
    }
    return (records, false)
  }

  /// Merges two lists in the order of their keys.
  private static func changes(
    _ old: [StateEntry], _ new: [StateEntry], _ bounds: Bounds
  ) -> [(key: String, change: Change)] {
    var changes: [(String, Change)] = []
    var (i, j) = (0, 0)
    // One more than the limit shows that there are more.
    while i < old.count || j < new.count, changes.count <= bounds.keys {
      let isOld = j == new.count || (i < old.count && old[i].key.utf8.lexicographicallyPrecedes(new[j].key.utf8))
      let isNew = i == old.count || (j < new.count && new[j].key.utf8.lexicographicallyPrecedes(old[i].key.utf8))
      if isOld {
        changes.append((old[i].key, .removed(old[i].value)))
      } else if isNew {
        changes.append((new[j].key, .added(new[j].value)))
      } else if old[i].value != new[j].value {
        let (differences, isCut) = JSONDifference.between(
          old[i].value, new[j].value, bound: bounds.differencesOfKey, characters: bounds.valueCharacters)
        changes.append((new[j].key, .changed(differences, isCut: isCut)))
      }
      if !isNew { i += 1 }
      if !isOld { j += 1 }
    }
    return changes
  }
}
