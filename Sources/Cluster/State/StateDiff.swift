import Wire

/// What is different between two revisions of a store, and who did it.
public struct StateDiff: Sendable, Equatable {
  /// How a key differs.
  public enum Change: Sendable, Equatable {
    /// The key was not there before.
    case added([UInt8])
    /// The key is not there any more.
    case removed([UInt8])
    /// The value is another one; where, as far as it is JSON.
    case changed([Difference], isCut: Bool)
  }

  /// A place in a JSON value that differs.
  public struct Difference: Sendable, Equatable, CustomStringConvertible {
    /// Where, for example `status.conditions[0].holds`; empty for the whole value.
    public var path: String
    /// The value before as JSON, cut to a readable length; nil when there was none.
    public var old: String?
    /// The value after as JSON, cut to a readable length; nil when there is none.
    public var new: String?

    /// For example `status.phase: "connected" → "detached"`.
    public var description: String { "\(path.isEmpty ? "value" : path): \(old ?? "–") → \(new ?? "–")" }
  }

  /// A key that differs.
  public struct Key: Sendable, Equatable {
    /// The key.
    public var key: String
    /// How it differs.
    public var change: Change
    /// The revision of its last change in between; nil when the record is not listed.
    public var revision: Revision?
  }

  /// How much is listed.
  public struct Bounds: Sendable {
    /// Keys.
    public var keys = 1_000
    /// Transactions.
    public var records = 1_000
    /// Differences within a value.
    public var differencesOfKey = 100
    /// Characters of a value.
    public var valueCharacters = 200

    /// The defaults.
    public init() {}
  }

  /// The earlier revision.
  public var from: Revision
  /// The later revision.
  public var to: Revision
  /// The keys that differ, in their order.
  public var keys: [Key]
  /// The transactions in between that touch the prefix, in order: who did what and when. Changes that cancel each other
  /// out are seen only here.
  public var records: [StateRecord]
  /// Whether a bound was reached, so that keys or records are missing.
  public var isCut: Bool

  /// Compares two revisions of a store.
  /// - Parameters:
  ///   - prefix: only keys that begin with it.
  ///   - from: the earlier revision.
  ///   - to: the later revision; the newest when nil.
  /// - Throws: `StateStoreError`; of code `compacted` when the history does not reach back, `invalidArgument` when the
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
    // One more than wanted tells that there are more.
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
