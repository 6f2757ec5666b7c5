import Foundation
import TestSupport
import Testing
import Turns

@testable import StateStore

/// The disk contents when a process dies: copies of the files of a store that is not closed.
@Suite("What survives the death of the process", .takesTurns)
struct SQLiteCrashTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Copies the files in the state that a dead process would leave.
  private func copy(_ store: SQLiteStateStore, journalBytes: Int? = nil) throws -> String {
    let copy = directory.path + "/copy-" + randomStateID()
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for name in ["state.db", "state.db-wal", "state.seal"] {
      var data = try Data(contentsOf: URL(fileURLWithPath: store.directory + "/" + name))
      if name == "state.db-wal", let journalBytes { data = data.prefix(journalBytes) }
      try data.write(to: URL(fileURLWithPath: copy + "/" + name))
    }
    try Data("4711".utf8).write(to: URL(fileURLWithPath: copy + "/state.lock"))
    return copy
  }

  @Test("every acknowledged transaction is present")
  func answered() async throws {
    let store = try SQLiteStateStore(directory: directory.path + "/home")
    let lease = try await store.grantLease(timeToLive: .seconds(600))
    for round in 1...8 {
      for index in 0..<40 {
        try await store.put(
          .put("round", bytes("\(round)")), .put("k/\(index)", bytes("\(round)")),
          .put("l", bytes("\(round)"), lease: lease))
      }
      let copy = try SQLiteStateStore(directory: try copy(store))
      #expect(try await copy.entries(prefix: "") == (try await store.entries(prefix: "")))
      #expect(try await copy.history(after: 0, limit: .max) == (try await store.history(after: 0, limit: .max)))
      try await copy.renewLease(lease)
      await copy.close()
    }
    await store.close()
  }

  @Test(
    "wherever the journal is cut off, that is seen, and after a repair whole transactions up to some revision are there"
  )
  func cutJournal() async throws {
    let store = try SQLiteStateStore(directory: directory.path + "/home")
    for index in 1...60 {
      try await store.put(.put("a", bytes("\(index)")), .put("b", bytes("\(index)")), .put("k/\(index)", bytes("v")))
    }
    let size = try #require(fileSize(store.path + "-wal"))
    var seen = Set<Revision>()
    for _ in 0..<40 {
      let bytes = Int.random(in: 0...Int(size))
      let path = try copy(store, journalBytes: bytes)
      do { await (try SQLiteStateStore(directory: path)).close() } catch let error as StateStoreError {
        #expect(error.code == .damaged && error.message.contains("revision 60 had been committed"), "\(error)")
      }
      let report = try await SQLiteStateStore.repair(directory: path)
      let copy = try SQLiteStateStore(directory: path)
      let revision = report?.foundRevision ?? 60
      let state = try await copy.entries(prefix: "").entries
      #expect(
        state == (try await store.entries(prefix: "", at: revision).entries), "the journal was cut at byte \(bytes)")
      #expect(try await copy.put(.put("a", [])) == (report?.revision ?? 60) + 1)
      seen.insert(revision)
      await copy.close()
    }
    #expect(seen.count > 5)
    await store.close()
  }

  @Test("a full disk fails the transaction, loses nothing, and recovers when there is room")
  func sizeBound() async throws {
    var options = SQLiteStateStore.Options()
    options.maximumBytes = 400 * 4_096
    let store = try SQLiteStateStore(directory: directory.path + "/home", options: options)
    try await checkFull(store) { last in try await store.compact(before: last) }
    await store.close()
  }

  @Test("the same on a small disk", .enabled(if: SmallDisk.isPossible, "mounting a small disk needs root"))
  func smallDisk() async throws {
    let disk = try SmallDisk(directory.path + "/disk", kilobytes: 2_048)
    defer { disk.unmount() }
    let ballast = disk.path + "/ballast"
    try Data(repeating: 1, count: 400_000).write(to: URL(fileURLWithPath: ballast))
    let store = try SQLiteStateStore(directory: disk.path + "/home")
    try await checkFull(store) { _ in try FileManager.default.removeItem(atPath: ballast) }
    await store.close()
    // Opening on a full disk reports it, or the store can at least be read.
    let full = disk.path + "/full"
    try Data().write(to: URL(fileURLWithPath: full))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: full))
    while (try? file.write(contentsOf: Data(repeating: 1, count: 512))) != nil {}
    try file.close()
    do {
      let store = try SQLiteStateStore(directory: disk.path + "/home")
      #expect(try await store.text("after") == "1")
      await expect(.full) { try await store.put(.put("large", [UInt8](repeating: 0x61, count: 50_000))) }
      await store.close()
    } catch let error as StateStoreError {
      #expect(error.code == .full, "\(error)")
    }
    try FileManager.default.removeItem(atPath: full)
    let again = try SQLiteStateStore(directory: disk.path + "/home")
    #expect(try await again.text("after") == "1")
    await again.close()
  }

  private func checkFull(_ store: SQLiteStateStore, makeRoom: (Revision) async throws -> Void) async throws {
    let value = [UInt8](repeating: 0x61, count: 20_000)
    let lease = try await store.grantLease(timeToLive: .seconds(600))
    try await store.put(.put("leased", bytes("1"), lease: lease))
    var last: Revision = 0
    var failure: StateStoreError?
    for index in 0..<1_000 where failure == nil {
      do {
        last = try await store.put(.put("k", value), .put("count", bytes("\(index)")), id: "t\(index)")
      } catch let error as StateStoreError {
        failure = error
      }
    }
    #expect(failure?.code == .full)
    #expect(failure?.message.contains("Free space") == true)
    #expect(try await store.newest() == last)
    #expect(try await store.entry("k")?.value == value)
    await expect(.full) { try await store.put(.put("k", value + value + value + value)) }
    #expect(try await store.entry("k")?.modified == last)

    try await makeRoom(last)
    try await store.put(.put("after", bytes("1")))
    try await store.put(.put("k", value))
    try await store.revokeLease(lease)
    #expect(try await store.entry("leased") == nil)
  }
}

/// An in-memory file system for a test; only root may mount it.
private struct SmallDisk {
  let path: String

  static var isPossible: Bool {
    let path = NSTemporaryDirectory() + "disk-" + randomStateID()
    guard getuid() == 0, let disk = try? SmallDisk(path, kilobytes: 64) else { return false }
    disk.unmount()
    rmdir(path)
    return true
  }

  init(_ path: String, kilobytes: Int) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard runProgram("/bin/mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path]) else {
      rmdir(path)
      throw DidNotHappen(description: "cannot mount")
    }
  }

  func unmount() { _ = runProgram("/bin/umount", ["-l", path]) }
}
