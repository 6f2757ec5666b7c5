import Foundation
import GRDB
import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("Repairing a damaged store on SQLite", .takesTurns)
struct SQLiteRepairTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/state.db" }

  init() throws { directory = try TemporaryDirectory() }

  private func open() throws -> SQLiteStateStore { try SQLiteStateStore(directory: directory.path) }

  /// Creates a store with small, large, overwritten and deleted values; returns its last state.
  private func fill(seed: UInt64 = 1) async throws -> [StateEntry] {
    let store = try open()
    try await fill(store, seed: seed)
    let entries = try await store.entries(prefix: "").entries
    await store.close()
    return entries
  }

  private func fill(_ store: SQLiteStateStore, seed: UInt64) async throws {
    var random = SplitMix(seed: seed)
    for index in 0..<400 {
      let size = [10, 300, 3_000, 12_000].randomElement(using: &random)!
      let value = bytes("\"" + String(repeating: Character(UnicodeScalar(UInt8(97 + index % 26))), count: size) + "\"")
      var changes: [StateChange] = [.put("k/\(index % 150)", value)]
      if index % 3 == 0 { changes.append(.delete("k/\((index + 75) % 150)")) }
      _ = try await store.commit(StateTransaction(author: "tester", summary: "fill", changes: changes))
    }
    try await store.compact(before: 100)
  }

  private func change(_ body: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    body(&data)
    try data.write(to: URL(fileURLWithPath: path))
  }

  /// Repairs and opens the store; returns the keys with correct values.
  private func repaired(_ expected: [StateEntry], mayForget: Bool, _ what: Comment) async throws -> Set<String>? {
    guard let report = try await SQLiteStateStore.repair(directory: directory.path) else { return nil }
    let store = try open()
    let found = Dictionary(uniqueKeysWithValues: try await store.entries(prefix: "").entries.map { ($0.key, $0) })
    #expect(report.savedKeys == found.count, what)
    var right = Set<String>()
    for entry in expected {
      if let saved = found[entry.key] {
        if saved == entry {
          right.insert(entry.key)
        } else {
          #expect(report.outdatedKeys.contains(entry.key) || report.suspectKeys.contains(entry.key) || mayForget, what)
        }
      } else {
        #expect(report.lostKeys.contains(entry.key) || mayForget, "\(entry.key): \(what)")
      }
    }
    for key in Set(found.keys).subtracting(expected.map(\.key)) { #expect(report.unconfirmedKeys.contains(key), what) }
    let revision = try await store.put(.put("after", bytes("1")))
    #expect(revision > report.revision && expected.allSatisfy { $0.modified < report.revision || mayForget }, what)
    #expect(try await store.history(after: report.revision - 1, limit: 1).first?.author == "repair", what)
    #expect(report.damagedPath.flatMap(fileSize) != nil, what)
    await store.close()
    return right
  }

  @Test("a garbled header costs nothing")
  func header() async throws {
    let expected = try await fill()
    try change { for index in 0..<100 { $0[index] = 0xaa } }
    #expect(try await repaired(expected, mayForget: false, "header")?.count == expected.count)
  }

  @Test(
    "one bad page costs what was on it, and the report names it", arguments: [1, 2, UInt64.random(in: 0...UInt64.max)])
  func pages(seed: UInt64) async throws {
    let expected = try await fill(seed: seed)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    var random = SplitMix(seed: seed)
    for _ in 0..<12 {
      let page = Int.random(in: 0..<whole.count / 4_096, using: &random)
      let isZero = Bool.random(using: &random)
      var data = whole
      for index in page * 4_096..<(page + 1) * 4_096 { data[index] = isZero ? 0 : .random(in: 0...255, using: &random) }
      try data.write(to: URL(fileURLWithPath: path))
      let what: Comment = "seed \(seed), page \(page + 1), \(isZero ? "zeros" : "garbage")"
      // Nil: the page was free, or inside a value without a checksum.
      guard let right = try await repaired(expected, mayForget: false, what) else { continue }
      #expect(right.count > expected.count * 3 / 4, what)
    }
  }

  @Test("the remaining part of a truncated file is saved")
  func truncated() async throws {
    let expected = try await fill()
    try change { $0 = $0.prefix($0.count * 9 / 10 + 77) }
    let right = try #require(try await repaired(expected, mayForget: true, "nine tenths of a file"))
    #expect(right.count > expected.count / 5)
  }

  @Test("the contents of the journal are saved, too")
  func journal() async throws {
    let alive = try open()
    try await fill(alive, seed: 1)
    let expected = try await alive.entries(prefix: "").entries
    // The files of a dead process: a copy of those of the open store.
    let copy = directory.path + "/copy"
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for suffix in ["", "-wal"] {
      var data = try Data(contentsOf: URL(fileURLWithPath: path + suffix))
      if suffix.isEmpty { for index in 0..<min(data.count, 4_096) { data[index] = 0x55 } }
      try data.write(to: URL(fileURLWithPath: copy + "/state.db" + suffix))
    }
    #expect(try #require(fileSize(copy + "/state.db-wal")) > 100_000)
    let report = try #require(try await SQLiteStateStore.repair(directory: copy))
    await alive.close()
    #expect(report.lostKeys.isEmpty)
    let store = try SQLiteStateStore(directory: copy)
    #expect(try await store.entries(prefix: "").entries == expected)
    await store.close()
  }

  @Test("a repair reads as much of a torn journal as SQLite does")
  func tornJournal() async throws {
    let alive = try open()
    for index in 0..<100 {
      try await alive.put(.put("k/\(index % 30)", bytes("\(index)")), .put("all", bytes("\(index)")))
    }
    let database = try Data(contentsOf: URL(fileURLWithPath: path))
    let journal = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
    for _ in 0..<10 {
      var torn = journal
      torn[Int.random(in: 32..<journal.count)] ^= 0x10
      let (whole, bad) = (directory.path + "/" + randomStateID(), directory.path + "/" + randomStateID())
      for copy in [whole, bad] {
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        try torn.write(to: URL(fileURLWithPath: copy + "/state.db-wal"))
        try database.write(to: URL(fileURLWithPath: copy + "/state.db"))
      }
      var garbled = database
      for index in 0..<100 { garbled[index] = 0x55 }
      try garbled.write(to: URL(fileURLWithPath: bad + "/state.db"))

      // Without a seal, a store does not open: compare with SQLite itself.
      let reference = try DatabaseQueue(path: whole + "/state.db")
      let expected = try await reference.read { db in
        StateSnapshot(
          revision: try SQLiteReading(db: db).head(), entries: try SQLiteReading(db: db).currentEntries(prefix: ""))
      }
      try reference.close()
      do {
        let report = try #require(try await SQLiteStateStore.repair(directory: bad))
        #expect(report.revision == expected.revision + 1)
        let store = try SQLiteStateStore(directory: bad)
        #expect(try await store.entries(prefix: "").entries == expected.entries)
        await store.close()
      } catch let error as StateStoreError {
        Issue.record("\(error), at revision \(expected.revision)")
      }
    }
    await alive.close()
  }

  @Test("leases are kept, so that their keys do not stay for ever")
  func leases() async throws {
    let store = try open()
    let lease = try await store.grantLease(timeToLive: .seconds(600))
    let long = try await store.grantLease(timeToLive: .seconds(600))
    try await store.put(.put("short", bytes("1"), lease: lease), .put("long", bytes("1"), lease: long))
    await store.close()
    try shorten(lease, in: path)
    try change { for index in 0..<16 { $0[index] = 0 } }
    #expect(try await SQLiteStateStore.repair(directory: directory.path) != nil)
    let again = try open()
    try await again.renewLease(long)
    try await StateStoreConformance { again }.waitUntilGone("short", in: again)
    #expect(try await again.entries(prefix: "").entries.map(\.key) == ["long"])
    await again.close()
  }

  @Test("an intact store is left alone, one in use rejected, and none is created from nothing")
  func refusals() async throws {
    await expect(.invalidArgument) { _ = try await SQLiteStateStore.repair(directory: directory.path) }
    let store = try open()
    try await store.put(.put("a", bytes("1")))
    await expect(.inUse) { _ = try await SQLiteStateStore.repair(directory: directory.path) }
    await store.close()
    #expect(try await SQLiteStateStore.repair(directory: directory.path) == nil)
    try Data("no store".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.removeItem(atPath: directory.path + "/state.seal")
    await expect(.damaged) { _ = try await SQLiteStateStore.repair(directory: directory.path) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("no store".utf8))
  }

  @Test("garbage in every form is read without a crash", arguments: [3, UInt64.random(in: 0...UInt64.max)])
  func fuzz(seed: UInt64) async throws {
    _ = try await fill(seed: 3)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path)).prefix(60 * 4_096)
    var random = SplitMix(seed: seed)
    for round in 0..<60 {
      var data = Data(whole)
      for _ in 0..<Int.random(in: 1...400, using: &random) {
        data[Int.random(in: 0..<data.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      try data.write(to: URL(fileURLWithPath: path))
      let salvage = SQLiteSalvage(try SQLitePages(path: path))
      #expect(!salvage.isEmpty, "seed \(seed), round \(round)")
      for version in salvage.newest.values { _ = salvage.content(of: version) }
    }
  }
}
