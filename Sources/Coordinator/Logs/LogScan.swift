/// Reads the records of many streams in the order of their times. A stream's own records stay in the order in which they
/// were written.
struct LogScan {
  /// A stream of an instance.
  struct Place: Hashable {
    var path: String
    var stem: String
  }

  /// Lists the files of some streams, or of all.
  typealias Listing = @Sendable (_ stems: Set<String>?) throws(CoordinatorError) -> [Place: [Int64]]

  /// Bytes that are read before others get their turn.
  private static let budget = 4 << 20
  /// Records of a batch.
  private static let batch = 256
  /// What all cursors' buffers may take, in bytes, while it is more than a page each.
  private static let bufferBytes = 16 << 20
  /// What a tail may hold.
  private static let maximumTail = 100_000
  private static let maximumTailBytes = 64 << 20
  /// Records that are far from their file's beginning in time, because they waited or a clock was set.
  private static let slackMilliseconds: Int64 = 60_000

  private let query: LogQuery
  private let matcher: LogMatcher
  private let list: Listing
  private var cursors: [LogCursor] = []
  private var indexes: [Place: Int] = [:]
  /// The next record of every cursor that has one, as a binary heap by time.
  private var heap: [(record: LogRecord, cursor: Int)] = []
  /// Cursors whose next record is not known.
  private var open: [Int] = []
  private var tail: LogTail?
  private var left: Int

  /// - Throws: `CoordinatorError` for an unreadable directory or a bad pattern.
  init(_ query: LogQuery, list: @escaping Listing) throws(CoordinatorError) {
    self.query = query
    self.list = list
    matcher = try LogMatcher(query)
    left = query.limit ?? .max
    tail = query.tail.map { LogTail(lines: min(max(0, $0), Self.maximumTail), bytes: Self.maximumTailBytes) }
    try refresh(nil)
    if query.takesEveryLine, let lines = tail?.lines {
      for index in cursors.indices { cursors[index].seekTail(lines) }
    }
  }

  /// Whether the query's limit is reached.
  var isOver: Bool { left == 0 }

  /// Lines that could not be read so far.
  var damagedLines: Int { cursors.reduce(0) { $0 + $1.damagedLines } }

  /// Looks for new files and new lines: of these streams, or of all. To be called when there are no more at the moment.
  mutating func refresh(_ stems: Set<String>?) throws(CoordinatorError) {
    let listing = try list(stems ?? query.stems)
    let chunk = min(64 << 10, max(4 << 10, Self.bufferBytes / max(1, listing.count)))
    // Ordered, so that records of the same time come in the same order every time.
    let places = listing.sorted { ($0.key.path, $0.key.stem) < ($1.key.path, $1.key.stem) }
    for (place, numbers) in places where matcher.wants(stem: place.stem) {
      let relevant = relevant(numbers)
      if let index = indexes[place] {
        cursors[index].refresh(relevant)
        open.append(index)
      } else {
        indexes[place] = cursors.count
        open.append(cursors.count)
        cursors.append(LogCursor(path: place.path, stem: place.stem, numbers: relevant, chunkBytes: chunk))
      }
    }
  }

  /// Files that may hold records of the wanted time: a file's number is the time of its beginning.
  private func relevant(_ numbers: [Int64]) -> [Int64] {
    var numbers = numbers[...]
    if let until = query.until { numbers = numbers.prefix { $0 - Self.slackMilliseconds < until } }
    if let since = query.since {
      // Numbers are small; the times of a query may be any.
      let first = numbers.lastIndex { $0 + Self.slackMilliseconds <= since } ?? numbers.startIndex
      numbers = numbers[first...]
    }
    return Array(numbers)
  }

  /// The next records, possibly none yet; nil when there are no more at the moment.
  mutating func nextBatch() throws(CoordinatorError) -> [LogRecord]? {
    var records: [LogRecord] = []
    var budget = Self.budget
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

  /// Finds the next record of every cursor; false when the budget was used up before.
  private mutating func prime(_ budget: inout Int) throws(CoordinatorError) -> Bool {
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

/// The newest records of a scan, bounded in number and bytes.
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

  /// What is held, oldest first.
  var records: [LogRecord] { Array(ring[first...]) }

  /// Takes a record and lets go of the oldest ones.
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
