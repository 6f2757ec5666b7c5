import Workers

/// Draws positions of rows in proportion to weights in constant time (Walker 1977, Vose 1991). Takes eight bytes for each entry.
final class AliasTable: @unchecked Sendable {
  // @unchecked: immutable after `init`.
  private struct Entry {
    /// In 2^32 of this many cases the entry itself is drawn, otherwise its alias.
    var threshold: UInt32
    var alias: UInt32
  }

  private let entries: UnsafeMutableBufferPointer<Entry>
  private let reservation: StorageReservation

  /// Builds the tables of all rows, on the threads of a job.
  /// - Parameters:
  ///   - offsets: the rows' offsets, one more than rows.
  ///   - weight: the weight of an entry. Weights that are not positive and finite count as 0. If all weights of a row are 0, its
  ///     entries are equally likely.
  /// - Throws: `StorageRefusal`; `CancellationError`.
  init(
    rows: Int, offset: @escaping (Int) -> Int, _ workers: Workers,
    weight: (Int) -> Double
  ) throws {
    let count = rows == 0 ? 0 : offset(rows)
    reservation = try StorageReservation(count * MemoryLayout<Entry>.stride, as: .memory, from: workers.storage)
    entries = .allocate(capacity: count)
    do {
      try workers.forEach(rows, grain: 1024) { [entries] range, _ in
        var row = Row()
        for number in range { row.fill(entries, offset(number)..<offset(number + 1), weight) }
      }
    } catch {
      entries.deallocate()
      throw error
    }
  }

  deinit { entries.deallocate() }

  /// Returns a position in a row of `count` entries that begins at `first`; `count` is positive.
  @inline(__always)
  func draw(first: Int, count: Int, _ random: inout SampleRandom) -> Int {
    let bits = random.next()
    let (index, fraction) = bits.multipliedFullWidth(by: UInt64(truncatingIfNeeded: count))
    let entry = entries[first + Int(truncatingIfNeeded: index)]
    return UInt32(truncatingIfNeeded: fraction >> 32) < entry.threshold
      ? Int(truncatingIfNeeded: index) : Int(entry.alias)
  }

  /// Builds the table of a row; keeps its scratch space from one row to the next.
  private struct Row {
    private var shares: [Double] = []
    private var small: [UInt32] = []
    private var large: [UInt32] = []

    mutating func fill(
      _ entries: UnsafeMutableBufferPointer<Entry>, _ range: Range<Int>, _ weight: (Int) -> Double
    ) {
      shares.removeAll(keepingCapacity: true)
      var greatest = 0.0
      for entry in range {
        let value = weight(entry)
        shares.append(value > 0 && value.isFinite ? value : 0)
        greatest = max(greatest, shares.last!)
      }
      // Dividing by the greatest first keeps the sum finite.
      let sum = greatest > 0 ? shares.reduce(0) { $0 + $1 / greatest } : 0
      for index in shares.indices {
        entries[range.lowerBound + index] = Entry(threshold: .max, alias: UInt32(index))
        guard greatest > 0 else { continue }
        shares[index] = shares[index] / greatest / sum * Double(range.count)
        if shares[index] < 1 { small.append(UInt32(index)) } else { large.append(UInt32(index)) }
      }
      guard greatest > 0 else { return }
      var last = UInt32(shares.indices.max { shares[$0] < shares[$1] }!)
      while let less = small.popLast() {
        let more = large.last ?? last
        entries[range.lowerBound + Int(less)] = Entry(
          threshold: UInt32(min(shares[Int(less)] * 0x1p32, 0x1p32 - 1)), alias: more)
        guard !large.isEmpty else { continue }
        last = more
        shares[Int(more)] -= 1 - shares[Int(less)]
        if shares[Int(more)] < 1 {
          large.removeLast()
          small.append(more)
        }
      }
      large.removeAll(keepingCapacity: true)
    }
  }
}
