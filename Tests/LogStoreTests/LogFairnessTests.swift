import Glibc
import TestSupport
import Testing
import Turns

@testable import LogStore

@Suite("Logs of several tenants", .takesTurns, .timeLimit(.minutes(5)))
struct LogFairnessTests {
  let bench: LogBench

  init() throws { bench = try LogBench() }

  private func say(_ text: String, of tenant: String, to stream: LogStream, in store: LogStore) {
    var record = store.record(.info, text)
    record.tenant = tenant
    store.append(record, to: stream)
  }

  /// Returns text that hardly compresses.
  private func noise(_ random: inout SplitMix, words: Int = 40) -> String {
    (0..<words).map { _ in String(random.next(), radix: 36) }.joined()
  }

  @Test("A tenant that floods every stream loses only its own lines")
  func flood() async throws {
    let store = try bench.open("one", .init(fileBytes: 20_000, totalBytes: 400_000, auditBytes: 100_000))
    for number in 0..<20 {
      say("\(number)", of: "quiet", to: .session("q\(number)"), in: store)
      say("\(number)", of: "quiet", to: .audit, in: store)
      say("\(number)", of: "quiet", to: .events, in: store)
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    var random = SplitMix(seed: 1)
    for number in 0..<2000 {
      let text = "\(number) \(noise(&random))"
      say(text, of: "loud", to: .session("l\(number / 50)"), in: store)
      say(text, of: "loud", to: .audit, in: store)
      say(text, of: "loud", to: .coordinator, in: store)
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    store.waitForCompression()
    // The audit trails of two tenants, and all other files.
    #expect(store.diskBytes <= 400_000 + 2 * 100_000)
    for stream in [LogStream.audit, .events] {
      var query = LogQuery(streams: [stream])
      query.tenant = "quiet"
      #expect(try await store.messages(query) == (0..<20).map(String.init))
    }
    for number in 0..<20 {
      #expect(try await store.messages(LogQuery(streams: [.session("q\(number)")])) == ["\(number)"])
    }
    var loud = LogQuery(streams: [.audit])
    loud.tenant = "loud"
    let kept = try await store.messages(loud)
    #expect(kept.last?.hasPrefix("1999 ") == true && kept.count < 2000)
  }

  @Test("A stream uses at most a quarter of the room, and evicts no other stream of its tenant")
  func oneStream() async throws {
    let store = try bench.open("one", .init(fileBytes: 20_000, totalBytes: 400_000))
    say("early", of: "a", to: .session("quiet"), in: store)
    var random = SplitMix(seed: 2)
    for number in 0..<2000 {
      say("\(number) \(noise(&random))", of: "a", to: .child("loud"), in: store)
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    store.waitForCompression()
    #expect(store.diskBytes <= 100_000 + 8192)
    #expect(try await store.messages(LogQuery(streams: [.session("quiet")])) == ["early"])
    #expect(try await store.messages(LogQuery(streams: [.child("loud")])).last?.hasPrefix("1999 ") == true)
  }

  @Test("The number of files is limited: beyond the limit, the tenant with the most files loses its oldest")
  func files() async throws {
    let store = try bench.open("one", .init(files: 100))
    for number in 0..<10 { say("\(number)", of: "few", to: .session("f\(number)"), in: store) }
    for number in 0..<90 {
      say("\(number)", of: "many", to: .session("m\(number)"), in: store)
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    #expect(try bench.files().count == 100)
    say("90", of: "many", to: .session("m90"), in: store)
    store.flushAll()
    #expect(try bench.files().count == 90)
    for number in 0..<10 {
      #expect(try await store.messages(LogQuery(streams: [.session("f\(number)")])) == ["\(number)"])
    }
    #expect(try await store.messages(LogQuery(streams: [.session("m10")])).isEmpty)
    #expect(try await store.messages(LogQuery(streams: [.session("m11")])) == ["11"])
    #expect(try await store.messages(LogQuery(streams: [.session("m90")])) == ["90"])
  }

  @Test("A tenant's lines are found in their stream, by a new process, and by a reader of the directory")
  func reading() async throws {
    var store: LogStore? = try bench.open()
    for number in 0..<9 {
      let tenant = ["a", "a.b", String(repeating: "t", count: 128)][number % 3]
      say("\(number)", of: tenant, to: .audit, in: store!)
      bench.pass(milliseconds: 1)
    }
    store?.say("nobody's", to: .audit)
    store?.closeAll()
    store = try bench.open()
    let expected = (0..<9).map(String.init) + ["nobody's"]
    #expect(try await store?.messages(LogQuery(streams: [.audit])) == expected)
    #expect(try await LogReader(directory: bench.directory).messages(LogQuery(streams: [.audit])) == expected)
    #expect(try await store?.messages(LogQuery(streams: [.events])) == [])
    #expect(try bench.files().count == 4)
  }

  @Test("Records of sessions, steps and children belong to their tenant; records about a child as an object to none")
  func owners() throws {
    let tenants = SessionTenants()
    tenants.assign("s", to: "t")
    func owner(_ change: (inout LogRecord) -> Void) -> String? {
      var record = LogRecord(timeMilliseconds: 1, level: .info, message: "x")
      change(&record)
      return tenants.tenant(of: record)
    }
    #expect(owner { $0.session = "s" } == "t")
    #expect(owner { $0.object = "step/s/1" } == "t")
    #expect(owner { $0.child = "s/engine" } == "t")
    #expect(owner { ($0.child, $0.object) = ("s/engine", "child/s/engine") } == nil)
    #expect(owner { $0.session = "other" } == nil)
  }

  @Test("A tenant uses at most half of the queue, and the audit trail has its own room")
  func queue() {
    let limits = LogStore.Limits(queuedRecords: 10)
    var queue = LogQueue()
    func record(_ tenant: String?) -> LogRecord {
      var record = LogRecord(timeMilliseconds: 1, level: .info, message: "x")
      record.tenant = tenant
      return record
    }
    for _ in 0..<6 { queue.append(record("loud"), to: .events, limits) }
    #expect(queue.records.count == 5 && queue.dropped.values.reduce(0, +) == 1)
    for _ in 0..<6 { queue.append(record("other"), to: .events, limits) }
    #expect(queue.records.count == 10 && queue.dropped.values.reduce(0, +) == 2)
    queue.append(record(nil), to: .coordinator, limits)
    #expect(queue.records.count == 10)
    for _ in 0..<6 { queue.append(record("loud"), to: .audit, limits) }
    queue.append(record("quiet"), to: .audit, limits)
    #expect(queue.records.count == 16)
  }

  @Test("Leveling reduces the largest sizes and keeps small ones")
  func level() {
    #expect(LogDirectoryState.level([10, 10, 100], sum: 60) == 40)
    #expect(LogDirectoryState.level([50, 50], sum: 60) == 30)
    #expect(LogDirectoryState.level([5, 10, 10], sum: 100) == .max)
    #expect(LogDirectoryState.level([], sum: 1) == .max)
  }

  // MARK: The newest lines

  @Test("The newest lines of many files are complete, and files that cannot contain one are not opened")
  func tail() async throws {
    let store = try bench.open()
    for number in 0..<300 {
      store.say("\(number)", to: .session("s\(number)"))
      store.flushAll()
      bench.pass(milliseconds: 10_000)
    }
    // Opening this file is an error: it is a directory now.
    let oldest = try #require(try bench.files().first { $0.hasPrefix("session-s0.") })
    unlink(bench.directory + "/one/" + oldest)
    symlink("/nonexistent", bench.directory + "/one/" + oldest)
    var query = LogQuery()
    query.tail = 5
    #expect(try await store.messages(query) == (295..<300).map(String.init))
    query.text = "29"
    #expect(try await store.messages(query) == (295..<300).map(String.init))
    query.text = "7"
    query.tail = 3
    #expect(try await store.messages(query) == ["279", "287", "297"])
    query.text = nil
    query.tail = 0
    #expect(try await store.messages(query).isEmpty)
    query.tail = 300
    await #expect(throws: LogStoreError.self) { try await store.messages(query) }
  }

  @Test("A follower after the newest lines receives new lines of files that were skipped")
  func followBehindTail() async throws {
    let store = try bench.open()
    for number in 0..<50 {
      store.say("\(number)", to: .session("s\(number)"))
      store.flushAll()
      bench.pass(milliseconds: 100_000)
    }
    var query = LogQuery()
    query.tail = 2
    var lines = try store.follow(query).makeAsyncIterator()
    #expect(await lines.next()?.message == "48")
    #expect(await lines.next()?.message == "49")
    store.say("again", to: .session("s3"))
    #expect(await lines.next()?.message == "again")
    store.say("new", to: .session("new"))
    #expect(await lines.next()?.message == "new")
    store.say("again", to: .session("s3"))
    #expect(await lines.next()?.message == "again")
  }
}
