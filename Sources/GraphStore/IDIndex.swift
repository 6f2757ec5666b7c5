import Glibc
import Synchronization
import Workers

/// Finds the vertex with an id; if several vertices have the id, the first of them.
///
/// Uses the cheapest of three forms that fits: arithmetic for ids that count up from the first; a table over the range of the
/// ids, if the range is small; otherwise, a hash table with linear probing. A slot holds the upper half of the hash, so that
/// other ids are rarely compared, and the vertex number plus one (0 means empty).
struct IDIndex: Sendable {
  let kind: Manifest.Index.Kind
  let first: Int64
  /// UInt32 values (number plus one) for `direct`, UInt64 slots for `hash`.
  let table: MappedFile?
  let hash: WordHash

  /// The maximum number of entries per vertex in a table over a range.
  static let directEntriesPerVertex = 4
  private static let grain = 1 << 15

  /// Returns the vertex with an integer id.
  @inline(__always)
  func find(_ id: Int64, in ids: UnsafeBufferPointer<Int64>) -> VertexNumber? {
    switch kind {
    case .contiguous:
      let offset = UInt64(bitPattern: id &- first)
      return offset < UInt64(ids.count) ? VertexNumber(offset) : nil
    case .direct:
      return Self.direct(id, first, table!.values(as: UInt32.self))
    case .hash:
      return Self.probe(table!.values(as: UInt64.self), hash(UInt64(bitPattern: id))) { ids[Int($0)] == id }
    }
  }

  /// Returns the vertex with a text id.
  @inline(__always)
  func find(_ id: UnsafeRawBufferPointer, in ids: StringValues) -> VertexNumber? {
    guard let table else { return nil }
    return Self.probe(table.values(as: UInt64.self), hash(id)) { sameBytes(ids[Int($0)], id) }
  }

  @inline(__always)
  private static func direct(_ id: Int64, _ first: Int64, _ table: UnsafeBufferPointer<UInt32>) -> VertexNumber? {
    let offset = UInt64(bitPattern: id &- first)
    guard offset < UInt64(table.count) else { return nil }
    let entry = table[Int(offset)]
    return entry == 0 ? nil : entry - 1
  }

  /// Examines every slot once at most, so that the search ends even in a forged table.
  @inline(__always)
  private static func probe(
    _ slots: UnsafeBufferPointer<UInt64>, _ hash: UInt64, isEqual: (VertexNumber) -> Bool
  ) -> VertexNumber? {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    for _ in 0..<slots.count {
      let slot = slots[place]
      if slot == 0 { return nil }
      let number = VertexNumber(truncatingIfNeeded: slot) &- 1
      if slot >> 32 == hash >> 32, isEqual(number) { return number }
      place = (place + 1) & mask
    }
    return nil
  }

  /// Finds the vertices of a whole column of ids. Returns the first row with an unknown id; the numbers of all unknown ids are
  /// then meaningless.
  func resolve(
    _ column: Column, in ids: VertexIDs, into numbers: UnsafeMutableBufferPointer<VertexNumber>, _ workers: Workers
  ) throws -> Int? {
    let firstMissing: [Int?]
    switch ids {
    case .int64(let ids):
      let wanted = column.values(as: Int64.self)
      firstMissing = try workers.map(column.count, grain: Self.grain) { resolve(wanted, $0, in: ids, into: numbers) }
    case .string(let ids):
      let wanted = column.strings
      firstMissing = try workers.map(column.count, grain: Self.grain) { rows in
        for row in rows {
          guard let number = find(wanted[row], in: ids) else { return row }
          numbers[row] = number
        }
        return nil
      }
    }
    return firstMissing.lazy.compactMap { $0 }.first
  }

  private func resolve(
    _ wanted: UnsafeBufferPointer<Int64>, _ rows: Range<Int>, in ids: UnsafeBufferPointer<Int64>,
    into numbers: UnsafeMutableBufferPointer<VertexNumber>
  ) -> Int? {
    switch kind {
    case .contiguous:
      let count = UInt64(ids.count)
      for row in rows {
        let offset = UInt64(bitPattern: wanted[row] &- first)
        guard offset < count else { return row }
        numbers[row] = VertexNumber(truncatingIfNeeded: offset)
      }
    case .direct:
      let table = table!.values(as: UInt32.self)
      for row in rows {
        guard let number = Self.direct(wanted[row], first, table) else { return row }
        numbers[row] = number
      }
    case .hash:
      let slots = table!.values(as: UInt64.self)
      for row in rows {
        let id = wanted[row]
        guard let number = Self.probe(slots, hash(UInt64(bitPattern: id)), isEqual: { ids[Int($0)] == id }) else {
          return row
        }
        numbers[row] = number
      }
    }
    return nil
  }
}

// MARK: - Building

extension IDIndex {
  /// Builds the index of a label's ids in the graph's file `name`. Also returns the number of vertices whose id an earlier vertex
  /// has, too.
  static func build(
    _ ids: VertexIDs, name: String, in staging: StagingDirectory, _ hash: WordHash, _ workers: Workers
  ) throws -> (index: IDIndex, duplicates: Int) {
    switch ids {
    case .string(let strings):
      let table = try staging.create(name, byteCount: slotCount(for: strings.count) * 8)
      let duplicates = try fill(
        table, strings.count, workers, hash: { hash(strings[$0]) },
        isEqual: { sameBytes(strings[$0], strings[$1]) })
      return (IDIndex(kind: .hash, first: 0, table: table, hash: hash), duplicates)
    case .int64(let values):
      guard let bounds = try bounds(values, workers) else {
        return (IDIndex(kind: .contiguous, first: 0, table: nil, hash: hash), 0)
      }
      // Counting up wraps around at the largest integer; the first id is then not the smallest.
      if bounds.isContiguous, bounds.least == values[0] {
        return (IDIndex(kind: .contiguous, first: bounds.least, table: nil, hash: hash), 0)
      }
      if let range = bounds.range, range <= max(1024, values.count * directEntriesPerVertex) {
        let table = try staging.create(name, byteCount: range * 4)
        let duplicates = try fillDirect(table, values, first: bounds.least, workers)
        return (IDIndex(kind: .direct, first: bounds.least, table: table, hash: hash), duplicates)
      }
      let table = try staging.create(name, byteCount: slotCount(for: values.count) * 8)
      let duplicates = try fill(
        table, values.count, workers, hash: { hash(UInt64(bitPattern: values[$0])) },
        isEqual: { values[$0] == values[$1] })
      return (IDIndex(kind: .hash, first: 0, table: table, hash: hash), duplicates)
    }
  }

  /// Returns a power of two that leaves at least a third of the slots empty.
  private static func slotCount(for count: Int) -> Int {
    var slots = 16
    while slots < count + count / 2 { slots *= 2 }
    return slots
  }

  /// Facts about a sequence of integers.
  struct Bounds {
    var least: Int64
    var greatest: Int64
    /// Whether every value is one more than its predecessor.
    var isContiguous: Bool

    /// The number of integers from the least to the greatest; nil if it overflows.
    var range: Int? {
      let (difference, overflow) = greatest.subtractingReportingOverflow(least)
      return overflow || difference >= Int64.max / 8 ? nil : Int(difference) + 1
    }
  }

  static func bounds(_ values: UnsafeBufferPointer<Int64>, _ workers: Workers) throws -> Bounds? {
    guard let first = values.first else { return nil }
    let parts = try workers.map(values.count, grain: grain) { rows in
      var part = Bounds(least: .max, greatest: .min, isContiguous: true)
      for row in rows {
        let value = values[row]
        part.least = min(part.least, value)
        part.greatest = max(part.greatest, value)
        part.isContiguous = part.isContiguous && value &- first == Int64(row)
      }
      return part
    }
    return parts.dropFirst().reduce(into: parts[0]) { whole, part in
      whole.least = min(whole.least, part.least)
      whole.greatest = max(whole.greatest, part.greatest)
      whole.isContiguous = whole.isContiguous && part.isContiguous
    }
  }

  /// Fills the table on several threads. The smallest vertex number of equal ids is kept.
  private static func fillDirect(
    _ table: MappedFile, _ values: UnsafeBufferPointer<Int64>, first: Int64, _ workers: Workers
  ) throws -> Int {
    let entries = table.bytes.baseAddress!.assumingMemoryBound(to: Atomic<UInt32>.self)
    let duplicates = try workers.map(values.count, grain: grain) { rows in
      var duplicates = 0
      for row in rows {
        let entry = entries + Int(values[row] &- first)
        let (isNew, other) = entry.pointee.compareExchange(expected: 0, desired: UInt32(row) + 1, ordering: .relaxed)
        if isNew { continue }
        duplicates += 1
        if other > UInt32(row) + 1 { entry.pointee.min(UInt32(row) + 1, ordering: .relaxed) }
      }
      return duplicates
    }
    return duplicates.reduce(0, +)
  }

  /// Fills the hash table on several threads. The key of an occupied slot never changes; the smallest vertex number of equal ids
  /// is kept.
  private static func fill(
    _ table: MappedFile, _ count: Int, _ workers: Workers, hash: (Int) -> UInt64, isEqual: (Int, Int) -> Bool
  ) throws -> Int {
    let slots = table.bytes.baseAddress!.assumingMemoryBound(to: Atomic<UInt64>.self)
    let mask = table.bytes.count / 8 - 1
    let duplicates = try workers.map(count, grain: grain) { rows in
      var duplicates = 0
      for row in rows {
        let hash = hash(row)
        let wanted = (hash & ~0xFFFF_FFFF) | UInt64(row + 1)
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
          let slot = slots + place
          let (isNew, other) = slot.pointee.compareExchange(expected: 0, desired: wanted, ordering: .relaxed)
          if isNew { break }
          if other >> 32 == hash >> 32, isEqual(Int(UInt32(truncatingIfNeeded: other)) - 1, row) {
            // The tags are equal, so the smaller slot holds the smaller number.
            slot.pointee.min(wanted, ordering: .relaxed)
            duplicates += 1
            break
          }
          place = (place + 1) & mask
        }
      }
      return duplicates
    }
    return duplicates.reduce(0, +)
  }
}

/// Returns whether two byte sequences are equal.
@inline(__always)
func sameBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  guard a.count == b.count, let a = a.baseAddress, let bytes = b.baseAddress else { return a.count == b.count }
  return memcmp(a, bytes, b.count) == 0
}
