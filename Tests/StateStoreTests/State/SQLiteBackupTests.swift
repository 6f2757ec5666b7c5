import Foundation
import GRDB
import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("Backup, restore and formats of a store on SQLite", .takesTurns)
struct SQLiteBackupTests {
  private let directory: TemporaryDirectory
  private var home: String { directory.path + "/home" }
  private var backup: String { directory.path + "/backup.db" }

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ schema: SQLiteSchema = .current) throws -> SQLiteStateStore {
    try SQLiteStateStore(directory: home, options: .init(), schema: schema)
  }

  @Test("a backup is a snapshot of the store while commits continue")
  func backup() async throws {
    let store = try open()
    for index in 0..<200 { try await store.put(.put("k/\(index)", bytes("old"))) }
    let writer = Task {
      var index = 0
      while !Task.isCancelled {
        try await store.put(.put("x", bytes("\(index)")), .put("y", bytes("\(index)")))
        index += 1
      }
    }
    try await store.backup(to: backup)
    writer.cancel()
    try await writer.value
    await expect(.invalidArgument) { try await store.backup(to: backup) }
    await expect(.invalidArgument) { try await store.backup(to: directory.path + "/nowhere/backup.db") }
    let newest = try await store.newest()
    await store.close()

    let elsewhere = directory.path + "/elsewhere"
    #expect(try await SQLiteStateStore.restore(from: backup, to: elsewhere) == nil)
    let copy = try SQLiteStateStore(directory: elsewhere)
    let revision = try await copy.newest()
    #expect(revision >= 200 && revision <= newest)
    #expect(try await copy.entries(prefix: "k/").entries.count == 200)
    #expect(try await copy.entry("x")?.value == (try await copy.entry("y")?.value))
    #expect(try await copy.history(after: 0, limit: 100_000).count == Int(revision))
    await copy.close()
  }

  @Test("a store can be copied whether or not another process holds it")
  func backupFromOutside() async throws {
    await expect(.invalidArgument) { try await SQLiteStateStore.backup(of: home, to: backup) }
    let store = try open()
    try await store.put(.put("a", bytes("1")))
    try await SQLiteStateStore.backup(of: home, to: backup)
    try await store.put(.put("a", bytes("2")))
    await expect(.invalidArgument) { try await SQLiteStateStore.backup(of: home, to: backup) }
    await store.close()
    try await SQLiteStateStore.backup(of: home, to: backup + "2")
    for (file, value) in [(backup, "1"), (backup + "2", "2")] {
      let elsewhere = directory.path + "/" + randomStateID()
      _ = try await SQLiteStateStore.restore(from: file, to: elsewhere)
      let copy = try SQLiteStateStore(directory: elsewhere)
      #expect(try await copy.text("a") == value)
      await copy.close()
    }
    try Data().write(to: URL(fileURLWithPath: home + "/state.db"))
    await expect(.damaged) { try await SQLiteStateStore.backup(of: home, to: backup + "3") }
    #expect(fileSize(backup + "3") == nil)
  }

  @Test("a restored store equals the backup, and the replaced one is kept")
  func restore() async throws {
    var store = try open()
    try await store.put(.put("a", bytes("1")))
    try await store.backup(to: backup)
    try await store.put(.put("a", bytes("2")))
    await expect(.inUse) { _ = try await SQLiteStateStore.restore(from: backup, to: home) }
    #expect(try await store.text("a") == "2")
    await store.close()

    let replaced = try #require(try await SQLiteStateStore.restore(from: backup, to: home))
    store = try open()
    #expect(try await store.text("a") == "1")
    await store.close()
    #expect(try await SQLiteStateStore.restore(from: replaced, to: home) != nil)
    store = try open()
    #expect(try await store.text("a") == "2")
    await store.close()
  }

  @Test("a backup that is damaged, foreign, missing or newer changes nothing")
  func badBackups() async throws {
    let store = try open()
    for index in 0..<300 { try await store.put(.put("k/\(index)", [UInt8](repeating: 0x61, count: 2_000))) }
    try await store.backup(to: backup)
    await store.close()
    let good = try Data(contentsOf: URL(fileURLWithPath: backup))
    var garbled = good
    for index in good.count / 2..<good.count / 2 + 5_000 { garbled[index] ^= 0x33 }
    for bad in [garbled, good.prefix(10_000), Data(), Data("text".utf8)] {
      try bad.write(to: URL(fileURLWithPath: backup))
      await expect(.damaged) { _ = try await SQLiteStateStore.restore(from: backup, to: home) }
    }
    await expect(.invalidArgument) {
      _ = try await SQLiteStateStore.restore(from: directory.path + "/missing.db", to: home)
    }
    try good.write(to: URL(fileURLWithPath: backup))
    let queue = try DatabaseQueue(path: backup)
    try await queue.write { try Meta.set(.format, "99", $0) }
    try queue.close()
    await expect(.tooNew) { _ = try await SQLiteStateStore.restore(from: backup, to: home) }

    #expect(
      try FileManager.default.contentsOfDirectory(atPath: home).sorted() == ["state.db", "state.lock", "state.seal"])
    let same = try open()
    #expect(try await same.entries(prefix: "k/").entries.count == 300)
    await same.close()
  }

  /// A future format that keeps the number of changes of each transaction.
  private static let next = SQLiteSchema(
    format: 3,
    migrations: [
      1: SQLiteVersion.addChecksums,
      2: { db in
        try db.execute(
          sql: """
            ALTER TABLE transactions ADD COLUMN changes INTEGER;
            UPDATE transactions SET changes = (SELECT count(*) FROM versions WHERE place >> 16 = revision);
            """)
      },
    ])

  @Test("an older format is migrated after a backup; a newer one is rejected with a way back")
  func migration() async throws {
    var options = SQLiteStateStore.Options()
    options.writer = "gscoordinator 1.0"
    let old = try SQLiteStateStore(directory: home, options: options)
    try await old.put(.put("a", bytes("1")), .put("b", bytes("2")), id: "old")
    await old.close()

    options.writer = "gscoordinator 2.0"
    let new = try SQLiteStateStore(directory: home, options: options, schema: Self.next)
    #expect(try await new.entries(prefix: "").entries.count == 2)
    #expect(try await new.read { try Int.fetchOne($0.db, sql: "SELECT changes FROM transactions") } == 2)
    try await new.put(.put("c", bytes("3")))
    await new.close()

    do {
      _ = try open()
      Issue.record("a newer store was opened")
    } catch let error as StateStoreError {
      #expect(error.code == .tooNew)
      for part in [
        home + "/state.db", "format 3", "gscoordinator 2.0", "state restore --from \(home)/state.db.before-v3",
      ] {
        #expect(error.message.contains(part), "\(error)")
      }
    }
    _ = try await SQLiteStateStore.restore(from: home + "/state.db.before-v3", to: home)
    let back = try open()
    #expect(try await back.entries(prefix: "").entries.map(\.key) == ["a", "b"])
    await back.close()
  }

  @Test("a migration that fails leaves the old store")
  func failedMigration() async throws {
    let old = try open()
    try await old.put(.put("a", bytes("1")))
    await old.close()
    let broken = SQLiteSchema(
      format: 4,
      migrations: [2: { try $0.execute(sql: "DROP TABLE versions") }, 3: { try $0.execute(sql: "nonsense") }])
    #expect(throws: StateStoreError.self) { _ = try open(broken) }
    let again = try open()
    #expect(try await again.text("a") == "1")
    await again.close()
  }
}
