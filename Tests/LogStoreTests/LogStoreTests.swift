import Foundation
import Logging
import Support
import TestSupport
import Testing
import Turns

@testable import LogStore

@Suite("The log store", .takesTurns, .timeLimit(.minutes(5)))
struct LogStoreTests {
  let bench: LogBench

  init() throws { bench = try LogBench() }

  @Test("Lines of several streams are read in the order of their times")
  func order() async throws {
    let store = try bench.open()
    for number in 0..<30 {
      store.say("\(number)", to: [.coordinator, .session("s"), .child("c")][number % 3])
      bench.pass(milliseconds: 1)
    }
    #expect(try await store.messages() == (0..<30).map(String.init))
    #expect(try await store.messages(LogQuery(streams: [.session("s")])) == (0..<10).map { "\(3 * $0 + 1)" })
  }

  @Test("A record is read back with all its fields, and other JSON parsers can read the file")
  func fields() async throws {
    let store = try bench.open()
    var record = LogRecord(
      timeMilliseconds: -5, level: .warning, message: "a \"b\"\\ \n\t\r\u{0}\u{1b}\u{7f} é 🙂 \u{fffd}")
    record.session = "s"
    record.step = ""
    record.child = "c/\""
    record.object = "graph/g"
    record.reason = "Why"
    record.author = "\u{2028}"
    record.revision = .max
    store.append(record, to: .events)
    store.flushAll()
    #expect(try await store.read(LogQuery()).reduce(into: []) { $0.append($1) } == [record])
    let line = bench.read("one/" + (try bench.files()[0])).dropLast()
    #expect(try JSONDecoder().decode(LogRecord.self, from: Data(line)) == record)
  }

  @Test("Lines encoded by other JSON encoders are read")
  func foreignLines() throws {
    var record = LogRecord(timeMilliseconds: 5, level: .error, message: "a/b \u{1F600} é\u{8}\u{c}")
    record.revision = -1
    let text = #"{"message":"a\/b \ud83d\ude00 \u00e9\b\f","new":"later","level":"error","x":true,"#
    let line = Array((text + #""revision":-1,"timeMilliseconds":5}"#).utf8)
    #expect(line.withUnsafeBufferPointer { LogCodec.decode($0) } == record)
  }

  @Test("Damaged lines never crash the reader")
  func damagedLines() {
    var record = LogRecord(timeMilliseconds: 5, level: .error, message: "a\u{1}\"é")
    record.session = "s"
    var line: [UInt8] = []
    LogCodec.append(record, to: &line)
    line.removeLast()
    for count in 0..<line.count {
      #expect(Array(line.prefix(count)).withUnsafeBufferPointer { LogCodec.decode($0) } == nil)
    }
    var random = SplitMix(seed: 7)
    for _ in 0..<20_000 {
      var damaged = line
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        damaged[Int.random(in: damaged.indices, using: &random)] = [
          UInt8.random(in: 0...255, using: &random), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "u"),
        ].randomElement(using: &random)!
      }
      _ = damaged.withUnsafeBufferPointer { LogCodec.decode($0) }
    }
  }

  @Test("A new process reads the lines of the earlier one and continues the same file")
  func restart() async throws {
    var store: LogStore? = try bench.open()
    store?.say("before")
    store?.flushAll()
    let files = try bench.files()
    store?.closeAll()
    store = try bench.open()
    store?.say("after")
    #expect(try await store?.messages() == ["before", "after"])
    #expect(try bench.files() == files)
  }

  @Test("An incomplete line of a killed process costs only that line")
  func tornLine() async throws {
    var store: LogStore? = try bench.open()
    store?.say("whole")
    store?.closeAll()
    bench.write(Array(#"{"timeMilliseconds":12,"lev"#.utf8), to: "one/" + (try bench.files()[0]))
    store = try bench.open()
    #expect(try await store?.messages() == ["whole"])
    store?.say("next")
    store?.flushAll()
    var reader = try #require(store).read(LogQuery()).makeAsyncIterator()
    #expect(try await reader.next()?.message == "whole")
    #expect(try await reader.next()?.message == "next")
    #expect(try await reader.next() == nil)
    #expect(reader.damagedLines == 1)
  }

  @Test("Lines of garbage, zeros and megabytes without an end are skipped and counted")
  func garbage() async throws {
    let store = try bench.open()
    store.say("first")
    store.flushAll()
    let file = "one/" + (try bench.files()[0])
    bench.write(Array("not json\n".utf8) + [UInt8](repeating: 0, count: 5000) + [10, 0xff, 0xfe, 10, 10], to: file)
    bench.write([UInt8](repeating: 0x78, count: 3 << 20) + [10], to: file)
    store.say("last")
    store.flushAll()
    var reader = try store.read(LogQuery()).makeAsyncIterator()
    #expect(try await reader.next()?.message == "first")
    #expect(try await reader.next()?.message == "last")
    #expect(try await reader.next() == nil)
    #expect(reader.damagedLines == 5)
  }

  @Test("An instance has one writer, which the error for a second one names; other instances are read along with it")
  func instances() async throws {
    let one = try bench.open("one")
    let two = try bench.open("two")
    let error = #expect(throws: LogStoreError.self) { try bench.open("one") }
    #expect(error?.message.contains("process \(getpid())") == true)
    for number in 0..<20 {
      (number % 2 == 0 ? one : two).say("\(number)")
      bench.pass(milliseconds: 1)
    }
    #expect(try await one.messages().count == 10)
    #expect(try await two.messages().count == 10)
    #expect(try await LogReader(directory: bench.directory).messages() == (0..<20).map(String.init))
  }

  @Test("The logs of a dead instance are removed after a week, those of a live one never")
  func deadInstances() throws {
    let live = try bench.open("live")
    live.say("x")
    live.flushAll()
    for name in ["old", "recent"] {
      let store = try bench.open(name)
      store.say("x")
      store.flushAll()
    }
    for name in ["old", "live"] {
      for file in try Directories.entries(bench.directory + "/" + name) {
        utimes(bench.directory + "/\(name)/\(file)", [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)])
      }
    }
    _ = try bench.open("next")
    #expect(try Set(Directories.entries(bench.directory)) == ["live", "recent", "next"])
  }

  @Test("Names from outside cannot choose a path, and distinct names never share lines")
  func hostileNames() async throws {
    let long = String(repeating: "n", count: 5000)
    let names = [
      "../../../tmp/x", "..", ".", "", "/", "a/b", "a\u{0}b", "a.1.jsonl", "é", "\n", "%2E", ".gz", "-rf", "A", "a",
      long,
      long + "1", long + "2", String(repeating: "/", count: 100), String(repeating: "/", count: 101),
    ]
    let store = try bench.open("../two/..")
    for name in names {
      store.say("session \(name)", to: .session(name))
      store.say("child \(name)", to: .child(name))
    }
    for name in names {
      #expect(try await store.messages(LogQuery(streams: [.session(name)])) == ["session \(name)"])
      #expect(try await store.messages(LogQuery(streams: [.child(name)])) == ["child \(name)"])
    }
    let instances = try Directories.entries(bench.directory)
    #expect(instances.count == 1)
    let files = try Directories.entries(bench.directory + "/" + instances[0]).filter { $0 != "lock" }
    #expect(files.count == 2 * names.count)
    #expect(files.allSatisfy { file in file.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x2f } })
  }

  @Test("Unknown files in the directory are skipped")
  func strangeFiles() async throws {
    let path = bench.directory + "/one"
    try Directories.make(path)
    mkfifo(path + "/coordinator.1.jsonl", 0o600)
    try Directories.make(path + "/coordinator.2.jsonl")
    symlink("/etc/passwd", path + "/events.5.jsonl.gz")
    for name in ["coordinator.9223372036854775807.jsonl", "coordinator.-1.jsonl", "a.b.c.jsonl", "x", ".jsonl"] {
      bench.write(Array("{}\n".utf8), to: "one/" + name)
    }
    let store = try bench.open()
    store.say("here")
    #expect(try await store.messages() == ["here"])
    #expect(try await LogReader(directory: bench.directory).messages() == ["here"])
  }

  @Test("Queries of any times are answered")
  func anyTimes() async throws {
    let store = try bench.open()
    store.say("x")
    for time in [Int64.min, 0, .max] {
      var query = LogQuery()
      query.since = time
      #expect(try await store.messages(query).count == (time == .max ? 0 : 1))
      query = LogQuery()
      query.until = time
      #expect(try await store.messages(query).count == (time == .max ? 1 : 0))
    }
  }

  @Test("Texts that are too long are cut")
  func longLines() async throws {
    let store = try bench.open()
    var record = store.record(.info, String(repeating: "\u{1}", count: 1_000_000))
    record.step = String(repeating: "é", count: 100_000)
    store.append(record, to: .coordinator)
    store.flushAll()
    let back = try await store.read(LogQuery()).reduce(into: []) { $0.append($1) }
    #expect(back.first?.message.utf8.count == LogRecord.maximumMessageBytes)
    #expect(back.first?.step?.utf8.count == LogRecord.maximumFieldBytes)
  }

  @Test("Writers on many threads lose nothing, and the lines of each stay in order")
  func concurrency() async throws {
    let store = try bench.open("one", .init(fileBytes: 20_000, queuedRecords: 100_000))
    await withTaskGroup { group in
      for writer in 0..<8 {
        group.addTask {
          for number in 0..<1000 { store.say("\(writer) \(number)", to: number % 2 == 0 ? .coordinator : .events) }
        }
      }
    }
    for stream in [LogStream.coordinator, .events] {
      let lines = try await store.messages(LogQuery(streams: [stream])).map { $0.split(separator: " ") }
      #expect(lines.count == 4000)
      for writer in 0..<8 {
        let numbers = lines.filter { Int($0[0]) == writer }.map { Int($0[1])! }
        #expect(numbers == (0..<500).map { 2 * $0 + (stream == .events ? 1 : 0) })
      }
    }
  }

  @Test("Ten thousand streams need few open files")
  func manyStreams() async throws {
    let store = try bench.open("one", .init(queuedRecords: 100_000, openFiles: 16))
    for round in 0..<2 {
      for number in 0..<10_000 { store.say("\(round)", to: .session("s\(number)")) }
    }
    store.flushAll()
    let open = try Directories.entries("/proc/self/fd").count { name in
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
      return target?.hasPrefix(bench.directory) == true
    }
    // The files of the store, and its lock.
    #expect(open <= 17)
    #expect(try bench.files().count == 10_000)
    #expect(try await store.messages(LogQuery(streams: [.session("s9876")])) == ["0", "1"])
    #expect(try await store.messages().count == 20_000)
  }

  @Test("Events and the audit trail record what happened to which object, and which principal did it")
  func eventsAndAudit() async throws {
    let store = try bench.open()
    store.event(object: "session/a", reason: "LeaseExpired", message: "no sign of life for 600 s", level: .warning)
    store.audit(author: "host 10.0.0.1", action: "delete", object: "session/a", revision: 12)
    store.flushAll()
    var query = LogQuery(streams: [.audit])
    query.object = "session/a"
    let audit = try await store.read(query).reduce(into: []) { $0.append($1) }
    #expect(audit.map(\.author) == ["host 10.0.0.1"] && audit.map(\.revision) == [12])
    #expect(audit.map(\.reason) == ["delete"])
    query.streams = [.events]
    #expect(try await store.messages(query) == ["no sign of life for 600 s"])
  }

  @Test("Lines written through swift-log are stored, with their metadata as fields")
  func swiftLog() async throws {
    let store = try bench.open()
    var logger = Logger(label: "x") { _ in StoredLog(store, logLevel: .info) }
    logger[metadataKey: "session"] = "s"
    logger.debug("not this")
    logger.error("failed", metadata: ["step": "t", "b": "2", "a": "1"])
    store.flushAll()
    let back = try await store.read(LogQuery()).reduce(into: []) { $0.append($1) }
    var record = store.record(.error, "failed a=1 b=2")
    record.session = "s"
    record.step = "t"
    #expect(back == [record])
  }
}
