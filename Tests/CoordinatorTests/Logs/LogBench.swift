import Cluster
import Glibc
import Synchronization
import Testing

@testable import Coordinator

/// A directory for log stores, with a clock that the test moves.
final class LogBench: Sendable {
  let directory: String
  private let time = Mutex(nowMilliseconds())

  init() throws {
    directory = temporaryRoot("logs")
    try makeDirectory(directory)
  }

  deinit {
    // A store that was dropped and not closed may still compress a file.
    for _ in 0..<6000 where (try? removeTree(directory)) == nil { usleep(10_000) }
  }

  /// The time, which passes only when the test says so.
  var now: Int64 { time.withLock { $0 } }

  func pass(milliseconds: Int64) { time.withLock { $0 += milliseconds } }

  func open(_ instance: String = "one", _ limits: LogStore.Limits = .init()) throws -> LogStore {
    try LogStore(directory: directory, instance: instance, limits: limits, now: { [self] in now })
  }

  /// Names of an instance's files, without its lock.
  func files(_ instance: String = "one") throws -> [String] {
    try directoryEntries(directory + "/" + instance).filter { $0 != "lock" }.sorted()
  }

  func write(_ bytes: [UInt8], to file: String, _ flags: Int32 = O_APPEND) {
    let descriptor = Glibc.open(directory + "/" + file, O_WRONLY | O_CREAT | flags, 0o600)
    precondition(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    close(descriptor)
  }

  func read(_ file: String) -> [UInt8] {
    let descriptor = Glibc.open(directory + "/" + file, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return Array(bytes.prefix(max(0, count)))
  }
}

extension LogStore {
  /// Writes out what was appended, however long a machine takes that has much else to do.
  func flushAll() { #expect(flush(within: .seconds(60))) }

  /// Writes out what was appended, and closes.
  func closeAll() { close(within: .seconds(60)) }

  /// Appends a line of now.
  func say(_ text: String, to stream: LogStream = .coordinator, _ level: LogRecord.Level = .info) {
    append(record(level, text), to: stream)
  }

  /// Writes out what was appended and reads the messages that the query finds.
  func messages(_ query: LogQuery = LogQuery()) async throws -> [String] {
    flushAll()
    return try await read(query).reduce(into: []) { $0.append($1.message) }
  }
}

extension LogReader {
  func messages(_ query: LogQuery = LogQuery()) async throws -> [String] {
    try await read(query).reduce(into: []) { $0.append($1.message) }
  }
}

extension AsyncStream {
  /// The next `count` elements.
  func first(_ count: Int) async -> [Element] {
    var elements: [Element] = []
    guard count > 0 else { return [] }
    for await element in self {
      elements.append(element)
      if elements.count == count { break }
    }
    return elements
  }
}

/// A random source that a number repeats (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
