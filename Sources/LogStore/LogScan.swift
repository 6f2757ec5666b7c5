/// Reads the records of many streams, ordered by time. The records of one stream keep the order in which they were written.
struct LogScan {
  /// The files of a stem of an instance.
  struct Place: Hashable {
    var path: String
    var stem: String
  }

  /// The numbers of the files of a place.
  struct Listed {
    var numbers: [Int64]
    /// The time of the last write in milliseconds since 1970; nil if only the file system knows it.
    var lastWrite: Int64?
  }

  /// Lists the files of some streams, by the stems of the streams, or of all (nil).
  typealias Listing = @Sendable (_ streams: Set<String>?) throws(LogStoreError) -> [Place: Listed]

  /// The number of bytes to read before other scans get their turn.
  private static let budget = 4 << 20
  /// The number of records in a batch.
  private static let batch = 256
  /// The total size, in bytes, of all cursors' buffers, unless it is less than a page each.
  private static let bufferBytes = 16 << 20
  /// The maximum number of records in a tail.
  private static let maximumTail = 100_000
  private static let maximumTailBytes = 64 << 20
  /// How far, in milliseconds, a record's time may deviate from its file's time, because it was queued or a clock was set.
  static let slackMilliseconds: Int64 = 60_000

  private let query: LogQuery
  private let matcher: LogMatcher
  private let list: Listing
  private var cursors: [LogCursor] = []
  private var indexes: [Place: Int] = [:]
  /// The next record of every cursor that has one, as a binary heap ordered by time.
  private var heap: [(record: LogRecord, cursor: Int)] = []
  /// Cursors whose next record is unknown.
  private var open: [Int] = []
  private var tail: LogTail?
  /// The running search for the newest lines; nil when their position is known.
  private var search: LogTailSearch?
  private var left: Int

  /// - Throws: `LogStoreError` for an unreadable directory or an invalid pattern.
  init(_ query: LogQuery, list: @escaping Listing) throws(LogStoreError) {
    self.query = query
    self.list = list
    matcher = try LogMatcher(query)
    left = query.limit ?? .max
    tail = query.tail.map { LogTail(lines: min(max(0, $0), Self.maximumTail), bytes: Self.maximumTailBytes) }
    let listing = try refreshed(nil)
    if let lines = tail?.lines {
      search = LogTailSearch(
        lines: lines, cursors.map { ($0, listing[Place(path: $0.path, stem: $0.stem)]?.lastWrite) },
        countsEveryLine: query.takesEveryLine)
    }
  }

  /// Whether the limit of the query is reached.
  var isOver: Bool { left == 0 }

  /// The number of lines so far that could not be read.
  var damagedLines: Int { cursors.reduce(0) { $0 + $1.damagedLines } }

  /// Looks for new files and new lines of some streams, or of all (nil). Call it when there are no more records at the moment.
  mutating func refresh(_ streams: Set<String>?) throws(LogStoreError) { _ = try refreshed(streams) }

  private mutating func refreshed(_ streams: Set<String>?) throws(LogStoreError) -> [Place: Listed] {
    let listing = try list(streams ?? query.stems)
    let chunk = min(64 << 10, max(4 << 10, Self.bufferBytes / max(1, listing.count)))
    // Sorted, so that records of the same time always come in the same order.
    let places = listing.sorted { ($0.key.path, $0.key.stem) < ($1.key.path, $1.key.stem) }
    for (place, listed) in places where matcher.wants(stem: place.stem) {
      let relevant = relevant(listed.numbers)
      if let index = indexes[place] {
        cursors[index].refresh(relevant)
        open.append(index)
      } else {
        indexes[place] = cursors.count
        open.append(cursors.count)
        cursors.append(LogCursor(path: place.path, stem: place.stem, numbers: relevant, chunkBytes: chunk))
      }
    }
    return listing
  }

  /// Returns the files that may contain records of the requested time; a file's number is the time of its beginning.
  private func relevant(_ numbers: [Int64]) -> [Int64] {
    var numbers = numbers[...]
    if let until = query.until { numbers = numbers.prefix { $0 - Self.slackMilliseconds < until } }
    if let since = query.since {
      // Numbers are small, but the times of a query may be any value.
      let first = numbers.lastIndex { $0 + Self.slackMilliseconds <= since } ?? numbers.startIndex
      numbers = numbers[first...]
    }
    return Array(numbers)
  }

  /// Returns the next records, possibly none yet; nil if there are no more at the moment.
  mutating func nextBatch() throws(LogStoreError) -> [LogRecord]? {
    var records: [LogRecord] = []
    var budget = Self.budget
    guard try findTail(&budget) else { return [] }
    while records.count < Self.batch, left > 0 {
      guard try prime(&budget) else { return records }
      guard let (record, cursor) = pop() else {
        let held = tail?.records ?? []
        tail = nil
        records += held.prefix(left)
        left -= min(left, held.count)
        return records.isEmpty ? nil : records
      }
      open.append(cursor)
      if tail == nil {
        records.append(record)
        left -= 1
      } else {
        tail!.append(record)
      }
    }
    return records.isEmpty ? nil : records
  }

  /// Moves to the newest lines; returns false if the budget was used up before.
  private mutating func findTail(_ budget: inout Int) throws(LogStoreError) -> Bool {
    guard var search = search.take() else { return true }
    guard let places = try search.places(matcher, &budget) else {
      self.search = search
      return false
    }
    cursors = places.map(\.cursor)
    // Cursors without any of these lines are at their ends; they are read when they have new lines.
    open = places.indices.filter { places[$0].hasLines }
    return true
  }

  /// Finds the next record of every cursor; returns false if the budget was used up before.
  private mutating func prime(_ budget: inout Int) throws(LogStoreError) -> Bool {
    while let index = open.last {
      switch try cursors[index].next(matcher, budget: &budget) {
      case .record(let record): push((record, index))
      case .end: break
      case .pause: return false
      }
      open.removeLast()
    }
    return true
  }

  // MARK: The heap

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (heap[a].record.timeMilliseconds, heap[a].cursor) < (heap[b].record.timeMilliseconds, heap[b].cursor)
  }

  private mutating func push(_ entry: (record: LogRecord, cursor: Int)) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0, isBefore(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func pop() -> (record: LogRecord, cursor: Int)? {
    guard !heap.isEmpty else { return nil }
    heap.swapAt(0, heap.count - 1)
    let least = heap.removeLast()
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { return least }
      if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
      guard isBefore(child, parent) else { return least }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}

/// The newest records of a scan, limited in number and bytes.
struct LogTail {
  let lines: Int
  let bytes: Int
  private var ring: [LogRecord] = []
  private var first = 0
  private var held = 0

  init(lines: Int, bytes: Int) {
    self.lines = lines
    self.bytes = bytes
  }

  /// The records, oldest first.
  var records: [LogRecord] { Array(ring[first...]) }

  /// Adds a record and drops the oldest ones beyond the limits.
  mutating func append(_ record: LogRecord) {
    ring.append(record)
    held += record.queueBytes
    while ring.count - first > lines || held > bytes, first < ring.count {
      held -= ring[first].queueBytes
      ring[first].message = ""
      first += 1
    }
    guard first > 1024, first > ring.count / 2 else { return }
    ring.removeFirst(first)
    first = 0
  }
}
