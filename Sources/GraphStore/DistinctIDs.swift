import Workers

/// Collects the distinct values of id columns, in order of first appearance.
struct DistinctIDs {
  let workers: Workers
  let staging: StagingDirectory
  let hash: WordHash

  /// The initial capacity of a growing list or table; both double when they are full.
  static let leastCapacity = 1 << 12

  /// Returns the distinct values of all columns, in order of first appearance, as a temporary column named `id`. Throws
  /// `limitExceeded` if there are more than a label may have.
  func column(of columns: [Column], type: ColumnType, label: String) throws -> Column {
    type == .string ? try strings(columns.map(\.strings), label) : try integers(columns, label)
  }

  private func integers(_ columns: [Column], _ label: String) throws -> Column {
    let columns = columns.map { $0.values(as: Int64.self) }
    let bounds = try columns.compactMap { try IDIndex.bounds($0, workers) }
    let total = columns.reduce(0) { $0 + $1.count }
    let reservation = try workers.storage.reserve(0, as: .memory)
    var ids = CountedList<Int64>(reservation)
    if let least = bounds.map(\.least).min(), let greatest = bounds.map(\.greatest).max(),
      let range = IDIndex.Bounds(least: least, greatest: greatest, isContiguous: false).range,
      range <= max(1024, 16 * total)
    {
      // One bit per possible id.
      let words = range / 64 + 1
      try reservation.extend(by: words * 8)
      var seen = [UInt64](repeating: 0, count: words)
      try visit(columns) { id in
        let place = Int(id &- least)
        let bit: UInt64 = 1 << (UInt64(place) & 63)
        if seen[place >> 6] & bit == 0 {
          seen[place >> 6] |= bit
          try ids.append(id)
          try checkLimit(ids.count, label)
        }
      }
    } else {
      var table = try GrowingTable(reservation)
      try visit(columns) { id in
        if try table.insert(
          hash(UInt64(bitPattern: id)), count: ids.count, isEqual: { ids.values[$0] == id },
          hash: { hash(UInt64(bitPattern: ids.values[$0])) })
        {
          try ids.append(id)
          try checkLimit(ids.count, label)
        }
      }
    }
    let file = try staging.createTemporary(byteCount: ids.count * 8)
    ids.values.withUnsafeBytes { file.bytes.copyMemory(from: $0) }
    return Column(name: "id", type: .int64, count: ids.count, data: file)
  }

  private func visit(_ columns: [UnsafeBufferPointer<Int64>], _ body: (Int64) throws -> Void) throws {
    for column in columns {
      for (row, id) in column.enumerated() {
        if row & 0xFFFF == 0 { try workers.cancellation.check() }
        try body(id)
      }
    }
  }

  private func strings(_ columns: [StringValues], _ label: String) throws -> Column {
    let reservation = try workers.storage.reserve(0, as: .memory)
    var ids = CountedList<UnsafeRawBufferPointer>(reservation)
    var size = 0
    var table = try GrowingTable(reservation)
    for column in columns {
      for row in 0..<column.count {
        if row & 0xFFFF == 0 { try workers.cancellation.check() }
        let id = column[row]
        if try table.insert(
          hash(id), count: ids.count, isEqual: { sameBytes(ids.values[$0], id) }, hash: { hash(ids.values[$0]) })
        {
          try ids.append(id)
          size += id.count
          try checkLimit(ids.count, label)
        }
      }
    }
    let data = try staging.createTemporary(byteCount: (ids.count + 1) * 8)
    let characters = try staging.createTemporary(byteCount: size)
    let offsets = data.mutableValues(as: UInt64.self)
    var end = 0
    for (row, id) in ids.values.enumerated() {
      offsets[row] = UInt64(end)
      if id.count > 0 { (characters.bytes.baseAddress! + end).copyMemory(from: id.baseAddress!, byteCount: id.count) }
      end += id.count
    }
    offsets[ids.count] = UInt64(end)
    return Column(name: "id", type: .string, count: ids.count, data: data, characters: characters)
  }

  private func checkLimit(_ count: Int, _ label: String) throws {
    guard count <= GraphVerification.maximumCount else {
      throw GraphStoreError.tooMany("vertices", "vertex label '\(label)'", count)
    }
  }
}

/// A list whose memory is reserved before it grows.
private struct CountedList<Element> {
  private(set) var values: [Element] = []
  private let reservation: StorageReservation

  init(_ reservation: StorageReservation) { self.reservation = reservation }

  var count: Int { values.count }

  @inline(__always)
  mutating func append(_ value: Element) throws {
    if values.count == values.capacity { try grow() }
    values.append(value)
  }

  @inline(never)
  private mutating func grow() throws {
    let old = values.capacity
    let wanted = max(DistinctIDs.leastCapacity, 2 * old)
    try reservation.extend(by: wanted * MemoryLayout<Element>.stride)
    values.reserveCapacity(wanted)
    reservation.shrink(by: old * MemoryLayout<Element>.stride)
    // The allocator may have granted a larger capacity.
    if values.capacity > wanted {
      try reservation.extend(by: (values.capacity - wanted) * MemoryLayout<Element>.stride)
    }
  }
}

/// A hash table of numbers 0, 1, 2, … whose keys are stored elsewhere; slots are as in `IDIndex`. Its memory is reserved before
/// it grows.
private struct GrowingTable {
  private var slots: [UInt64]
  private let reservation: StorageReservation

  init(_ reservation: StorageReservation) throws {
    try reservation.extend(by: DistinctIDs.leastCapacity * 8)
    slots = [UInt64](repeating: 0, count: DistinctIDs.leastCapacity)
    self.reservation = reservation
  }

  /// Inserts the number `count` unless an equal key exists; returns whether it did.
  @inline(__always)
  mutating func insert(
    _ hash: UInt64, count: Int, isEqual: (Int) -> Bool, hash rehash: (Int) -> UInt64
  ) throws -> Bool {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while slots[place] != 0 {
      let slot = slots[place]
      if slot >> 32 == hash >> 32, isEqual(Int(UInt32(truncatingIfNeeded: slot)) - 1) { return false }
      place = (place + 1) & mask
    }
    slots[place] = (hash & ~0xFFFF_FFFF) | UInt64(truncatingIfNeeded: count + 1)
    if (count + 1) * 3 > slots.count * 2 { try grow(hash: rehash, last: hash, count: count) }
    return true
  }

  private mutating func grow(hash: (Int) -> UInt64, last: UInt64, count: Int) throws {
    try reservation.extend(by: slots.count * 2 * 8)
    var larger = [UInt64](repeating: 0, count: slots.count * 2)
    let mask = larger.count - 1
    for number in 0...count {
      // The last key is not yet in the caller's list.
      let hash = number == count ? last : hash(number)
      var place = Int(truncatingIfNeeded: hash) & mask
      while larger[place] != 0 { place = (place + 1) & mask }
      larger[place] = (hash & ~0xFFFF_FFFF) | UInt64(number + 1)
    }
    reservation.shrink(by: slots.count * 8)
    slots = larger
  }
}
