import Dispatch
import Glibc
import Support
import Synchronization
import Testing
import Turns

@testable import Coordinator
@testable import LogStore

@Suite("Lost lines", .takesTurns, .serialized, .timeLimit(.minutes(5)))
struct LogLossTests {
  let bench: LogBench

  init() throws { bench = try LogBench() }

  /// A clock at which the writer can be stopped.
  private final class Gate: Sendable {
    private let isClosed = Mutex(false)
    private let arrived = DispatchSemaphore(value: 0)
    private let opened = DispatchSemaphore(value: 0)

    func close() { isClosed.withLock { $0 = true } }

    func waitUntilHeld() { arrived.wait() }

    func open() {
      isClosed.withLock { $0 = false }
      opened.signal()
    }

    func now() -> Int64 {
      if isClosed.withLock({ $0 }) {
        arrived.signal()
        opened.wait()
      }
      return nowMilliseconds()
    }
  }

  @Test("When lines arrive faster than they are written, some are dropped and counted, and the stream records the loss")
  func queueFull() async throws {
    let gate = Gate()
    let store = try LogStore(
      directory: bench.directory, instance: "one", limits: .init(queuedRecords: 10), now: { gate.now() })
    gate.close()
    let line = LogRecord(timeMilliseconds: 1, level: .info, message: "x")
    store.append(line, to: .coordinator)
    gate.waitUntilHeld()
    for _ in 0..<25 { store.append(line, to: .session("s")) }
    for _ in 0..<3 { store.append(line, to: .session("t")) }
    gate.open()
    let lost = "lost: they arrived faster than they could be written"
    #expect(
      try await store.messages(LogQuery(streams: [.session("s")]))
        == Array(repeating: "x", count: 10) + ["15 lines were \(lost)"])
    #expect(try await store.messages(LogQuery(streams: [.session("t")])) == ["3 lines were \(lost)"])
    store.append(line, to: .session("t"))
    #expect(try await store.messages(LogQuery(streams: [.session("t")])).last == "x")
  }

  @Test("The queued bytes are limited, too")
  func bytesFull() async throws {
    let gate = Gate()
    let store = try LogStore(
      directory: bench.directory, instance: "one", limits: .init(queuedBytes: 100_000), now: { gate.now() })
    gate.close()
    store.append(LogRecord(timeMilliseconds: 1, level: .info, message: "x"), to: .events)
    gate.waitUntilHeld()
    let long = LogRecord(timeMilliseconds: 1, level: .info, message: String(repeating: "y", count: 30_000))
    for _ in 0..<10 { store.append(long, to: .coordinator) }
    gate.open()
    let lines = try await store.messages(LogQuery(streams: [.coordinator]))
    #expect(lines.count == 4)
    #expect(lines.last?.hasPrefix("7 lines were lost") == true)
  }

  @Test(
    "A full disk costs lines, not service: followers still see them, and the loss is recorded when there is space",
    .enabled("mounting a small disk needs root") { try Self.canMount() })
  func diskFull() async throws {
    let disk = bench.directory + "/disk"
    #expect(try Self.mountSmallDisk(disk))
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let reports = Mutex<[String]>([])
    let store = try LogStore(
      directory: disk, instance: "one", report: { text in reports.withLock { $0.append(text) } })
    let log = SessionLog(store: store, session: "s")
    var lines = log.lines().makeAsyncIterator()
    log.info("before")
    #expect(await lines.next()?.text == "before")
    fill(disk)
    // A page of the session's file may still have room.
    for _ in 0..<100 { log.info(String(repeating: "x", count: 100)) }
    for _ in 0..<100 { #expect(await lines.next()?.text == String(repeating: "x", count: 100)) }
    for _ in 0..<3 { store.say("elsewhere", to: .child("new")) }
    store.flushAll()
    #expect(reports.withLock { $0 }.count == 1)
    #expect(reports.withLock { $0 }.first?.contains("No space left on device") == true)
    unlink(disk + "/filler")
    log.info("after")
    // The loss is recorded, then the next line follows.
    let told = await lines.next()?.text
    #expect(told?.hasSuffix("lines were lost: No space left on device") == true)
    #expect(await lines.next()?.text == "after")
    store.flushAll()
    let kept = try await store.messages(LogQuery(streams: [.session("s")]))
    let lost = try #require(told.flatMap { Int($0.prefix { $0 != " " }) })
    #expect(kept.count { $0.hasPrefix("x") } == 100 - lost)
    #expect(kept.suffix(2) == [told, "after"])
    #expect(
      try await store.messages(LogQuery(streams: [.child("new")])).last == "3 lines were lost: No space left on device")
    #expect(reports.withLock { $0 }.count == 2)
  }

  @Test(
    "When space becomes available, losses are recorded even if no line is written",
    .enabled("mounting a small disk needs root") { try Self.canMount() })
  func recoversAlone() async throws {
    let disk = bench.directory + "/disk"
    #expect(try Self.mountSmallDisk(disk))
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let store = try LogStore(directory: disk, instance: "one")
    var lines = try store.follow(LogQuery()).makeAsyncIterator()
    fill(disk)
    store.say("lost")
    #expect(await lines.next()?.message == "lost")
    unlink(disk + "/filler")
    #expect(await lines.next()?.message == "1 line was lost: No space left on device")
  }

  /// Mounts a file system of 1 MiB in memory.
  private static func mountSmallDisk(_ path: String) throws -> Bool {
    try Directories.make(path)
    return mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0
  }

  private static func canMount() throws -> Bool {
    let bench = try LogBench()
    guard try mountSmallDisk(bench.directory + "/disk") else { return false }
    return umount2(bench.directory + "/disk", Int32(MNT_DETACH)) == 0
  }

  private func fill(_ disk: String) {
    let descriptor = open(disk + "/filler", O_WRONLY | O_CREAT, 0o600)
    let zeros = [UInt8](repeating: 0, count: 4096)
    while write(descriptor, zeros, zeros.count) > 0 {}
    close(descriptor)
  }
}
