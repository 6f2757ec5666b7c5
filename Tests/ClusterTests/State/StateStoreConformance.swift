import Cluster
import Testing

/// What every state store must do, as checks that take the store to try.
///
/// A store's tests name how to make one and run all checks:
/// ```swift
/// @Test("keeps what the protocol promises", arguments: StateStoreConformance.checks)
/// func conforms(_ check: StateStoreConformance.Check) async throws {
///   try await check.run(StateStoreConformance { try makeFreshStore() })
/// }
/// ```
struct StateStoreConformance: Sendable {
  /// One promise.
  struct Check: Sendable, CustomTestStringConvertible {
    var name: String
    var body: @Sendable (StateStoreConformance) async throws -> Void
    var testDescription: String { name }

    func run(_ conformance: StateStoreConformance) async throws { try await body(conformance) }
  }

  /// A store of its own for each check, empty.
  var make: @Sendable () async throws -> any StateStore
  /// What the store takes.
  var limits = StateLimits()
  /// A time to live that the store keeps to, as short as possible.
  var shortLease = Duration.milliseconds(200)
  /// How long to wait for what must happen before saying that it did not.
  var patience = Duration.seconds(60)

  init(make: @escaping @Sendable () async throws -> any StateStore) { self.make = make }

  /// All promises.
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

  /// The next `count` records of a watch.
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

/// What did not happen in time.
struct DidNotHappen: Error, CustomStringConvertible {
  var description: String
}

/// Runs a body that must end within a time; it is cancelled and an error thrown when it does not.
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

/// Expects an error of a store with a code and a message that says something.
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

/// Text as a value.
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

  /// A key's value now, as text.
  func text(_ key: String) async throws -> String? {
    try await entry(key).map { String(decoding: $0.value, as: UTF8.self) }
  }

  /// The newest revision.
  func newest() async throws -> Revision { try await entries(prefix: "", at: nil).revision }

  /// A key's value now.
  func entry(_ key: String) async throws -> StateEntry? { try await entry(key, at: nil) }

  /// All keys with a prefix now.
  func entries(prefix: String) async throws -> StateSnapshot { try await entries(prefix: prefix, at: nil) }
}
