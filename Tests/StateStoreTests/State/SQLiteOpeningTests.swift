import Foundation
import GRDB
import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("Opening a store on SQLite", .takesTurns)
struct SQLiteOpeningTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/state.db" }

  init() throws { directory = try TemporaryDirectory() }

  private func open() throws -> SQLiteStateStore { try SQLiteStateStore(directory: directory.path) }

  /// Creates a store of several hundred pages that was closed in an orderly way.
  private func fill() async throws {
    let store = try open()
    for index in 0..<300 { try await store.put(.put("k/\(index)", [UInt8](repeating: 0x61, count: 2_000))) }
    await store.close()
  }

  private func change(_ body: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    body(&data)
    try data.write(to: URL(fileURLWithPath: path))
  }

  private func expectDamaged(sourceLocation: SourceLocation = #_sourceLocation) async {
    do {
      await (try open()).close()
      Issue.record("a damaged store was opened", sourceLocation: sourceLocation)
    } catch let error as StateStoreError {
      #expect(error.code == .damaged, "\(error)", sourceLocation: sourceLocation)
      #expect(error.message.contains(path), sourceLocation: sourceLocation)
      #expect(error.message.contains("gscoordinator state restore --from"), sourceLocation: sourceLocation)
      #expect(error.message.contains("gscoordinator state repair"), sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(error)", sourceLocation: sourceLocation)
    }
  }

  @Test("a garbled header is detected", arguments: [0, 20, 68])
  func header(offset: Int) async throws {
    try await fill()
    try change { for index in offset..<offset + 16 { $0[index] ^= 0x5a } }
    await expectDamaged()
  }

  @Test("a garbled page in the middle is detected")
  func middlePage() async throws {
    try await fill()
    try change { data in
      let middle = data.count / 4_096 / 2 * 4_096
      for index in middle..<middle + 4_096 { data[index] = UInt8.random(in: 0...255) }
    }
    await expectDamaged()
  }

  @Test("a page damaged after an orderly end is reported when it is read")
  func lateDamage() async throws {
    try await fill()
    try change { data in
      for index in 8 * 4_096..<data.count - 2 * 4_096 { data[index] = UInt8.random(in: 0...255) }
    }
    try Data(#require(fileFingerprint(path)).utf8).write(to: URL(fileURLWithPath: directory.path + "/state.lock"))
    do {
      let store = try open()
      await expect(.damaged) {
        _ = try await store.entries(prefix: "")
        for index in 0..<300 { try await store.put(.put("k/\(index)", [])) }
      }
      await store.close()
    } catch let error as StateStoreError {
      #expect(error.code == .damaged, "\(error)")
    }
  }

  @Test("a page of zeros is detected")
  func zeroPage() async throws {
    try await fill()
    try change { data in
      let middle = data.count / 4_096 / 3 * 4_096
      for index in middle..<middle + 4_096 { data[index] = 0 }
    }
    await expectDamaged()
  }

  @Test("a truncated file is detected", arguments: [1, 99, 4_096, 8_192, 100_000])
  func truncated(size: Int) async throws {
    try await fill()
    try change { $0 = $0.prefix(size) }
    await expectDamaged()
  }

  @Test("an empty file is not a new store")
  func empty() async throws {
    try Data().write(to: URL(fileURLWithPath: path))
    await expectDamaged()
  }

  @Test("text is not a store, and neither is another program's database")
  func foreign() async throws {
    try Data("{\"not\": \"a database\"}\n".utf8).write(to: URL(fileURLWithPath: path))
    await expectDamaged()
    try FileManager.default.removeItem(atPath: path)
    let other = try DatabaseQueue(path: path)
    try await other.write { try $0.execute(sql: "CREATE TABLE users(name TEXT)") }
    try other.close()
    await expectDamaged()
  }

  @Test("a journal without its database is not a new store")
  func lonelyJournal() async throws {
    try Data("rest".utf8).write(to: URL(fileURLWithPath: path + "-wal"))
    await expectDamaged()
  }

  @Test("tables emptied or dropped by another program are detected")
  func tables() async throws {
    try await fill()
    let queue = try DatabaseQueue(path: path)
    try await queue.write { try $0.execute(sql: "DROP TABLE meta") }
    try queue.close()
    do {
      await (try open()).close()
      Issue.record("opened")
    } catch let error as StateStoreError {
      #expect(error.code == .damaged, "\(error)")
    }
  }

  @Test("a partly created store is created again")
  func halfMade() async throws {
    try Data("rubbish".utf8).write(to: URL(fileURLWithPath: path + ".new"))
    let store = try open()
    try await store.put(.put("a", []))
    await store.close()
  }

  @Test("a path that is not a directory, or a database that is one, is reported")
  func notADirectory() async throws {
    await expect(.permissionDenied) {
      try Data().write(to: URL(fileURLWithPath: directory.path + "/file"))
      _ = try SQLiteStateStore(directory: directory.path + "/file")
    }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    await expect(.damaged) { _ = try open() }
  }

  @Test("a directory that is not writable is reported", .enabled(if: ReadOnly.isPossible, "root needs mount for it"))
  func readOnly() async throws {
    try await fill()
    let readOnly = try ReadOnly(directory.path)
    defer { readOnly.undo() }
    do {
      _ = try open()
      Issue.record("opened")
    } catch let error as StateStoreError {
      #expect(error.code == .permissionDenied && error.message.contains(directory.path), "\(error)")
    }
  }

  @Test("a second holder is rejected with the first one's id; it succeeds after the first has closed")
  func twoHolders() async throws {
    let first = try open()
    do {
      _ = try open()
      Issue.record("two holders")
    } catch let error as StateStoreError {
      #expect(error.code == .inUse)
      #expect(error.message.contains("process \(getpid())"))
    }
    try await first.put(.put("a", []))
    await first.close()
    let second = try open()
    #expect(try await second.entry("a") != nil)
    await second.close()
  }

  @Test("a store released without closing unlocks its directory")
  func forgotten() async throws {
    func use() async throws { try await (try open()).put(.put("a", bytes("1"))) }
    try await use()
    try await within(.seconds(60), "the lock to be released") {
      while true {
        do {
          let store = try open()
          #expect(try await store.text("a") == "1")
          await store.close()
          return
        } catch let error as StateStoreError where error.code == .inUse {
          await Task.yield()
        }
      }
    }
  }
}

/// Makes a directory read-only: by its permissions or, for root, whom they do not restrict, by a mount.
private struct ReadOnly {
  let path: String

  static var isPossible: Bool { getuid() != 0 || run("/bin/mount", "--version") }

  init(_ path: String) throws {
    self.path = path
    if getuid() != 0 {
      chmod(path, 0o500)
    } else {
      try #require(Self.run("/bin/mount", "--bind", path, path))
      try #require(Self.run("/bin/mount", "-o", "remount,bind,ro", path))
    }
  }

  func undo() {
    if getuid() != 0 { chmod(path, 0o700) } else { _ = Self.run("/bin/umount", path) }
  }

  private static func run(_ program: String, _ arguments: String...) -> Bool { runProgram(program, arguments) }
}

/// Runs a program to its end; returns false if it cannot be run or fails.
func runProgram(_ program: String, _ arguments: [String]) -> Bool {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.standardOutput = FileHandle.nullDevice
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}
