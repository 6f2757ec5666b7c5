import Glibc
import Support
import Synchronization
import TestSupport
import Testing

@testable import LogStore

/// A directory for log stores, with a clock that the test sets.
final class LogBench: Sendable {
  let directory: String
  private let startTime = nowMilliseconds()
  private let time: Mutex<Int64>

  init() throws {
    time = Mutex(startTime)
    directory = temporaryRoot("logs")
    try Directories.make(directory)
  }

  deinit {
    // A store that was released without being closed may still be compressing a file.
    for _ in 0..<6000 where (try? Directories.remove(directory)) == nil { usleep(10_000) }
  }

  /// The time, which only the test advances.
  var now: Int64 { time.withLock { $0 } }

  func pass(milliseconds: Int64) { time.withLock { $0 += milliseconds } }

  func open(_ instance: String = "one", _ limits: LogStore.Limits = .init()) throws -> LogStore {
    if now > startTime { try agree(with: instance) }
    return try LogStore(directory: directory, instance: instance, limits: limits, now: { [self] in now })
  }

  /// Waits until the file system's clock has reached the test's clock, so that no file was modified later than the test's time.
  private func agree(with instance: String) throws {
    let seconds = timespec(tv_sec: Int(now / 1000) + 1, tv_nsec: 0)
    for name in (try? files(instance)) ?? [] {
      utimensat(AT_FDCWD, directory + "/\(instance)/\(name)", [seconds, seconds], AT_SYMLINK_NOFOLLOW)
    }
  }

  /// Returns the names of an instance's files, without its lock.
  func files(_ instance: String = "one") throws -> [String] {
    try Directories.entries(directory + "/" + instance).filter { $0 != "lock" }.sorted()
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
  /// Writes everything that was appended, with a limit that allows for a busy machine.
  func flushAll() { #expect(flush(within: .seconds(60))) }

  /// Writes everything that was appended, and closes.
  func closeAll() { close(within: .seconds(60)) }

  /// Appends a line with the current time.
  func say(_ text: String, to stream: LogStream = .coordinator, _ level: LogRecord.Level = .info) {
    append(record(level, text), to: stream)
  }

  /// Writes everything that was appended, and returns the messages that match the query.
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
  /// Returns the next `count` elements.
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
