import StateStore
import Synchronization
import TestSupport
import Testing

/// A simple model of a store that keeps every state.
private struct Model {
  var states: [(revision: Revision, entries: [String: StateEntry])]
  var records: [(revision: Revision, id: String, changes: [StateChange])] = []
  var floor: Revision

  var now: [String: StateEntry] { states.last!.entries }

  func holds(_ condition: StateCondition) -> Bool {
    switch condition {
    case .absent(let key): now[key] == nil
    case .present(let key): now[key] != nil
    case .unchanged(let key, let since): now[key]?.modified == since
    }
  }

  mutating func apply(_ transaction: StateTransaction, revision: Revision) {
    var entries = now
    for change in transaction.changes {
      switch change {
      case .put(let key, let value, _):
        entries[key] = StateEntry(
          key: key, value: value, created: entries[key]?.created ?? revision, modified: revision)
      case .delete(let key): entries[key] = nil
      }
    }
    states.append((revision, entries))
    records.append((revision, transaction.id, transaction.changes))
  }

  func snapshot(_ prefix: String, at index: Int) -> StateSnapshot {
    let (revision, entries) = states[index]
    return StateSnapshot(
      revision: revision,
      entries: entries.values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key })
  }
}

/// The progress of each watch of a check, so that nothing is compacted that one of them still has to read.
private final class WatchProgress: Sendable {
  private let reached: Mutex<[String: Revision]>

  init(prefixes: [String], start: Revision) {
    reached = Mutex(Dictionary(uniqueKeysWithValues: prefixes.map { ($0, start) }))
  }

  var least: Revision { reached.withLock { $0.values.min()! } }

  func note(_ prefix: String, _ revision: Revision) { reached.withLock { $0[prefix] = revision } }
}

extension StateStoreConformance {
  /// Compares random transactions, reads, repetitions and compactions with the model after each step.
  func checkModel(seed: UInt64, steps: Int = 300) async throws {
    try await withStore { store in
      var random = SplitMix(seed: seed)
      let start = try await store.newest()
      var model = Model(states: [(start, [:])], floor: start)
      let prefixes = ["", "a/", "b"]
      let progress = WatchProgress(prefixes: prefixes, start: start)
      let watches = prefixes.map { prefix in
        (prefix, Task { try await watch(store, prefix, after: start, progress) })
      }
      for step in 0..<steps {
        do {
          try await self.step(store, &model, &random, progress)
        } catch {
          throw DidNotHappen(description: "seed \(seed), step \(step): \(error)")
        }
      }
      try await store.put(.put("a/end", []), .put("b-end", []), id: "end")
      for (prefix, task) in watches {
        let seen = try await task.value
        let expected = model.records.compactMap { record -> [StateChange]? in
          let changes = record.changes.filter { $0.key.hasPrefix(prefix) }
          return changes.isEmpty ? nil : changes
        }
        #expect(seen == expected, "seed \(seed), watch '\(prefix)'")
      }
    }
  }

  /// Returns what a watch delivers until the end marker.
  private func watch(
    _ store: any StateStore, _ prefix: String, after start: Revision, _ progress: WatchProgress
  ) async throws -> [[StateChange]] {
    try await within(patience, "the end of the watch '\(prefix)'") {
      var seen: [[StateChange]] = []
      for try await record in store.changes(prefix: prefix, after: start) {
        if record.id == "end" { break }
        seen.append(record.changes)
        progress.note(prefix, record.revision)
      }
      return seen
    }
  }

  private func step(
    _ store: any StateStore, _ model: inout Model, _ random: inout SplitMix, _ progress: WatchProgress
  ) async throws {
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<13: try await commit(store, &model, &random)
    case 13:
      guard let old = model.records.randomElement(using: &random), old.revision >= model.floor else { return }
      let again = StateTransaction(id: old.id, author: "tester", summary: "again", changes: [.put("a/x", [1])])
      try check(try await store.commit(again) == old.revision, "repeating \(old.id)")
    case 14..<18: try await compareThen(store, model, &random)
    case 18:
      let after = max(model.floor, model.states.randomElement(using: &random)!.revision)
      let history = try await store.history(after: after, limit: 20)
      let expected = model.records.filter { $0.revision > after }.prefix(20)
      try check(
        history.map(\.changes) == expected.map(\.changes) && history.map(\.id) == expected.map(\.id),
        "history after \(after)")
    default:
      let reached = model.states.map(\.revision).filter { $0 <= progress.least }
      guard let revision = reached.randomElement(using: &random) else { return }
      try await store.compact(before: revision)
      model.floor = max(model.floor, revision)
    }
    try check(
      try await store.entries(prefix: "") == model.snapshot("", at: model.states.count - 1), "the state as it is now")
  }

  private func commit(_ store: any StateStore, _ model: inout Model, _ random: inout SplitMix) async throws {
    let names = (0..<6).flatMap { ["a/\($0)", "b\($0)"] } + ["c"]
    var changes: [StateChange] = []
    for key in names.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random)) {
      if model.now[key] != nil, Bool.random(using: &random) {
        changes.append(.delete(key))
      } else {
        changes.append(
          .put(key, (0..<Int.random(in: 0...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }))
      }
    }
    var conditions: [StateCondition] = []
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let key = names.randomElement(using: &random)!
      switch Int.random(in: 0..<4, using: &random) {
      case 0: conditions.append(.absent(key))
      case 1: conditions.append(.present(key))
      case 2: conditions.append(.unchanged(key, since: model.now[key]?.modified ?? 1))
      default: conditions.append(.unchanged(key, since: model.states.randomElement(using: &random)!.revision))
      }
    }
    let transaction = StateTransaction(
      id: "t\(random.next())", author: "tester", summary: "random", conditions: conditions, changes: changes)
    do {
      let revision = try await store.commit(transaction)
      try check(conditions.allSatisfy(model.holds), "applied although a condition fails: \(conditions)")
      try check(revision > model.states.last!.revision, "revision \(revision) is not later")
      model.apply(transaction, revision: revision)
    } catch let error as StateStoreError where error.code == .conflict {
      try check(!conditions.allSatisfy(model.holds), "refused although all conditions hold: \(conditions)")
    }
  }

  private func compareThen(_ store: any StateStore, _ model: Model, _ random: inout SplitMix) async throws {
    let index = Int.random(in: 0..<model.states.count, using: &random)
    let revision = model.states[index].revision
    let prefix = ["", "a", "a/", "a/3", "b", "b1", "x"].randomElement(using: &random)!
    guard revision >= model.floor else {
      await expect(.compacted) { _ = try await store.entries(prefix: prefix, at: revision) }
      return
    }
    try check(
      try await store.entries(prefix: prefix, at: revision) == model.snapshot(prefix, at: index),
      "the entries of '\(prefix)' at \(revision)")
    let key = ["a/0", "a/1", "b0", "c"].randomElement(using: &random)!
    try check(try await store.entry(key, at: revision) == model.states[index].entries[key], "'\(key)' at \(revision)")
  }

  private func check(_ holds: Bool, _ what: String) throws {
    if !holds { throw DidNotHappen(description: "differs from the model: \(what)") }
  }
}
