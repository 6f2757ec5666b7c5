@preconcurrency import Dispatch
import Synchronization

/// The records that match a query, ordered by time. Each iterator reads them again.
public struct LogRecords: AsyncSequence, Sendable {
  /// Reads the records one after the other.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let reading: LogReading
    private var batch: ArraySlice<LogRecord> = []

    fileprivate init(_ reading: LogReading) { self.reading = reading }

    /// Returns the next record; nil at the end.
    /// - Throws: `LogStoreError.inputOutput` when a file cannot be read; `CancellationError`.
    public mutating func next() async throws -> LogRecord? {
      while batch.isEmpty {
        try Task.checkCancellation()
        guard let next = try await reading.nextBatch() else { return nil }
        batch = next[...]
      }
      return batch.removeFirst()
    }

    /// The number of lines so far that could not be read, for example incomplete lines left by a killed process.
    public var damagedLines: Int { reading.damagedLines }
  }

  let query: LogQuery
  private let queue: DispatchQueue
  private let list: LogScan.Listing

  /// - Throws: `LogStoreError.invalidArgument` for an invalid pattern.
  init(_ query: LogQuery, on queue: DispatchQueue, list: @escaping LogScan.Listing) throws(LogStoreError) {
    _ = try LogMatcher(query)
    self.query = query
    self.queue = queue
    self.list = list
  }

  /// Begins to read.
  public func makeAsyncIterator() -> Iterator { Iterator(LogReading(query, on: queue, list: list)) }

  /// Returns existing and future elements, each once. `news` suspends until there is something new, and returns nil at the end.
  func followed<Element: Sendable>(
    by news: @escaping @Sendable () async -> LogHub.News?, as transform: @escaping @Sendable (LogRecord) -> Element,
    onEnd: @escaping @Sendable () -> Void
  ) -> AsyncStream<Element> {
    let reading = LogReading(query, on: queue, list: list)
    reading.begin()
    let follower = LogFollower(reading, news: news, onEnd: onEnd)
    return AsyncStream { await follower.next().map(transform) }
  }
}

/// A running scan, on a queue for work that waits for the disk.
private final class LogReading: Sendable {
  private let query: LogQuery
  private let queue: DispatchQueue
  private let list: LogScan.Listing
  /// Created on the queue, so that no task waits for the disk before.
  private let scan = Mutex<LogScan?>(nil)

  init(_ query: LogQuery, on queue: DispatchQueue, list: @escaping LogScan.Listing) {
    self.query = query
    self.queue = queue
    self.list = list
  }

  var damagedLines: Int { scan.withLock { $0?.damagedLines ?? 0 } }

  /// Fixes the position at which reading begins, before the first record is requested.
  func begin() {
    queue.async { [self] in
      scan.withLock { scan in
        if scan == nil { scan = try? LogScan(query, list: list) }
      }
    }
  }

  /// Returns the next records, possibly none yet; nil if there are no more at the moment.
  func nextBatch() async throws -> [LogRecord]? {
    try await onQueue { scan in try scan.nextBatch() }
  }

  /// Looks for new records.
  func refresh(_ stems: Set<String>?) async throws {
    try await onQueue { scan in try scan.refresh(stems) }
  }

  /// Returns the matching records among those that could not be written to disk.
  func wanted(_ unwritten: [(stem: String, record: LogRecord)]) -> [LogRecord] {
    guard !unwritten.isEmpty, let matcher = try? LogMatcher(query) else { return [] }
    return unwritten.filter { matcher.wants($0.record, stem: $0.stem) }.map(\.record)
  }

  /// Whether the limit of the query is reached.
  var isOver: Bool { scan.withLock { $0?.isOver ?? false } }

  private func onQueue<R: Sendable>(_ work: @escaping @Sendable (inout LogScan) throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in
        continuation.resume(
          with: Result {
            try scan.withLock { scan in
              if scan == nil { scan = try LogScan(query, list: list) }
              return try work(&scan!)
            }
          })
      }
    }
  }
}

/// Reads to the end, waits for news, and continues. No records are kept in memory for it: a slow reader reads from disk.
private final class LogFollower: Sendable {
  private let reading: LogReading
  private let news: @Sendable () async -> LogHub.News?
  private let onEnd: @Sendable () -> Void
  private let state = Mutex(State())

  private struct State {
    var batch: ArraySlice<LogRecord> = []
    var latest = LogHub.News()
  }

  init(
    _ reading: LogReading, news: @escaping @Sendable () async -> LogHub.News?, onEnd: @escaping @Sendable () -> Void
  ) {
    self.reading = reading
    self.news = news
    self.onEnd = onEnd
  }

  deinit { onEnd() }

  func next() async -> LogRecord? {
    while !Task.isCancelled {
      if let record = state.withLock({ $0.batch.popFirst() }) { return record }
      // A directory that cannot be read now may be readable at the next wake-up.
      if let batch = try? await reading.nextBatch() {
        state.withLock { $0.batch = batch[...] }
        continue
      }
      if reading.isOver { return nil }
      let unwritten = state.withLock { state in
        defer { state.latest.unwritten = [] }
        return reading.wanted(state.latest.unwritten)
      }
      if !unwritten.isEmpty {
        state.withLock { $0.batch = unwritten[...] }
        continue
      }
      if state.withLock({ $0.latest.isLast }) { return nil }
      guard let latest = await news() else { return nil }
      state.withLock { $0.latest = latest }
      try? await reading.refresh(latest.stems)
    }
    return nil
  }
}
