import QueryAlgebra
import QueryValues

/// What moves through a traversal: an object with the number of times that it counts, its history, its loops and its sack.
struct Traverser {
  var value: Value
  /// How many equal traversers this one stands for.
  var bulk: Int64 = 1
  /// The history; nil before the first object, or if no step reads it.
  var history: History?
  /// The counters of the loops that the traverser is in, the innermost one last.
  var loops: [LoopCounter] = []
  /// The value that it carries.
  var sack: Value?
  /// Whether it stands for the start of a traversal, where there is no object yet.
  var isSeed = false
  /// Whether the object, a map with one entry, is an entry that was unfolded.
  var isEntry = false

  struct LoopCounter: Equatable {
    var name: String?
    var count: Int64
  }

  /// Takes in a traverser with the same object, if nothing else tells them apart. Returns whether it did.
  mutating func merge(_ other: Traverser, _ context: TraversalContext) throws(QueryError) -> Bool {
    guard history === other.history, loops == other.loops else { return false }
    if let first = sack, let second = other.sack {
      guard let function = context.sack?.merge, let merged = try? function.apply(first, second) else { return false }
      sack = merged
    }
    guard context.countsBulk else { return true }
    let (sum, overflow) = bulk.addingReportingOverflow(other.bulk)
    guard !overflow else { throw Self.tooMany }
    bulk = sum
    return true
  }

  /// The traverser as often as another one counts, too.
  func times(_ other: Int64) throws(QueryError) -> Traverser {
    guard other != 1 else { return self }
    var result = self
    let (product, overflow) = bulk.multipliedReportingOverflow(by: other)
    guard !overflow else { throw Self.tooMany }
    result.bulk = product
    return result
  }

  static let tooMany = QueryError(
    .arithmetic, detail: "NumberOutOfRange", "More results are counted than 64 bits can say. Limit the loop.")

  /// The traverser with another object, without a step in the history.
  func with(_ value: Value) -> Traverser {
    var result = self
    result.value = value
    return result
  }
}

/// An object in the history of a traverser.
final class History {
  let value: Value
  let labels: [String]
  private(set) var previous: History?
  let depth: Int

  init(_ value: Value, labels: [String], previous: History?) {
    self.value = value
    self.labels = labels
    self.previous = previous
    depth = (previous?.depth ?? 0) + 1
  }

  // Releasing a long chain must not recurse: predecessors that nothing else holds are released one after the other.
  deinit {
    var next = previous
    previous = nil
    while isKnownUniquelyReferenced(&next) {
      let following = next?.previous
      next?.previous = nil
      next = following
    }
  }

  /// The objects with their labels, the first one first.
  var entries: [(value: Value, labels: [String])] {
    var entries: [(value: Value, labels: [String])] = []
    entries.reserveCapacity(depth)
    var next: History? = self
    while let current = next {
      entries.append((current.value, current.labels))
      next = current.previous
    }
    return entries.reversed()
  }

  /// The history with more labels at its last object.
  func labelled(_ more: [String]) -> History {
    let new = more.filter { !labels.contains($0) }
    return new.isEmpty ? self : History(value, labels: labels + new, previous: previous)
  }

  /// The objects of a label, the first one first.
  func values(of label: String) -> [Value] {
    var values: [Value] = []
    var next: History? = self
    while let current = next {
      if current.labels.contains(label) { values.append(current.value) }
      next = current.previous
    }
    return values.reversed()
  }

  /// The last object of a label.
  func last(_ label: String) -> Value? {
    var next: History? = self
    while let current = next {
      if current.labels.contains(label) { return current.value }
      next = current.previous
    }
    return nil
  }
}
