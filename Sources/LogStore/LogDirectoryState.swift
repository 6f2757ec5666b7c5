/// The contents of a log directory, and the choice of the files to remove when they are too large.
struct LogDirectoryState {
  typealias Files = LogDirectory.Files
  typealias Segment = LogDirectory.Segment

  /// The files by stem.
  var files: [String: Files] = [:]
  /// The stems of each stream.
  private(set) var stems: [String: Set<String>] = [:]
  /// The disk usage of all files in bytes.
  private(set) var diskBytes = 0
  /// The disk usage in bytes, and the number of files, without the audit trail.
  private(set) var sharedBytes = 0
  private(set) var sharedCount = 0

  init(_ streams: [String: Files]) {
    for (stem, files) in streams {
      for segment in files.segments { append(segment, to: stem) }
      self.files[stem]!.lastWrite = files.lastWrite
    }
  }

  mutating func append(_ segment: Segment, to stem: String) {
    files[stem, default: Files()].segments.append(segment)
    stems[LogFileName.streamStem(stem), default: []].insert(stem)
    count(segment, of: stem, 1)
  }

  mutating func change(_ stem: String, _ index: Int, _ body: (inout Segment) -> Void) {
    count(files[stem]!.segments[index], of: stem, -1)
    body(&files[stem]!.segments[index])
    count(files[stem]!.segments[index], of: stem, 1)
  }

  private mutating func remove(_ stem: String, _ number: Int64) -> LogFileName? {
    guard let index = files[stem]?.segments.firstIndex(where: { $0.number == number }) else { return nil }
    let segment = files[stem]!.segments.remove(at: index)
    count(segment, of: stem, -1)
    if files[stem]!.segments.isEmpty {
      files[stem] = nil
      let stream = LogFileName.streamStem(stem)
      stems[stream]?.remove(stem)
      if stems[stream]?.isEmpty == true { stems[stream] = nil }
    }
    return LogFileName(stem: stem, number: segment.number, isCompressed: segment.isCompressed)
  }

  private mutating func count(_ segment: Segment, of stem: String, _ sign: Int) {
    diskBytes += sign * segment.diskBytes
    guard !LogFileName.isAudit(stem) else { return }
    sharedBytes += sign * segment.diskBytes
    sharedCount += sign
  }

  // MARK: Removal

  /// Removes the oldest complete files of a stem from the list until the others fit.
  mutating func trim(_ stem: String, to bound: Int) -> [LogFileName] {
    var victims: [LogFileName] = []
    while let files = files[stem], files.segments.count > 1, files.diskBytes > bound {
      if let victim = remove(stem, files.segments[0].number) { victims.append(victim) }
    }
    return victims
  }

  /// A file that may be removed.
  private struct Candidate {
    /// Whether it is the newest file of its stem.
    let isLast: Bool
    /// The time at which it was begun or, for a last file, last written.
    let time: Int64
    let stem: String
    let number: Int64
    let size: Int
  }

  /// Removes files from the list, except those of the audit trail, until the others fit into `bound`. The owner with the most is
  /// first, and no owner drops below the level of the others. An owner's oldest complete files are removed first, then the last
  /// files of its least recently written streams.
  mutating func evict(downTo bound: Int, measure: (Segment) -> Int) -> [LogFileName] {
    var owned: [String: (size: Int, files: [Candidate])] = [:]
    for (stem, files) in files where !LogFileName.isAudit(stem) {
      let owner = LogFileName.owner(stem)
      for segment in files.segments {
        let isLast = segment.number == files.segments.last?.number
        let candidate = Candidate(
          isLast: isLast, time: isLast ? files.lastWrite : segment.number, stem: stem, number: segment.number,
          size: measure(segment))
        owned[owner, default: (0, [])].size += candidate.size
        owned[owner]!.files.append(candidate)
      }
    }
    let level = Self.level(owned.values.map(\.size), sum: bound)
    var excess = owned.values.reduce(0) { $0 + $1.size } - bound
    var victims: [LogFileName] = []
    for (var size, files) in owned.values.sorted(by: { $0.size > $1.size }) where size > level {
      for candidate in files.sorted(by: { ($0.isLast ? 1 : 0, $0.time) < ($1.isLast ? 1 : 0, $1.time) }) {
        guard size > level, excess > 0 else { break }
        size -= candidate.size
        excess -= candidate.size
        if let victim = remove(candidate.stem, candidate.number) { victims.append(victim) }
      }
    }
    return victims
  }

  /// Returns the level to which all sizes are reduced so that their sum is at most `sum`; smaller sizes are not reduced.
  static func level(_ sizes: [Int], sum: Int) -> Int {
    var left = sum
    let sorted = sizes.sorted()
    for (index, size) in sorted.enumerated() {
      let share = left / (sorted.count - index)
      guard size <= share else { return share }
      left -= size
    }
    return .max
  }
}
