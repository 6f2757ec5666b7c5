import Cluster
import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing
import Turns

@testable import Coordinator

@Suite("Workspaces and files", .takesTurns)
struct FileTests {
  private let root = temporaryRoot("files")

  @Test("A workspace has one holder, whose process the second one is told")
  func exclusive() throws {
    let first = try Workspace(path: root)
    let error = #expect(throws: CoordinatorError.self) { try Workspace(path: root) }
    #expect(error?.message.contains("process \(getpid())") == true)
    try first.close()
    try removeTree(root)
  }

  @Test("What a dead holder left is removed, what a live one holds is kept")
  func stale() throws {
    let live = try Workspace(temporaryBelow: root)
    let dead = root + "/dead"
    try makeDirectory(dead + "/sessions/session_x")
    close(open(dead + "/lock", O_CREAT | O_WRONLY, 0o600))
    let next = try Workspace(temporaryBelow: root)
    let names = try directoryEntries(root)
    #expect(!names.contains("dead"))
    #expect(names.count == 2)
    try live.close()
    try next.close()
    #expect(try directoryEntries(root).isEmpty)
    try removeTree(root)
  }

  @Test("A directory that is taken for a dead one's while it is being locked is made again")
  func removedWhileLocking() throws {
    // In vain when the machine is so slow that the workspace gives up before we have removed it.
    for _ in 0..<100 {
      let workspace = try Workspace(path: root, isLocked: false)
      let remover = open(root + "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
      #expect(FileLock.takeNow(remover))
      let outcome = Mutex<Result<Void, any Error>?>(nil)
      let isDone = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        let result = Result { try workspace.lock() }
        outcome.withLock { $0 = result }
        isDone.signal()
      }
      while openLocks() < 2, outcome.withLock({ $0 == nil }) { usleep(1000) }
      try? removeTree(root)
      FileLock.release(remover)
      isDone.wait()
      guard case .success = outcome.withLock({ $0 }) else { continue }
      #expect(try directoryEntries(root) == ["lock"])
      #expect(throws: CoordinatorError.self) { try Workspace(path: root) }
      return try removeTree(root)
    }
    Issue.record("the workspace was never locked")
  }

  /// Our descriptors of the lock's file.
  private func openLocks() -> Int {
    let names = (try? directoryEntries("/proc/self/fd")) ?? []
    return names.count { name in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)) == root + "/lock"
    }
  }

  @Test("Removing a tree does not follow links")
  func links() throws {
    try makeDirectory(root + "/keep")
    try makeDirectory(root + "/tree/inner")
    symlink(root + "/keep", root + "/tree/inner/link")
    try removeTree(root + "/tree")
    #expect(try directoryEntries(root) == ["keep"])
    try removeTree(root)
  }

  @Test("A spool takes what was announced and not a byte more, and its file goes with it")
  func spool() throws {
    try makeDirectory(root)
    var spool: Spool? = try Spool(path: root + "/spool", announcedBytes: 5)
    try [1, 2, 3].withUnsafeBytes { bytes in
      try spool!.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(3)))
    }
    #expect(throws: CoordinatorError.self) {
      try [1].withUnsafeBytes { bytes in
        try spool!.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(3)))
      }
    }
    #expect(spool?.byteCount == 3)
    spool = nil
    #expect(try directoryEntries(root).isEmpty)
    try removeTree(root)
  }
}

@Suite("Library archives", .takesTurns)
struct LibraryArchiveTests {
  /// A zip archive of empty stored files: local headers left out, since only the directory is read.
  private func archive(_ names: [String], comment: String = "") -> [UInt8] {
    var bytes: [UInt8] = []
    for name in names {
      bytes += [0x50, 0x4b, 1, 2] + [UInt8](repeating: 0, count: 24)
      bytes += [UInt8(name.utf8.count & 255), UInt8(name.utf8.count >> 8)] + [UInt8](repeating: 0, count: 16)
      bytes += Array(name.utf8)
    }
    let size = UInt8(truncatingIfNeeded: bytes.count)
    bytes += [0x50, 0x4b, 5, 6, 0, 0, 0, 0, UInt8(names.count), 0, UInt8(names.count), 0, size, 0, 0, 0, 0, 0, 0, 0]
    return bytes + [UInt8(comment.utf8.count), 0] + Array(comment.utf8)
  }

  private func read(_ bytes: [UInt8]) throws -> String {
    try bytes.withUnsafeBytes { bytes in try LibraryArchive(bytes).fileName }
  }

  @Test("An archive of one file is accepted")
  func one() throws {
    #expect(try read(archive(["app.jar"])) == "app.jar")
    #expect(try read(archive(["app.jar"], comment: "a comment")) == "app.jar")
  }

  @Test(
    "Anything else is refused",
    arguments: [[], ["a.txt", "b.txt"], ["../a"], ["dir/a"], [".."], [""]])
  func others(names: [String]) {
    #expect(throws: CoordinatorError.self) { try read(archive(names)) }
  }

  @Test("No prefix and no damaged byte of an archive crashes the reader")
  func hostile() {
    let whole = archive(["app.jar"])
    for count in 0..<whole.count { _ = try? read(Array(whole.prefix(count))) }
    for position in whole.indices {
      var damaged = whole
      damaged[position] ^= 0xff
      _ = try? read(damaged)
    }
    #expect(throws: CoordinatorError.self) { try read([]) }
  }
}
