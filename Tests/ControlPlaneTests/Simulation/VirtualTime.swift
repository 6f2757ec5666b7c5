/// Pending items by virtual time in milliseconds; items of the same time are in the order of their numbers.
struct Agenda<Item> {
  struct Entry {
    let time: Int
    let number: Int
    let item: Item
  }

  private var heap: [Entry] = []
  private var next = 0

  var isEmpty: Bool { heap.isEmpty }
  var nextTime: Int? { heap.first?.time }

  mutating func add(_ item: Item, at time: Int) {
    push(Entry(time: time, number: next, item: item))
    next += 1
  }

  /// Postpones an entry; among the entries of the new time, it keeps its order.
  mutating func postpone(_ entry: Entry, to time: Int) {
    push(Entry(time: time, number: entry.number, item: entry.item))
  }

  mutating func removeFirst() -> Entry {
    let first = heap[0]
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    var index = 0
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard isBefore(heap[child], last) else { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = last
    return first
  }

  private mutating func push(_ entry: Entry) {
    var index = heap.count
    heap.append(entry)
    while index > 0, isBefore(entry, heap[(index - 1) / 2]) {
      heap[index] = heap[(index - 1) / 2]
      index = (index - 1) / 2
    }
    heap[index] = entry
  }

  private func isBefore(_ a: Entry, _ b: Entry) -> Bool { (a.time, a.number) < (b.time, b.number) }
}
