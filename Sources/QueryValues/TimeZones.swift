import Glibc
import Synchronization

/// The time zones that the system knows, from its files of the IANA database.
public enum TimeZones {
  /// The folder of the database.
  private static let folder = "/usr/share/zoneinfo/"
  /// The largest file that is read; the largest of the database has 4 kB.
  private static let largestFile = 1 << 18

  private static let cache = Mutex<[String: ZoneRules]>([:])

  /// The zone of a name such as `Europe/Stockholm`.
  static func zone(named name: String) throws(QueryError) -> Zone { .named(name, try rules(of: name)) }

  private static func rules(of name: String) throws(QueryError) -> ZoneRules {
    if let rules = cache.withLock({ $0[name] }) { return rules }
    guard isSafe(name), let bytes = read(folder + name), let rules = ZoneRules(file: bytes) else {
      throw QueryError(
        .argument, detail: "InvalidArgumentValue",
        "The time zone '\(name.prefix(60))' is not in \(folder); use an offset such as '+01:00', or a name such as "
          + "'Europe/Stockholm' (the package tzdata has them)")
    }
    cache.withLock { $0[name] = rules }
    return rules
  }

  /// Whether a name stays inside of the folder.
  private static func isSafe(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count), name.first != "/" else { return false }
    let allowed = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "/"):
        true
      default: false
      }
    }
    return allowed
  }

  private static func read(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: largestFile)
    var count = 0
    while count < bytes.count {
      let taken = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      if taken < 0 { return nil }
      if taken == 0 { return Array(bytes[..<count]) }
      count += taken
    }
    return nil
  }
}

/// The offsets of a place over time, from a file of the IANA database (TZif, RFC 9636).
struct ZoneRules: Sendable {
  private let transitions: [Int64]
  private let offsets: [Int32]
  private let first: Int32
  /// The rule for instants behind the last transition.
  private let later: RecurringRule?

  /// Reads a file of version 2 or later; nil if it is none.
  init?(file bytes: [UInt8]) {
    guard bytes.count >= 44, Array(bytes[0..<4]) == Array("TZif".utf8), bytes[4] >= UInt8(ascii: "2"),
      let old = Header(bytes, at: 0), let header = Header(bytes, at: 44 + old.size(timeSize: 4))
    else { return nil }
    let start = 44 + old.size(timeSize: 4) + 44
    let end = start + header.size(timeSize: 8)
    // Files with leap seconds do not count POSIX time.
    guard end <= bytes.count, header.types > 0, header.leaps == 0 else { return nil }

    let indexes = start + header.times * 8
    let types = indexes + header.times
    func offset(ofType type: Int) -> Int32 {
      Int32(truncatingIfNeeded: Self.integer(bytes, at: types + type * 6, size: 4))
    }
    var transitions: [Int64] = []
    var offsets: [Int32] = []
    for index in 0..<header.times {
      let type = Int(bytes[indexes + index])
      guard type < header.types else { return nil }
      transitions.append(Self.integer(bytes, at: start + index * 8, size: 8))
      offsets.append(offset(ofType: type))
    }
    guard zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    self.transitions = transitions
    self.offsets = offsets
    first = offset(ofType: 0)
    guard (offsets + [first]).allSatisfy({ abs(Int64($0)) < 200_000 }) else { return nil }

    let footer = bytes[end...].dropFirst().prefix { $0 != UInt8(ascii: "\n") }
    later = footer.isEmpty ? nil : RecurringRule(String(decoding: footer, as: UTF8.self))
    if later == nil && !footer.isEmpty { return nil }
  }

  /// The offset at an instant in seconds since 1970-01-01T00:00:00Z.
  func offset(at seconds: Int64) -> Int32 {
    guard let last = transitions.last, seconds < last else {
      return later?.offset(at: seconds) ?? offsets.last ?? first
    }
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? first : offsets[low - 1]
  }

  private static func integer(_ bytes: [UInt8], at position: Int, size: Int) -> Int64 {
    let value = bytes[position..<position + size].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
  }

  /// The six counts in the header of a block.
  private struct Header {
    let utc, standard, leaps, times, types, characters: Int

    init?(_ bytes: [UInt8], at position: Int) {
      guard position + 44 <= bytes.count else { return nil }
      let counts = (0..<6).map { Int(ZoneRules.integer(bytes, at: position + 20 + $0 * 4, size: 4)) }
      guard counts.allSatisfy({ (0...65_536).contains($0) }) else { return nil }
      (utc, standard, leaps) = (counts[0], counts[1], counts[2])
      (times, types, characters) = (counts[3], counts[4], counts[5])
    }

    func size(timeSize: Int) -> Int {
      times * (timeSize + 1) + types * 6 + characters + leaps * (timeSize + 4) + standard + utc
    }
  }
}
