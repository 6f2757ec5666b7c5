import Foundation
import Glibc
import StateStore
import Support
import TestSupport
import Testing
import Turns

@testable import Support

@Suite("The lock of a file", .takesTurns)
struct FileLockTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open() -> Int32 { Glibc.open(directory.path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }

  @Test("is free after its release, even if a process has a copy of the open file")
  func release() {
    let holder = open()
    #expect(FileLock.takeNow(holder))
    // A process that is being started has such a copy until it executes its program.
    let copy = dup(holder)
    let other = open()
    #expect(!FileLock.takeNow(other))
    FileLock.release(holder)
    #expect(FileLock.takeNow(other))
    FileLock.release(other)
    close(copy)
  }

  @Test("is retried, because a copy left by a dead process may disappear in a moment")
  func patience() {
    let (copy, other) = (open(), open())
    #expect(FileLock.takeNow(copy))
    var pauses = 0
    let isTaken = FileLock.take(other) {
      pauses += 1
      if pauses == 3 { close(copy) }
    }
    #expect(isTaken && pauses == 3)
    FileLock.release(other)
  }

  @Test("is not retried forever")
  func refusal() {
    let (holder, other) = (open(), open())
    #expect(FileLock.takeNow(holder))
    var pauses = 0
    #expect(!FileLock.take(other) { pauses += 1 })
    #expect(pauses == 19)
    for descriptor in [holder, other] { FileLock.release(descriptor) }
  }

  @Test("does not prevent a store from being reopened while other processes are being started")
  func reopening() async throws {
    let home = directory.path + "/store"
    let store = try SQLiteStateStore(directory: home)
    let copies = copies(ofOpenFile: home + "/state.lock")
    #expect(copies.count == 1)
    await store.close()
    let again = try SQLiteStateStore(directory: home)
    await again.close()
    for copy in copies { close(copy) }
  }

  /// Returns our descriptors of a file.
  private func copies(ofOpenFile path: String) -> [Int32] {
    let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap {
      Int32($0)
    }
    return numbers.filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
    }
    .map { dup($0) }
  }
}
