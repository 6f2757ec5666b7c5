import Objects

/// Hosts ordered by how empty they are, divided into blocks that store the maxima of their hosts' amounts.
///
/// A search for the first fitting host compares the maxima of the blocks, and examines a block only if they allow a fit: about
/// two hundred comparisons for 10,000 hosts. Changing a host moves one entry.
struct HostList: Sendable {
  /// The amounts that a search compares.
  enum Measure { case offer, capacity, reach }

  /// The amounts of a host, as compared by searches.
  struct Measures: Sendable, Equatable {
    /// The amount available at once to any request.
    var offer = Resources.zero
    /// The capacity, available when the host is idle.
    var capacity = Resources.zero
    /// The amount available after all preemptible holders were preempted.
    var reach = Resources.zero

    @inline(__always)
    func has(_ wanted: Resources, _ measure: Measure) -> Bool {
      switch measure {
      case .offer: wanted.fits(in: offer)
      case .capacity: wanted.fits(in: capacity)
      case .reach: wanted.fits(in: reach)
      }
    }

    mutating func raise(to other: Measures) {
      offer = offer.upper(other.offer)
      capacity = capacity.upper(other.capacity)
      reach = reach.upper(other.reach)
    }
  }

  struct Entry: Sendable {
    /// The order of hosts: by emptiness, then by the rank of the name.
    let key: UInt64
    let slot: Int
    var measures: Measures
  }

  private struct Block: Sendable {
    var entries: [Entry]
    /// Upper bounds of the maxima; exact unless the block is loose.
    var maxima: Measures
    var isLoose = false

    init(_ entries: [Entry]) {
      self.entries = entries
      maxima = Measures()
      tighten()
    }

    mutating func tighten() {
      maxima = Measures()
      for entry in entries { maxima.raise(to: entry.measures) }
      isLoose = false
    }
  }

  private static let mostInBlock = 64

  private var blocks: [Block] = []

  /// Creates a list of entries, given in any order.
  init(_ entries: [Entry] = []) {
    let sorted = entries.sorted { $0.key < $1.key }
    let size = Self.mostInBlock * 3 / 4
    for begin in stride(from: 0, to: sorted.count, by: size) {
      blocks.append(Block(Array(sorted[begin..<min(begin + size, sorted.count)])))
    }
  }

  mutating func insert(_ entry: Entry) {
    guard !blocks.isEmpty else {
      blocks.append(Block([entry]))
      return
    }
    let number = block(of: entry.key)
    let place = Self.place(of: entry.key, in: blocks[number].entries)
    blocks[number].entries.insert(entry, at: place)
    blocks[number].maxima.raise(to: entry.measures)
    if blocks[number].entries.count > Self.mostInBlock {
      let half = blocks[number].entries.count / 2
      let rest = Array(blocks[number].entries[half...])
      blocks[number].entries.removeSubrange(half...)
      blocks[number].tighten()
      blocks.insert(Block(rest), at: number + 1)
    }
  }

  mutating func remove(key: UInt64) {
    guard !blocks.isEmpty else { return }
    let number = block(of: key)
    let place = Self.place(of: key, in: blocks[number].entries)
    guard place < blocks[number].entries.count, blocks[number].entries[place].key == key else { return }
    blocks[number].entries.remove(at: place)
    blocks[number].isLoose = true
    if blocks[number].entries.isEmpty { blocks.remove(at: number) }
  }

  /// Replaces the entry of a host whose amounts, and possibly position, changed.
  mutating func replace(key: UInt64, by entry: Entry) {
    let number = blocks.isEmpty ? 0 : block(of: key)
    if key == entry.key, number < blocks.count {
      let place = Self.place(of: key, in: blocks[number].entries)
      if place < blocks[number].entries.count, blocks[number].entries[place].key == key {
        blocks[number].entries[place].measures = entry.measures
        blocks[number].isLoose = true
        blocks[number].maxima.raise(to: entry.measures)
        return
      }
    }
    remove(key: key)
    insert(entry)
  }

  /// Returns the first host, from the fullest or the emptiest, that has room for the amount and is accepted.
  mutating func first(
    fromEmptiest: Bool, with wanted: Resources, of measure: Measure, accept: (Int, Measures) -> Bool
  ) -> Int? {
    for step in blocks.indices {
      let number = fromEmptiest ? blocks.count - 1 - step : step
      guard blocks[number].maxima.has(wanted, measure) else { continue }
      if blocks[number].isLoose {
        blocks[number].tighten()
        guard blocks[number].maxima.has(wanted, measure) else { continue }
      }
      let count = blocks[number].entries.count
      for inner in 0..<count {
        let place = fromEmptiest ? count - 1 - inner : inner
        guard blocks[number].entries[place].measures.has(wanted, measure) else { continue }
        let entry = blocks[number].entries[place]
        if accept(entry.slot, entry.measures) { return entry.slot }
      }
    }
    return nil
  }

  /// Returns the last block that begins at or before the key; otherwise the first block.
  private func block(of key: UInt64) -> Int {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].entries[0].key <= key { low = middle + 1 } else { high = middle }
    }
    return max(low - 1, 0)
  }

  /// Returns the index of the first entry whose key is not less than this one.
  private static func place(of key: UInt64, in entries: [Entry]) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
