import Glibc

/// Finds the positions of the newest matching lines in many files. Reads the files from the most recently written backwards, and
/// only until no other file can contain a newer line: the cost depends on the number of requested lines, not on the number of
/// files.
struct LogTailSearch {
  /// A cursor at the position from which it has some of the lines, or at its end.
  typealias Place = (cursor: LogCursor, hasLines: Bool)

  /// A file that may contain some of the lines.
  private struct Candidate {
    let cursor: Int
    let file: Int64
    /// The latest time at which the last of its lines may have been written.
    let end: Int64
  }

  private let lines: Int
  private let countsEveryLine: Bool
  private var found: [Place] = []
  /// The number of lines found, by cursor.
  private var counts: [Int]
  /// The remaining files, newest last.
  private var candidates: [Candidate] = []
  /// The times of the newest lines so far.
  private var times = NewestTimes()
  /// The file that is being read.
  private var current: (candidate: Candidate, start: LogCursor, cursor: LogCursor)?

  /// - Parameters:
  ///   - cursors: Cursors at their beginnings, with the times at which their files were last written, if known.
  ///   - countsEveryLine: Whether every line matches.
  init(lines: Int, _ cursors: [(cursor: LogCursor, lastWrite: Int64?)], countsEveryLine: Bool) {
    self.lines = lines
    self.countsEveryLine = countsEveryLine
    counts = Array(repeating: 0, count: cursors.count)
    for (index, (cursor, lastWrite)) in cursors.enumerated() {
      let files = cursor.files
      let status = files.last.flatMap { cursor.status($0) }
      let written = lastWrite ?? status.map { Int64(min($0.info.st_mtim.tv_sec, 1 << 48)) * 1000 + 999 } ?? 0
      for (position, file) in files.enumerated() {
        let next = position + 1 < files.count ? files[position + 1] : max(written, file)
        candidates.append(Candidate(cursor: index, file: file, end: next))
      }
      var atEnd = cursor
      atEnd.passAll(status)
      found.append((atEnd, false))
    }
    candidates.sort { ($0.end, $0.file) < ($1.end, $1.file) }
  }

  /// Returns the position at which each cursor begins; nil if the budget was used up before it is known.
  /// - Throws: `LogStoreError.inputOutput` when a file cannot be read.
  mutating func places(_ matcher: LogMatcher, _ budget: inout Int) throws(LogStoreError) -> [Place]? {
    while let (candidate, start, _) = current ?? next() {
      if current == nil { current = (candidate, start, start) }
      while case .record(let record) = try step(matcher, &budget) {
        counts[candidate.cursor] += 1
        times.add(record.timeMilliseconds, keeping: lines)
      }
      guard budget > 0 else { return nil }
      found[candidate.cursor].cursor.begin(where: start)
      found[candidate.cursor].hasLines = true
      current = nil
    }
    return found
  }

  private mutating func step(
    _ matcher: LogMatcher, _ budget: inout Int
  ) throws(LogStoreError) -> LogCursor.Step {
    // Even an empty file costs some work.
    budget -= 1
    return try current!.cursor.next(matcher, budget: &budget)
  }

  /// Returns the next file to read; nil if no other file can contain a line that counts.
  private mutating func next() -> (Candidate, LogCursor, LogCursor)? {
    while let candidate = candidates.popLast() {
      if let oldest = times.oldest(of: lines), candidate.end + LogScan.slackMilliseconds < oldest { return nil }
      guard counts[candidate.cursor] < lines else { continue }
      var cursor = found[candidate.cursor].cursor.alone(candidate.file)
      if countsEveryLine { cursor.seekTail(lines) }
      return (candidate, cursor, cursor)
    }
    return nil
  }
}

/// The newest of many times, as a binary heap with the oldest of them first.
private struct NewestTimes {
  private var heap: [Int64] = []

  /// Returns the oldest of the newest `count` times, if there are as many.
  func oldest(of count: Int) -> Int64? { heap.count >= count ? heap.first ?? .max : nil }

  mutating func add(_ time: Int64, keeping count: Int) {
    if heap.count < count {
      heap.append(time)
      var child = heap.count - 1
      while child > 0, heap[child] < heap[(child - 1) / 2] {
        heap.swapAt(child, (child - 1) / 2)
        child = (child - 1) / 2
      }
    } else if let oldest = heap.first, time > oldest {
      heap[0] = time
      var parent = 0
      while true {
        var child = 2 * parent + 1
        guard child < heap.count else { return }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < heap[parent] else { return }
        heap.swapAt(child, parent)
        parent = child
      }
    }
  }
}
