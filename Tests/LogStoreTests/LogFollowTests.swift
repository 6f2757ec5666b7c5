import Engines
import Synchronization
import TestSupport
import Testing
import Turns

@testable import Coordinator
@testable import LogStore

@Suite("Following logs", .takesTurns, .timeLimit(.minutes(5)))
struct LogFollowTests {
  let bench: LogBench

  init() throws { bench = try LogBench() }

  @Test("A follower receives existing and new lines, each once and in order, across rotations")
  func acrossRotations() async throws {
    let store = try bench.open("one", .init(fileBytes: 3000, queuedRecords: 100_000))
    for number in 0..<500 { store.say("\(number)") }
    store.flushAll()
    let lines = try store.follow(LogQuery())
    let writer = Task {
      for number in 500..<3000 {
        store.say("\(number)", to: number % 7 == 0 ? .events : .coordinator)
        if number % 10 == 0 { store.flushAll() }
      }
    }
    let back = await lines.first(3000).map { Int($0.message)! }
    await writer.value
    #expect(back.filter { $0 < 500 || $0 % 7 != 0 } == (0..<3000).filter { $0 < 500 || $0 % 7 != 0 })
    #expect(back.sorted() == Array(0..<3000))
  }

  @Test("A slow reader receives every line from disk")
  func slowReader() async throws {
    let store = try bench.open("one", .init(fileBytes: 50_000, queuedRecords: 100_000))
    var lines = try store.follow(LogQuery(streams: [.session("s")])).makeAsyncIterator()
    store.say("0", to: .session("s"))
    #expect(await lines.next()?.message == "0")
    for number in 1..<20_000 { store.say("\(number)", to: .session("s")) }
    store.flushAll()
    store.waitForCompression()
    for number in 1..<20_000 {
      let line = await lines.next()?.message
      guard line == "\(number)" else {
        Issue.record("line \(number) is \(line ?? "missing")")
        return
      }
    }
  }

  @Test("A follower of all streams sees streams that begin later, and only matching records")
  func newStreams() async throws {
    let store = try bench.open()
    var query = LogQuery()
    query.minimumLevel = .error
    query.pattern = "^wanted [0-9]+$"
    let lines = try store.follow(query)
    for number in 0..<200 {
      store.say("wanted \(number)", to: .child("c\(number)"), number % 2 == 0 ? .error : .info)
      store.say("other", to: .child("c\(number)"), .error)
    }
    let back = await lines.first(100).map(\.message)
    #expect(Set(back) == Set((0..<100).map { "wanted \(2 * $0)" }))
  }

  @Test("A follower ends when its task is cancelled, when it stops, and at its limit")
  func ends() async throws {
    let store = try bench.open()
    store.say("a")
    store.flushAll()
    let lines = try store.follow(LogQuery())
    let reader = Task { await lines.reduce(into: 0) { count, _ in count += 1 } }
    var query = LogQuery()
    query.limit = 3
    let limited = try store.follow(query)
    for await _ in try store.follow(LogQuery()) { break }
    store.say("b")
    store.say("c")
    store.say("d")
    #expect(await limited.reduce(into: []) { $0.append($1.message) } == ["a", "b", "c"])
    reader.cancel()
    #expect(await reader.value <= 4)
  }

  @Test("Another process follows by polling, across rotations and instances")
  func otherProcess() async throws {
    let one = try bench.open("one", .init(fileBytes: 2000))
    one.say("0")
    one.flushAll()
    let lines = try LogReader(directory: bench.directory).follow(LogQuery())
    let reader = Task { await lines.first(300).map { Int($0.message)! } }
    for number in 1..<200 {
      one.say("\(number)")
      one.flushAll()
    }
    one.waitForCompression()
    let two = try bench.open("two")
    for number in 200..<300 { two.say("\(number)") }
    let back = await reader.value
    #expect(back.filter { $0 < 200 } == Array(0..<200))
    #expect(back.filter { $0 >= 200 } == Array(200..<300))
  }

  @Test("A reader whose next lines were removed for lack of room continues with the remaining lines")
  func evicted() async throws {
    let store = try bench.open("one", .init(fileBytes: 20_000, totalBytes: 400_000, queuedRecords: 100_000))
    var lines = try store.follow(LogQuery()).makeAsyncIterator()
    store.say("0")
    #expect(await lines.next()?.message == "0")
    var random = SplitMix(seed: 3)
    for number in 1..<5000 {
      store.say("\(number) \(random.next()) \(random.next())")
      if number % 50 == 0 { store.flushAll() }
    }
    store.flushAll()
    store.closeAll()
    var numbers: [Int] = []
    while let line = await lines.next() { numbers.append(Int(line.message.prefix { $0 != " " })!) }
    #expect(numbers.last == 4999)
    #expect(numbers.count < 4999 && numbers.count > 100)
    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("Followers end when the store is closed, including later ones")
  func closedStore() async throws {
    let store = try bench.open()
    let lines = try store.follow(LogQuery())
    store.say("last")
    store.closeAll()
    store.say("dropped")
    #expect(await lines.reduce(into: []) { $0.append($1.message) } == ["last"])
    #expect(await (try store.follow(LogQuery())).reduce(into: []) { $0.append($1.message) } == ["last"])
  }

  @Test("A deeply nested pattern is matched safely")
  func deepPattern() async throws {
    let store = try bench.open()
    store.say("caat")
    var query = LogQuery()
    query.pattern = String(repeating: "(", count: 50) + "a+" + String(repeating: ")", count: 50) + "t$"
    #expect(try await store.messages(query) == ["caat"])
  }

  @Test("An invalid or overlong pattern is rejected with the reason")
  func patterns() throws {
    let store = try bench.open()
    for pattern in ["(", "[", String(repeating: "(", count: 10_000), String(repeating: "(", count: 250)] {
      var query = LogQuery()
      query.pattern = pattern
      let error = #expect(throws: LogStoreError.self) { try store.read(query) }
      #expect(error?.code == .invalidArgument)
    }
  }
}

@Suite("The log of a session", .takesTurns, .timeLimit(.minutes(5)))
struct SessionLogTests {
  let bench: LogBench

  init() throws { bench = try LogBench() }

  @Test("Readers receive earlier and later lines, and end when the session closes")
  func readers() async throws {
    let log = SessionLog(store: try bench.open(), session: "s")
    log.info("early")
    let stream = log.lines()
    log.error("late")
    log.close()
    log.info("too late")
    var lines: [LogLine] = []
    for await line in stream { lines.append(line) }
    #expect(lines == [LogLine(.info, "early"), LogLine(.error, "late")])
    var after = 0
    for await _ in log.lines() { after += 1 }
    #expect(after == 2)
  }

  @Test("A reader receives the newest existing lines, including those of an earlier process, of its session only")
  func restart() async throws {
    let store = try bench.open("one", .init(fileBytes: 20_000))
    let count = 3 * SessionLog.capacity
    for number in 0..<count {
      store.say("\(number)", to: .session("s"))
      store.say("other", to: .session("t"))
      if number % 100 == 0 { store.flushAll() }
    }
    store.waitForCompression()
    store.closeAll()
    let log = SessionLog(store: try bench.open(), session: "s")
    let stream = log.lines()
    log.info("\(count)")
    var lines: [String] = []
    for await line in stream {
      lines.append(line.text)
      if line.text == "\(count)" { log.close() }
    }
    // The new line may or may not count as existing.
    let first = try #require(lines.first.flatMap { Int($0) })
    #expect(first == count - SessionLog.capacity || first == count - SessionLog.capacity + 1)
    #expect(lines == (first...count).map(String.init))
  }

  @Test("A line is cut where it becomes too long")
  func long() async throws {
    let log = SessionLog(store: try bench.open(), session: "s")
    log.info(String(repeating: "x", count: 10 * LogRecord.maximumMessageBytes))
    log.close()
    for await line in log.lines() { #expect(line.text.utf8.count == LogRecord.maximumMessageBytes) }
  }

  @Test("Lines about a step name the step")
  func steps() async throws {
    let store = try bench.open()
    let log = SessionLog(store: store, session: "s")
    log.about(step: "load").info("50%")
    log.info("plain")
    var query = LogQuery()
    query.step = "load"
    #expect(try await store.messages(query) == ["50%"])
    query = LogQuery()
    query.session = "s"
    #expect(try await store.messages(query) == ["50%", "plain"])
  }

  @Test("Thousands of readers wait at once, and each one wakes for its own lines")
  func manyReaders() async throws {
    let store = try bench.open("one", .init(queuedRecords: 100_000))
    let logs = (0..<2000).map { SessionLog(store: store, session: "s\($0)") }
    let counts = await withTaskGroup(of: [String].self) { group in
      for log in logs {
        let lines = log.lines()
        group.addTask { await lines.reduce(into: []) { $0.append($1.text) } }
      }
      for (number, log) in logs.enumerated() {
        log.info("\(number)")
        log.close()
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(counts.allSatisfy { $0.count == 1 })
    let expected = Set((0..<2000).map { String($0) })
    #expect(Set(counts.joined()) == expected)
  }
}
