import Foundation
import GRDB
import TestSupport
import Testing
import Turns

@testable import StateStore

/// A store detects missing committed data when it is opened.
@Suite("Loss of committed data", .takesTurns)
struct SQLiteLossTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let files = ["state.db", "state.db-wal", "state.seal"]

  /// A new directory with the files of a store whose process died, with the last `revision` transactions in its journal.
  private func died(_ change: (inout [String: Data]) throws -> Void = { _ in }) async throws -> String {
    let store = try SQLiteStateStore(directory: directory.path + "/" + randomStateID())
    for index in 1...30 { try await store.put(.put("k/\(index % 7)", bytes("\"\(index)\""))) }
    let copy = try write(try files(store.directory), change)
    await store.close()
    return copy
  }

  /// The same after an orderly end.
  private func ended(_ change: (inout [String: Data]) throws -> Void = { _ in }) async throws -> String {
    let store = try SQLiteStateStore(directory: directory.path + "/" + randomStateID())
    for index in 1...30 { try await store.put(.put("k/\(index % 7)", bytes("\"\(index)\""))) }
    await store.close()
    return try write(try files(store.directory), change)
  }

  private func files(_ path: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in Self.files where fileSize(path + "/" + name) != nil {
      found[name] = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }
    return found
  }

  private func write(_ files: [String: Data], _ change: (inout [String: Data]) throws -> Void) throws -> String {
    var files = files
    try change(&files)
    let copy = directory.path + "/" + randomStateID()
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for (name, data) in files { try data.write(to: URL(fileURLWithPath: copy + "/" + name)) }
    return copy
  }

  /// Expects that opening fails without changes, and that a repair makes the store usable again.
  private func expectLoss(
    _ path: String, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let before = try files(path)
    do {
      await (try SQLiteStateStore(directory: path)).close()
      Issue.record("it was opened", sourceLocation: sourceLocation)
    } catch let error as StateStoreError {
      #expect(error.code == .damaged, sourceLocation: sourceLocation)
      for part in words + ["gscoordinator state repair --workspace \(path)", path + "/state.db"] {
        #expect(error.message.contains(part), "\(error)", sourceLocation: sourceLocation)
      }
    }
    for name in ["state.db", "state.seal"] {
      #expect(try files(path)[name] == before[name], "\(name) was changed", sourceLocation: sourceLocation)
    }
    if let journal = before["state.db-wal"], !journal.isEmpty {
      #expect(try files(path)["state.db-wal"] == journal, sourceLocation: sourceLocation)
    }
    #expect(try await SQLiteStateStore.repair(directory: path) != nil, sourceLocation: sourceLocation)
    #expect(try await SQLiteStateStore.repair(directory: path) == nil, sourceLocation: sourceLocation)
    let store = try SQLiteStateStore(directory: path)
    #expect(try await store.put(.put("after", [])) > 30, sourceLocation: sourceLocation)
    await store.close()
  }

  @Test("a store whose process died, or that was closed, opens with all its data")
  func whole() async throws {
    for path in [try await died(), try await ended()] {
      let store = try SQLiteStateStore(directory: path)
      #expect(try await store.newest() == 30 && store.openingRemark == nil)
      await store.close()
    }
  }

  @Test("removed, emptied and truncated files are detected")
  func missing() async throws {
    for name in ["state.db", "state.db-wal"] {
      try await expectLoss(try await died { $0[name] = nil }, "revision 30 had been committed")
      try await expectLoss(try await died { $0[name] = Data() })
      try await expectLoss(try await died { $0[name] = $0[name]?.prefix(6_000) })
    }
    try await expectLoss(try await ended { $0["state.db"] = nil }, "revision 30 had been committed", "is missing")
    try await expectLoss(try await ended { $0["state.db"] = Data() })
    try await expectLoss(
      try await died {
        $0["state.db"] = nil; $0["state.db-wal"] = nil
      }, "is missing")
  }

  @Test("a flipped bit anywhere in the journal is detected", arguments: 0..<12)
  func journalBit(_ number: Int) async throws {
    let path = try await died { files in
      let size = files["state.db-wal"]!.count
      files["state.db-wal"]![number == 0 ? 20 : Int.random(in: 32..<size)] ^= 1 << UInt8(number % 8)
    }
    try await expectLoss(path, "revision 30 had been committed")
  }

  @Test("a flipped bit in the database is detected, or does not affect what is read", arguments: 0..<40)
  func databaseBit(_ number: Int) async throws {
    let good = try SQLiteStateStore(directory: try await ended())
    let expected = try await good.entries(prefix: "").entries
    await good.close()
    let path = try await ended { files in
      let size = files["state.db"]!.count
      files["state.db"]![Int.random(in: 100..<size)] ^= 1 << UInt8(number % 8)
    }
    do {
      let store = try SQLiteStateStore(directory: path)
      #expect(try await store.entries(prefix: "").entries == expected)
      await store.close()
    } catch let error as StateStoreError {
      #expect(error.code == .damaged, "\(error)")
    }
  }

  @Test("an older copy, and another store, are detected")
  func replaced() async throws {
    let other = try files(try await ended())
    let store = try SQLiteStateStore(directory: directory.path + "/home")
    for index in 1...20 { try await store.put(.put("k", bytes("\(index)"))) }
    try await store.backup(to: directory.path + "/older.db")
    for index in 21...30 { try await store.put(.put("k", bytes("\(index)"))) }
    await store.close()
    let own = try files(store.directory)
    let older = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/older.db"))
    try await expectLoss(
      try write(own) { $0["state.db"] = older }, "revision 30 had been committed", "the last revision found is 20")
    try await expectLoss(try write(own) { $0["state.db"] = other["state.db"] }, "another store")
    // A regular restore is accepted.
    _ = try await SQLiteStateStore.restore(from: directory.path + "/older.db", to: store.directory)
    let restored = try SQLiteStateStore(directory: store.directory)
    #expect(try await restored.text("k") == "20")
    await restored.close()
  }

  @Test("a store without a seal, or with a damaged one, is not considered complete")
  func seal() async throws {
    try await expectLoss(try await ended { $0["state.seal"] = nil }, "state.seal' is missing")
    try await expectLoss(try await ended { $0["state.seal"] = Data(count: 1_024) }, "state.seal' is damaged")
  }

  /// Writes a seal as if before a reboot of the machine.
  private func crashed(durable: Revision, _ path: String) throws {
    guard case .seal(let last) = try StateSealFile.read(path + "/state.seal") else { return }
    _ = try StateSealFile(
      creating: path + "/state.seal",
      StateSeal(identity: last.identity, revision: last.revision + 5, durable: durable, boot: "another"))
  }

  @Test("a crash of the machine loses only what was not on disk, and that is reported")
  func machine() async throws {
    var path = try await ended()
    try crashed(durable: 30, path)
    let store = try SQLiteStateStore(directory: path)
    #expect(store.openingRemark?.contains("revision 35 had been committed, but 30") == true)
    #expect(store.seal.seal.durable == 30)
    try await store.put(.put("a", []))
    store.flush()
    #expect(store.seal.seal.durable == 31)
    await store.close()
    path = try await ended()
    try crashed(durable: 31, path)
    try await expectLoss(path, "revision 35 had been committed")
  }

  @Test("with every commit flushed to disk, none may be missing after a crash of the machine")
  func full() async throws {
    var options = SQLiteStateStore.Options()
    options.synchronous = .full
    let store = try SQLiteStateStore(directory: directory.path + "/full", options: options)
    try await store.put(.put("a", []))
    #expect(store.seal.seal.durable == 1 && store.seal.seal.revision == 1)
    await store.close()
  }

  @Test("a store of the format without checksums and seals is migrated")
  func firstFormat() async throws {
    let path = try await ended { $0["state.seal"] = nil }
    let queue = try DatabaseQueue(path: path + "/state.db")
    try await queue.write { db in
      try db.execute(sql: "ALTER TABLE versions DROP COLUMN checksum; DELETE FROM meta WHERE name = 'identity'")
      try Meta.set(.format, "1", db)
    }
    try queue.close()
    for _ in 0..<2 {
      let store = try SQLiteStateStore(directory: path)
      #expect(try await store.text("k/2") == "\"30\"")
      #expect(try await store.history(after: 0, limit: 100).count == 30)
      await store.close()
    }
    #expect(fileSize(path + "/state.db.before-v2") != nil)
  }
}
