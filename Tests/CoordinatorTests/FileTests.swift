import Dispatch
import Foundation
import Glibc
import Support
import Synchronization
import TestSupport
import Testing
import Turns

@testable import Coordinator

@Suite("Workspaces and files", .takesTurns)
struct FileTests {
  private let root = temporaryRoot("files")

  @Test("A workspace has one holder, whose process is named to the second one")
  func exclusive() throws {
    let first = try Workspace(path: root)
    let error = #expect(throws: CoordinatorError.self) { try Workspace(path: root) }
    #expect(error?.message.contains("process \(getpid())") == true)
    try first.close()
    try removeTree(root)
  }

  @Test("A tree is removed however deep it is, without following links")
  func removedTrees() throws {
    let outside = root + "-outside"
    try makeDirectory(outside + "/kept")
    var directory = root + "/tree"
    try makeDirectory(directory)
    symlink(outside, directory + "/link")
    mkfifo(directory + "/pipe", 0o600)
    for _ in 0..<300 {
      directory += "/d"
      try makeDirectory(directory)
      close(open(directory + "/file", O_CREAT | O_WRONLY, 0o600))
    }
    try removeTree(root + "/tree")
    #expect(try directoryEntries(root).isEmpty)
    symlink(outside, root + "/link")
    try removeTree(root + "/link")
    try removeTree(root + "/nothing")
    #expect(try directoryEntries(outside) == ["kept"])
    for path in [root, outside] { try removeTree(path) }
  }

  @Test("The files of a dead holder are removed, those of a live one are kept")
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

  @Test("A directory removed as a dead holder's while it is being locked is created again")
  func removedWhileLocking() throws {
    // Has no effect if the machine is so slow that the workspace gives up before the test removes it.
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

  /// The number of descriptors of lock files in this process.
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

  @Test("A spool accepts the announced bytes and no more, and its file is removed with it")
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

extension FileTests {
  @Test("A file kept by this or an earlier process stays when its spool is released")
  func keptSpool() throws {
    let root = temporaryRoot("files")
    try makeDirectory(root)
    try Spool(path: root + "/library", announcedBytes: 5).keep()
    _ = try Spool(opening: root + "/library")
    #expect(try directoryEntries(root) == ["library"])
    try removeTree(root)
  }
}

@Suite("Library archives", .takesTurns)
struct LibraryArchiveTests {
  /// A zip archive of empty stored files, without local headers, since only the directory is read.
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
    try bytes.withUnsafeBytes { bytes in try LibraryArchive.fileName(bytes) }
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
