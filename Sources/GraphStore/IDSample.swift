import Glibc

/// A sample of a table's ids, in runs of consecutive rows, and the conclusions it allows about all ids.
struct IDSample: Sendable {
  /// The number of rows in the table, and whether the sample contains all of them.
  var rowCount = 0.0
  var isWhole = false
  /// Whether all ids are integers and, if so, the least and the greatest of them.
  private(set) var isInteger = true
  private(set) var least = Int64.max
  private(set) var greatest = Int64.min
  private var first: Int64?
  /// Whether ids never decrease, and whether each is one more than its predecessor in the run.
  private var isAscending = true
  private var isContiguous = true
  /// The number of rows whose id differs from the previous row of the run.
  private var changes = 0
  private var hashes: [UInt64] = []
  private var previousHash: UInt64?
  private var previousInteger: Int64?
  private var startsRun = true

  /// Ids come from outside; with a secret seed, they cannot be chosen to make the sample's hash table slow.
  private static let hash = WordHash(seed: .random(in: .min ... .max))

  /// The number of ids.
  var count: Int { hashes.count }

  /// Begins a run. The following ids are not adjacent to the previous ones.
  mutating func startRun() { startsRun = true }

  mutating func add(_ text: UnsafeRawBufferPointer) {
    if let integer = Self.integer(text) { return add(integer) }
    isInteger = false
    append(Self.hash(text))
  }

  mutating func add(_ integer: Int64) {
    if let previous = previousInteger {
      isAscending = isAscending && integer >= previous
      isContiguous = isContiguous && (startsRun ? integer > previous : integer == previous &+ 1)
    } else {
      first = integer
    }
    previousInteger = integer
    least = min(least, integer)
    greatest = max(greatest, integer)
    append(Self.hash(UInt64(bitPattern: integer)))
  }

  private mutating func append(_ hash: UInt64) {
    if startsRun || hash != previousHash { changes += 1 }
    previousHash = hash
    startsRun = false
    hashes.append(hash)
  }

  private static func integer(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard let head = text.first, text.count <= 18 else { return nil }
    let isNegative = head == UInt8(ascii: "-")
    var value: Int64 = 0
    for byte in text.dropFirst(isNegative ? 1 : 0) {
      guard byte &- 48 < 10 else { return nil }
      value = value &* 10 &+ Int64(byte &- 48)
    }
    return text.count == (isNegative ? 1 : 0) ? nil : isNegative ? 0 &- value : value
  }

  // MARK: Estimates

  /// The estimated number of integers from the least id to the greatest; nil for text.
  var range: Double? {
    guard isInteger, count > 0 else { return nil }
    let seen = Double(greatest) - Double(least) + 1
    // If ids are drawn at random, the extremes of n ids lie one gap inside the extremes of all.
    return isWhole || isAscending ? seen : seen * (1 + 2 / Double(count))
  }

  /// The number of digits of the longest integer.
  var digits: Int { count == 0 ? 0 : max(String(least).utf8.count, String(greatest).utf8.count) }

  /// Whether the ids seem to count up from the first to the last.
  var countsUp: Bool {
    guard isInteger, isContiguous, let range, let first, first == least else { return false }
    return isWhole ? range == rowCount : abs(range - rowCount) <= 0.02 * rowCount
  }

  /// Returns the distinct ids of the sample and how often they occur.
  func occurrences() -> Occurrences { Occurrences(hashes) }

  /// Estimates the number of distinct ids in the whole table.
  ///
  /// If equal ids are adjacent, it is the number of their runs. Otherwise, rows are treated as draws from an unknown number of
  /// ids, which is estimated from the ids drawn once and twice (A. Chao, "Nonparametric estimation of the number of classes in a
  /// population", 1984).
  func distinctCount(_ sample: Occurrences) -> Double {
    guard count > 0 else { return 0 }
    if isWhole { return Double(sample.count) }
    let repeated = changes - sample.count
    var distinct: Double
    if isInteger && isAscending || repeated < 8 {
      distinct = Double(changes) / Double(count) * rowCount
    } else {
      let (once, twice) = (Double(sample.once), Double(sample.twice))
      let population = Double(sample.count) + once * (once - 1) / (2 * (twice + 1))
      distinct = population * (1 - exp(-rowCount / population))
    }
    if let range { distinct = min(distinct, range) }
    return max(Double(sample.count), min(distinct, rowCount))
  }

  /// How often the ids of a sample occur in it.
  struct Occurrences {
    /// The number of distinct ids, and of ids that occur once and twice.
    private(set) var count = 0
    private(set) var once = 0
    private(set) var twice = 0
    private var slots: [(hash: UInt64, times: UInt32)]

    init(_ hashes: [UInt64]) {
      var size = 16
      while size < 2 * hashes.count { size *= 2 }
      slots = [(hash: UInt64, times: UInt32)](repeating: (0, 0), count: size)
      for hash in hashes {
        let place = self.place(of: hash)
        slots[place] = (hash, slots[place].times + 1)
        switch slots[place].times {
        case 1: (count, once) = (count + 1, once + 1)
        case 2: (once, twice) = (once - 1, twice + 1)
        case 3: twice -= 1
        default: break
        }
      }
    }

    private func place(of hash: UInt64) -> Int {
      var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[place].times > 0, slots[place].hash != hash { place = (place + 1) & (slots.count - 1) }
      return place
    }

    /// Returns the number of ids of this sample that the other sample contains, too.
    func shared(with other: Occurrences) -> Int {
      slots.reduce(0) { $0 + ($1.times > 0 && other.slots[other.place(of: $1.hash)].times > 0 ? 1 : 0) }
    }
  }
}

extension IDSample {
  /// Returns the number of integers in the combined range of several columns; nil if some ids are not integers.
  static func range(of columns: [IDSample]) -> Double? {
    let columns = columns.filter { $0.count > 0 }
    guard !columns.isEmpty, columns.allSatisfy(\.isInteger) else { return nil }
    let seen = Double(columns.map(\.greatest).max()!) - Double(columns.map(\.least).min()!) + 1
    return max(seen, columns.map { $0.range! }.max()!)
  }

  /// Estimates the number of distinct ids of several columns together. The overlap of two columns is estimated from the overlap
  /// of their samples (the method of Lincoln and Petersen); if the samples are too small for that, the smaller set is assumed to
  /// be a part of the larger.
  static func distinctCount(of columns: [IDSample]) -> Double {
    var all = 0.0
    var largest: (sample: Occurrences, distinct: Double)?
    for column in columns where column.count > 0 {
      let sample = column.occurrences()
      let distinct = column.distinctCount(sample)
      guard let other = largest else {
        (all, largest) = (distinct, (sample, distinct))
        continue
      }
      let smaller = min(distinct, other.distinct)
      let seen = Double(sample.count) * Double(other.sample.count)
      var common = smaller
      if seen / max(distinct, other.distinct) >= 8 {
        common = min(smaller, Double(sample.shared(with: other.sample)) * distinct * other.distinct / seen)
      }
      all += distinct - common
      if distinct > other.distinct { largest = (sample, distinct) }
    }
    return all
  }
}
