import Foundation
import GRDB
import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("State store on SQLite", .takesTurns)
struct SQLiteStateStoreTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ options: SQLiteStateStore.Options = .init()) throws -> SQLiteStateStore {
    try SQLiteStateStore(directory: directory.path, options: options)
  }

  @Test("meets the requirements of the protocol", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    try await check.run(StateStoreConformance { try open() })
  }

  @Test("meets them, too, when every commit waits for the disk", arguments: StateStoreConformance.transactionChecks)
  func conformsDurably(_ check: StateStoreConformance.Check) async throws {
    var options = SQLiteStateStore.Options()
    options.synchronous = .full
    try await check.run(StateStoreConformance { [options] in try open(options) })
  }

  @Test("state, history and ids persist after closing and opening")
  func reopens() async throws {
    var store = try open()
    let first = try await store.put(.put("a", bytes("1")), .put("b", bytes("")), id: "first")
    let second = try await store.put(.delete("a"), .put("c", bytes("3")))
    let before = (
      try await store.entries(prefix: ""), try await store.entries(prefix: "", at: first),
      try await store.history(after: 0, limit: 10)
    )
    await store.close()

    store = try open()
    #expect(try await store.entries(prefix: "") == before.0)
    #expect(try await store.entries(prefix: "", at: first) == before.1)
    #expect(try await store.history(after: 0, limit: 10) == before.2)
    #expect(try await store.put(.put("a", bytes("9")), id: "first") == first)
    #expect(try await store.put(.put("a", bytes("9"))) == second + 1)
    await store.close()
  }

  @Test("only the owner may read the files, and an orderly end leaves one file, its seal and a note")
  func files() async throws {
    let store = try open()
    try await store.put(.put("secret", bytes("1")))
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
      let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/" + name)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
    }
    await store.close()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        == ["state.db", "state.lock", "state.seal"])
  }

  @Test("a lease from before a restart has its full time again, and then ends as usual")
  func leasesSurvive() async throws {
    var store = try open()
    let long = try await store.grantLease(timeToLive: .seconds(600))
    let short = try await store.grantLease(timeToLive: .seconds(600))
    let gone = try await store.grantLease(timeToLive: .seconds(600))
    try await store.put(
      .put("long", bytes("1"), lease: long), .put("short", bytes("2"), lease: short),
      .put("gone", bytes("3"), lease: gone))
    try await store.revokeLease(gone)
    await store.close()
    try shorten(short, in: directory.path + "/state.db")

    store = try open()
    try await StateStoreConformance { [store] in store }.waitUntilGone("short", in: store)
    #expect(try await store.history(after: try await store.newest() - 1, limit: 1).first?.author == "lease")
    try await store.renewLease(long)
    #expect(try await store.entries(prefix: "").entries.map(\.key) == ["long"])
    await expect(.leaseExpired) { try await store.renewLease(short) }
    await expect(.leaseExpired) { try await store.renewLease(gone) }
    await store.close()
  }

  @Test("the number of keys per lease, and of leases, is limited")
  func leaseBounds() async throws {
    var options = SQLiteStateStore.Options()
    options.leaseBound = 2
    options.leaseKeyBound = 3
    let store = try open(options)
    let lease = try await store.grantLease(timeToLive: .seconds(600))
    _ = try await store.grantLease(timeToLive: .seconds(600))
    await expect(.full) { _ = try await store.grantLease(timeToLive: .seconds(600)) }
    try await store.put(.put("a", [], lease: lease), .put("b", [], lease: lease))
    await expect(.full) { try await store.put(.put("c", [], lease: lease), .put("d", [], lease: lease)) }
    try await store.put(.put("c", [], lease: lease))
    try await store.revokeLease(lease)
    #expect(try await store.entries(prefix: "").entries.isEmpty)
    _ = try await store.grantLease(timeToLive: .seconds(600))
    await store.close()
  }

  @Test("transactions written together fail individually")
  func groups() async throws {
    let store = try open()
    try await store.put(.put("taken", bytes("1")))
    // The writer is blocked so that all of these arrive together.
    let gate = DispatchSemaphore(value: 0)
    store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
    let tasks = (0..<20).map { index in
      Task {
        try await store.put(.put("k/\(index)", bytes("v")), if: index % 2 == 0 ? [] : [.absent("taken")])
      }
    }
    gate.signal()
    var revisions = Set<Revision>()
    for (index, task) in tasks.enumerated() {
      if index % 2 == 0 {
        revisions.insert(try await task.value)
      } else {
        await expect(.conflict) { _ = try await task.value }
      }
    }
    #expect(revisions.count == 10)
    #expect(try await store.entries(prefix: "k/").entries.count == 10)
    #expect(try await store.newest() == 11)
    await store.close()
  }

  @Test("of transactions written together, only one that does not fit fails")
  func groupWithoutRoom() async throws {
    var options = SQLiteStateStore.Options()
    options.maximumBytes = 100 * 4_096
    let store = try open(options)
    let gate = DispatchSemaphore(value: 0)
    store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
    let early = Task { try await store.put(.put("early", [])) }
    let large = Task { try await store.put(.put("large", [UInt8](repeating: 0x61, count: 1 << 20))) }
    let late = Task { try await store.put(.put("late", [])) }
    while store.waitingCount < 3 { await Task.yield() }
    gate.signal()
    await expect(.full) { _ = try await large.value }
    #expect(try await Set([early.value, late.value]) == [1, 2])
    #expect(try await store.entries(prefix: "").entries.map(\.key) == ["early", "late"])
    await store.close()
  }

  @Test("waiting transactions beyond the limit are rejected")
  func waitingBound() async throws {
    var options = SQLiteStateStore.Options()
    options.waitingBound = 5
    let store = try open(options)
    let gate = DispatchSemaphore(value: 0)
    store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
    let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<8 {
        group.addTask {
          do {
            try await store.put(.put("k/\(index)", []))
            return true
          } catch let error as StateStoreError where error.code == .full {
            return false
          }
        }
      }
      var outcomes: [Bool] = []
      for try await outcome in group {
        outcomes.append(outcome)
        // Rejected ones complete first, since nothing is written yet.
        if outcomes.count == 3 { gate.signal() }
      }
      return outcomes
    }
    #expect(outcomes == [false, false, false, true, true, true, true, true])
    await store.close()
  }

  @Test("waiting bytes beyond the limit are rejected, and large groups are written in parts")
  func waitingBytes() async throws {
    var options = SQLiteStateStore.Options()
    options.waitingByteBound = 12 << 20
    let store = try open(options)
    let gate = DispatchSemaphore(value: 0)
    store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
    let value = [UInt8](repeating: 0x61, count: 1 << 20)
    var waiting: [Task<Revision, any Error>] = []
    while store.waitingCount < 12 {
      let count = store.waitingCount
      waiting.append(Task { try await store.put(.put("k/\(count)", value)) })
      while store.waitingCount == count { await Task.yield() }
    }
    await expect(.full) { try await store.put(.put("small", [])) }
    gate.signal()
    for task in waiting { _ = try await task.value }
    #expect(try await store.entries(prefix: "k/").entries.count == 12)
    await store.close()
  }

  @Test("a released store ends its streams")
  func givenUp() async throws {
    func stream() throws -> AsyncThrowingStream<StateRecord, any Error> { try open().changes(prefix: "", after: 0) }
    let changes = try stream()
    try await within(.seconds(60), "the end of the stream") { for try await _ in changes {} }
  }

  @Test("reads use the indexes")
  func plans() async throws {
    let store = try open()
    try await store.put(.put("a", []))
    let plans = try await store.read { reading in
      try [SQLiteReading.allRecords, SQLiteReading.matchingRecords].map { sql in
        try Row.fetchAll(
          reading.db, sql: "EXPLAIN QUERY PLAN " + sql,
          arguments: sql.contains("CAST") ? [0, Data(), true, Data()] : [0]
        )
        .map { $0[3] as String }.joined(separator: "; ")
      }
    }
    for plan in plans {
      #expect(plan.contains("SEARCH v USING INTEGER PRIMARY KEY"), "\(plan)")
      #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
    }
    await store.close()
  }

  @Test("commits before closing are written, later ones rejected")
  func closing() async throws {
    let store = try open()
    let gate = DispatchSemaphore(value: 0)
    store.pool.asyncWriteWithoutTransaction { _ in gate.wait() }
    let early = Task { try await store.put(.put("early", [])) }
    while store.waitingCount == 0 { await Task.yield() }
    let closed = Task { await store.close() }
    while !store.isClosed { await Task.yield() }
    await expect(.closed) { try await store.put(.put("late", [])) }
    gate.signal()
    _ = try await early.value
    await closed.value
    await expect(.closed) { try await store.write { _ in } }
    await expect(.closed) { _ = try await store.backup(to: directory.path + "/backup") }
    let again = try open()
    #expect(try await again.entries(prefix: "").entries.map(\.key) == ["early"])
    await again.close()
  }

  @Test("the history is compacted automatically to its limit")
  func historyBound() async throws {
    var options = SQLiteStateStore.Options()
    options.historyBound = 100
    let store = try open(options)
    for index in 0..<500 { try await store.put(.put("k\(index % 7)", bytes("\(index)")), .put("once/\(index)", [])) }
    try await store.put(.put("end", []))
    try await within(.seconds(60), "the compaction") {
      while try await store.versionCount() > 501 + 8 + 2 * 120 { try await store.put(.put("k0", [])) }
    }
    #expect(try await store.entries(prefix: "once/").entries.count == 500)
    await expect(.compacted) { _ = try await store.history(after: 10, limit: 1) }
    await store.close()
  }

  @Test("an interrupted compaction is finished by the next one")
  func interruptedCompaction() async throws {
    var store = try open()
    for index in 0..<600 { try await store.put(.put("k\(index % 3)", bytes("\(index)"))) }
    try await store.raiseFloor(to: 300)
    await store.close()
    store = try open()
    await expect(.compacted) { _ = try await store.entries(prefix: "", at: 299) }
    #expect(try await store.versionCount() == 600)
    try await store.compact(before: 600)
    #expect(try await store.versionCount() == 3)
    #expect(try await store.history(after: 599, limit: 9).count == 1)
    await store.close()
  }
}

/// Sets a lease's time to live to 300 ms while its store is closed, so that no test has to be quick before that.
func shorten(_ lease: StateLease, in path: String) throws {
  let queue = try DatabaseQueue(path: path)
  try queue.write { try $0.execute(sql: "UPDATE leases SET milliseconds = 300 WHERE id = ?", arguments: [lease.id]) }
  try queue.close()
}

extension SQLiteStateStore {
  /// The number of stored versions of keys.
  func versionCount() async throws -> Int {
    try await read { try Int.fetchOne($0.db, sql: "SELECT count(*) FROM versions") ?? 0 }
  }
}
