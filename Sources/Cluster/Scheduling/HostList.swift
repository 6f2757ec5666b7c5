/// Hosts in the order of how empty they are, cut into blocks that know the most that any host of theirs has.
///
/// Finding the first host that fits looks at the blocks' maxima, and into a block only when they allow a fit: with
/// 10,000 hosts that is some two hundred comparisons. Changing a host moves one entry.
struct HostList: Sendable {
  /// What is searched for.
  enum Measure { case offer, capacity, reach }

  /// The amounts of a host that searches compare.
  struct Measures: Sendable, Equatable {
    /// What it can give at once, to anybody.
    var offer = Resources.zero
    /// What it has when idle.
    var capacity = Resources.zero
    /// What it can give after everybody who may be preempted was.
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
    /// How empty the host is, then its place in the order of names.
    let key: UInt64
    let slot: Int
    var measures: Measures
  }

  private struct Block: Sendable {
    var entries: [Entry]
    /// At least the maxima; exactly those unless it is loose.
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

  /// The list of these entries, in any order.
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

  /// A host has other amounts now, and maybe another place.
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

  /// The first host, from the fullest or from the emptiest, that has so much and is accepted.
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

  /// The last block that begins at the key or before, or the first one.
  private func block(of key: UInt64) -> Int {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].entries[0].key <= key { low = middle + 1 } else { high = middle }
    }
    return max(low - 1, 0)
  }

  /// The first place whose key is not before this one.
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
