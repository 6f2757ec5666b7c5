import StateStore
import Testing

/// The requirements of every state store, as checks that take the store to test.
///
/// The tests of a store specify how to create one and run all checks:
/// ```swift
/// @Test("meets the requirements of the protocol", arguments: StateStoreConformance.checks)
/// func conforms(_ check: StateStoreConformance.Check) async throws {
///   try await check.run(StateStoreConformance { try makeFreshStore() })
/// }
/// ```
struct StateStoreConformance: Sendable {
  /// One requirement.
  struct Check: Sendable, CustomTestStringConvertible {
    var name: String
    var body: @Sendable (StateStoreConformance) async throws -> Void
    var testDescription: String { name }

    func run(_ conformance: StateStoreConformance) async throws { try await body(conformance) }
  }

  /// Creates an empty store for a check.
  var make: @Sendable () async throws -> any StateStore
  /// The limits of the store.
  var limits = StateLimits()
  /// The shortest time to live that the store observes exactly.
  var shortLease = Duration.milliseconds(200)
  /// How long to wait before an expected event counts as missing.
  var patience = Duration.seconds(300)

  init(make: @escaping @Sendable () async throws -> any StateStore) { self.make = make }

  /// All checks.
  static let checks: [Check] =
    transactionChecks + readingChecks + watchingChecks + leaseChecks + boundChecks + [
      Check(name: "behaves like a simple model, whatever happens to it (fixed seed)") {
        try await $0.checkModel(seed: 7)
      },
      Check(name: "behaves like a simple model, whatever happens to it (fresh seed)") {
        try await $0.checkModel(seed: .random(in: 0...UInt64.max))
      },
    ]

  /// Runs a body with a fresh store and closes it.
  func withStore(_ body: (any StateStore) async throws -> Void) async throws {
    let store = try await make()
    do {
      try await body(store)
    } catch {
      await store.close()
      throw error
    }
    await store.close()
  }

  /// Returns the next `count` records of a watch.
  func collect(
    _ store: any StateStore, prefix: String = "", after revision: Revision, count: Int
  ) async throws -> [StateRecord] {
    try await within(patience, "\(count) records of '\(prefix)' after \(revision)") {
      var records: [StateRecord] = []
      for try await record in store.changes(prefix: prefix, after: revision) {
        records.append(record)
        if records.count == count { break }
      }
      return records
    }
  }

  /// Waits until a key is gone.
  func waitUntilGone(_ key: String, in store: any StateStore) async throws {
    let snapshot = try await store.entries(prefix: key)
    guard snapshot.entries.contains(where: { $0.key == key }) else { return }
    try await within(patience, "the key '\(key)' to disappear") {
      for try await record in store.changes(prefix: key, after: snapshot.revision)
      where record.changes.contains(.delete(key)) { return }
    }
  }
}

/// The error of an event that did not happen in time.
struct DidNotHappen: Error, CustomStringConvertible {
  var description: String
}

/// Runs a closure with a time limit; cancels it and throws when the limit is exceeded.
func within<T: Sendable>(
  _ patience: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
  try await withThrowingTaskGroup(of: T?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: patience)
      return nil
    }
    defer { group.cancelAll() }
    guard let result = try await group.next()! else { throw DidNotHappen(description: "waited in vain for \(what)") }
    return result
  }
}

/// Expects an error of a store with a code and a non-trivial message.
func expect(
  _ code: StateStoreError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("expected an error of code \(code)", sourceLocation: sourceLocation)
  } catch let error as StateStoreError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    #expect(error.message.count > 10, sourceLocation: sourceLocation)
  } catch {
    Issue.record("expected a StateStoreError, not \(error)", sourceLocation: sourceLocation)
  }
}

/// Returns text as a value.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension StateStore {
  /// Commits changes as `tester`.
  @discardableResult
  func put(
    _ changes: StateChange..., if conditions: [StateCondition] = [], id: String = randomStateID(),
    summary: String = "test"
  ) async throws -> Revision {
    try await commit(
      StateTransaction(id: id, author: "tester", summary: summary, conditions: conditions, changes: changes))
  }

  /// Returns the current value of a key as text.
  func text(_ key: String) async throws -> String? {
    try await entry(key).map { String(decoding: $0.value, as: UTF8.self) }
  }

  /// Returns the newest revision.
  func newest() async throws -> Revision { try await entries(prefix: "", at: nil).revision }

  /// Returns the current entry of a key.
  func entry(_ key: String) async throws -> StateEntry? { try await entry(key, at: nil) }

  /// Returns the current entries with a prefix.
  func entries(prefix: String) async throws -> StateSnapshot { try await entries(prefix: prefix, at: nil) }
}
