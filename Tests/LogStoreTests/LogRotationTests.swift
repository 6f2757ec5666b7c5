import Glibc
import TestSupport
import Testing
import Turns

@testable import LogStore

@Suite("Rotation of logs", .takesTurns, .timeLimit(.minutes(5)))
struct LogRotationTests {
  let bench: LogBench

  init() throws { bench = try LogBench() }

  @Test("A full file is compressed and a new one is begun, without loss")
  func size() async throws {
    let store = try bench.open("one", .init(fileBytes: 10_000))
    for number in 0..<1000 {
      store.say("line \(number)")
      if number % 100 == 0 { store.flushAll() }
    }
    store.flushAll()
    store.waitForCompression()
    let files = try bench.files()
    #expect(files.count > 5)
    #expect(files.count { !$0.hasSuffix(".gz") } == 1)
    #expect(try await store.messages() == (0..<1000).map { "line \($0)" })
    for file in files {
      var info = stat()
      stat(bench.directory + "/one/" + file, &info)
      #expect(info.st_size <= 10_000)
    }
  }

  @Test("The next line after a day begins a new file, even in a new process")
  func age() async throws {
    var store: LogStore? = try bench.open()
    store?.say("monday")
    store?.flushAll()
    bench.pass(milliseconds: 86_400_000 - 1)
    store?.say("still monday")
    store?.flushAll()
    #expect(try bench.files().count == 1)
    bench.pass(milliseconds: 1)
    store?.say("tuesday")
    store?.flushAll()
    store?.waitForCompression()
    #expect(try bench.files().count == 2)
    store?.closeAll()
    bench.pass(milliseconds: 86_400_000)
    store = try bench.open()
    store?.say("wednesday")
    #expect(try await store?.messages() == ["monday", "still monday", "tuesday", "wednesday"])
    store?.waitForCompression()
    #expect(try bench.files().map { $0.hasSuffix(".gz") } == [true, true, false])
    #expect(try await store?.messages() == ["monday", "still monday", "tuesday", "wednesday"])
  }

  @Test("Large files of silent streams are compressed, too, and continued in a new file")
  func silentStreams() async throws {
    let store = try bench.open()
    for number in 0..<1000 { store.say("\(number) " + String(repeating: "x", count: 100), to: .session("silent")) }
    store.flushAll()
    bench.pass(milliseconds: 86_400_001)
    store.say("a day later")
    store.flushAll()
    store.waitForCompression()
    #expect(try bench.files().contains { $0.hasPrefix("session-silent") && $0.hasSuffix(".gz") })
    store.say("back", to: .session("silent"))
    let lines = try await store.messages(LogQuery(streams: [.session("silent")]))
    #expect(lines.count == 1001 && lines.last == "back")
  }

  @Test("The remains of a process that died while compressing are repaired")
  func crashWhileCompressing() async throws {
    var store: LogStore? = try bench.open("one", .init(fileBytes: 2000))
    for number in 0..<100 {
      store?.say("\(number)")
      store?.flushAll()
    }
    store?.waitForCompression()
    store?.closeAll()
    // If it was killed after the rename, the uncompressed file still exists; if before, half of a temporary file does.
    let compressed = try #require(try bench.files().first { $0.hasSuffix(".gz") })
    let plain = String(compressed.dropLast(3))
    var bytes: [UInt8] = []
    let reader = try GzipReader(path: bench.directory + "/one/" + compressed)
    while reader.read(1000, into: &bytes) > 0 {}
    bench.write(bytes, to: "one/" + plain)
    bench.write([1, 2, 3], to: "one/" + compressed + ".tmp")
    let other = try #require(try bench.files().last { $0.hasSuffix(".gz") })
    let otherReader = try GzipReader(path: bench.directory + "/one/" + other)
    var otherBytes: [UInt8] = []
    while otherReader.read(1000, into: &otherBytes) > 0 {}
    bench.write(otherBytes, to: "one/" + other.dropLast(3))
    unlink(bench.directory + "/one/" + other)
    store = try bench.open("one", .init(fileBytes: 2000))
    #expect(try !bench.files().contains(plain))
    #expect(try await store?.messages() == (0..<100).map(String.init))
    store?.waitForCompression()
    #expect(try bench.files().contains(other))
    #expect(try !bench.files().contains { $0.hasSuffix(".tmp") })
    #expect(try await store?.messages() == (0..<100).map(String.init))
  }

  @Test("A damaged compressed file costs only its own lines")
  func damagedGzip() async throws {
    let store = try bench.open("one", .init(fileBytes: 2000))
    for number in 0..<100 {
      store.say("\(number)")
      store.flushAll()
    }
    store.waitForCompression()
    let file = try #require(try bench.files().first { $0.hasSuffix(".gz") })
    let bytes = bench.read("one/" + file)
    truncate(bench.directory + "/one/" + file, bytes.count / 2)
    var reader = try store.read(LogQuery()).makeAsyncIterator()
    var count = 0
    while try await reader.next() != nil { count += 1 }
    #expect(count > 50 && count < 100)
    #expect(reader.damagedLines >= 1)
    bench.write([0x55], to: "one/" + file, O_TRUNC)
    #expect(try await store.messages().last == "99")
  }

  @Test("The total is limited: the oldest complete files are removed first, then the streams that were silent longest")
  func total() async throws {
    let store = try bench.open("one", .init(fileBytes: 20_000, totalBytes: 400_000))
    for number in 0..<20 {
      store.say("\(number)", to: .session("s\(number)"))
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    var random = SplitMix(seed: 1)
    for number in 0..<2000 {
      // Random text, which hardly compresses.
      let text = (0..<40).map { _ in String(random.next(), radix: 36) }.joined()
      store.say("\(number) \(text)", to: .coordinator)
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    store.waitForCompression()
    #expect(store.diskBytes <= 400_000)
    var real = 0
    for file in try bench.files() {
      var info = stat()
      stat(bench.directory + "/one/" + file, &info)
      real += Int(info.st_size)
    }
    #expect(real <= 400_000)
    // The silent streams still exist: complete files were removed before them.
    #expect(try await store.messages(LogQuery(streams: [.session("s0")])) == ["0"])
    for number in 0..<60 {
      store.say("late", to: .session("late\(number)"))
      store.say("beside")
      store.flushAll()
      bench.pass(milliseconds: 1)
    }
    store.flushAll()
    #expect(store.diskBytes <= 400_000)
    #expect(try await store.messages(LogQuery(streams: [.session("s0")])).isEmpty)
    #expect(try await store.messages(LogQuery(streams: [.session("late59")])) == ["late"])
    #expect(try await store.messages(LogQuery(streams: [.coordinator])).last == "beside")
  }

  @Test("A file that was removed while open is begun again")
  func removed() async throws {
    let store = try bench.open()
    store.say("gone")
    store.flushAll()
    unlink(bench.directory + "/one/" + (try bench.files()[0]))
    bench.pass(milliseconds: 1)
    store.say("here")
    #expect(try await store.messages() == ["here"])
  }

  @Test(
    "Random appends, rotations, restarts and pauses lose nothing",
    arguments: [1, 2, 3, UInt64.random(in: 0...UInt64.max)])
  func random(seed: UInt64) async throws {
    var random = SplitMix(seed: seed)
    let limits = LogStore.Limits(fileBytes: 3000, fileAge: .seconds(100), openFiles: 3)
    var store: LogStore? = try bench.open("one", limits)
    var model: [LogStream: [LogRecord]] = [:]
    let streams: [LogStream] = [.coordinator, .events, .session("a"), .session("b"), .child("c"), .child("d")]
    for number in 0..<1500 {
      switch Int.random(in: 0..<100, using: &random) {
      case 0:
        store?.closeAll()
        store = try bench.open("one", limits)
      case 1: store?.waitForCompression()
      case 2:
        store?.flushAll()
        bench.pass(milliseconds: Int64.random(in: 0..<200_000, using: &random))
      case 3..<10: store?.flushAll()
      default:
        let stream = streams.randomElement(using: &random)!
        let text = String(repeating: "\"", count: Int.random(in: 0..<200, using: &random))
        var record = store!.record(LogRecord.Level.allCases.randomElement(using: &random)!, "\(number) \(text)")
        store?.append(record, to: stream)
        record.place(in: stream)
        model[stream, default: []].append(record)
        bench.pass(milliseconds: Int64.random(in: 0..<5, using: &random))
      }
    }
    store?.flushAll()
    for stream in streams {
      let back = try await store!.read(LogQuery(streams: [stream])).reduce(into: []) { $0.append($1) }
      #expect(back == model[stream] ?? [], "seed \(seed)")
    }
    try await check(store!, model.values.flatMap { $0 }, &random, seed)
  }

  /// Compares queries with the results of the model.
  private func check(_ store: LogStore, _ model: [LogRecord], _ random: inout SplitMix, _ seed: UInt64) async throws {
    let ordered = model.sorted { ($0.timeMilliseconds, $0.message) < ($1.timeMilliseconds, $1.message) }
    for _ in 0..<40 {
      var query = LogQuery()
      var expected = ordered
      if Bool.random(using: &random) {
        query.since = ordered.randomElement(using: &random)!.timeMilliseconds
        expected.removeAll { $0.timeMilliseconds < query.since! }
      }
      if Bool.random(using: &random) {
        query.until = ordered.randomElement(using: &random)!.timeMilliseconds
        expected.removeAll { $0.timeMilliseconds >= query.until! }
      }
      if Bool.random(using: &random) {
        query.session = "a"
        expected.removeAll { $0.session != "a" }
      }
      if Bool.random(using: &random) {
        query.minimumLevel = .warning
        expected.removeAll { $0.level != .warning && $0.level != .error }
      }
      var back = try await store.read(query).reduce(into: []) { $0.append($1) }
      #expect(zip(back, back.dropFirst()).allSatisfy { $0.timeMilliseconds <= $1.timeMilliseconds })
      back.sort { ($0.timeMilliseconds, $0.message) < ($1.timeMilliseconds, $1.message) }
      #expect(back == expected, "seed \(seed), \(query)")
      let all = try await store.read(query).reduce(into: []) { $0.append($1) }
      query.tail = Int.random(in: 0..<50, using: &random)
      #expect(try await store.read(query).reduce(into: []) { $0.append($1) } == all.suffix(query.tail!), "seed \(seed)")
      query.tail = nil
      query.limit = Int.random(in: 0..<50, using: &random)
      #expect(try await store.read(query).reduce(into: []) { $0.append($1) } == Array(all.prefix(query.limit!)))
    }
  }
}
