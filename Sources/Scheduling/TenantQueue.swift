import Objects

/// The position of a request in its tenant's queue: lower keys go first.
///
/// A priority higher by one has the effect of arriving one ageing interval earlier. The order of waiting requests therefore never
/// changes, and no request is overtaken for ever.
struct QueueKey: Sendable, Comparable {
  /// Nanoseconds on the scheduler's clock, minus one ageing interval per priority.
  let due: Int64
  /// The number of the request.
  let sequence: UInt64

  static func < (a: QueueKey, b: QueueKey) -> Bool { a.due != b.due ? a.due < b.due : a.sequence < b.sequence }
}

/// The waiting requests of a tenant: a line for each shape, and the lines ordered by their first requests.
///
/// If one request does not fit, its whole line does not, so a pass examines lines rather than requests.
struct TenantQueue: Sendable {
  struct Place: Sendable {
    let key: QueueKey
    let owner: ObjectReference
  }

  struct Front: Sendable, Equatable {
    let key: QueueKey
    let shape: Int
  }

  private struct Line: Sendable {
    /// The requests in order; the first `gone` of them have left.
    var places: [Place] = []
    var gone = 0

    var first: Place? { gone < places.count ? places[gone] : nil }

    mutating func insert(_ place: Place) {
      if let last = places.last, place.key < last.key {
        places.insert(place, at: index(of: place.key))
      } else {
        places.append(place)
      }
    }

    mutating func remove(_ key: QueueKey) {
      let index = index(of: key)
      guard index < places.count, places[index].key == key else { return }
      if index > gone {
        places.remove(at: index)
      } else {
        gone += 1
        if gone > 32, gone > places.count / 2 {
          places.removeSubrange(..<gone)
          gone = 0
        }
      }
    }

    /// Returns the index of the first remaining request whose key is not less than this one.
    func index(of key: QueueKey) -> Int {
      var (low, high) = (gone, places.count)
      while low < high {
        let middle = (low + high) / 2
        if places[middle].key < key { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  private var lines: [Int: Line] = [:]
  /// The lines, ordered by their first requests.
  private(set) var fronts: [Front] = []
  /// The number of waiting requests.
  private(set) var count = 0

  /// Returns the first request of a line.
  func first(of shape: Int) -> Place { lines[shape]!.first! }

  mutating func insert(_ owner: ObjectReference, key: QueueKey, shape: Int) {
    let before = lines[shape]?.first?.key
    lines[shape, default: Line()].insert(Place(key: key, owner: owner))
    count += 1
    moveFront(of: shape, from: before)
  }

  mutating func remove(key: QueueKey, shape: Int) {
    guard let before = lines[shape]?.first?.key else { return }
    lines[shape]!.remove(key)
    count -= 1
    moveFront(of: shape, from: before)
    if lines[shape]!.first == nil { lines[shape] = nil }
  }

  /// Returns the number of requests before this one.
  func countBefore(_ key: QueueKey) -> Int {
    lines.values.reduce(0) { $0 + $1.index(of: key) - $1.gone }
  }

  /// Returns the first requests in order.
  func prefix(_ most: Int) -> [(place: Place, shape: Int)] {
    var all: [(place: Place, shape: Int)] = []
    for front in fronts.prefix(most) {
      let line = lines[front.shape]!
      all += line.places[line.gone...].prefix(most).map { ($0, front.shape) }
    }
    all.sort { $0.place.key < $1.place.key }
    return Array(all.prefix(most))
  }

  private mutating func moveFront(of shape: Int, from before: QueueKey?) {
    let after = lines[shape]?.first?.key
    guard before != after else { return }
    if let before { fronts.remove(at: index(of: before)) }
    if let after { fronts.insert(Front(key: after, shape: shape), at: index(of: after)) }
  }

  private func index(of key: QueueKey) -> Int {
    var (low, high) = (0, fronts.count)
    while low < high {
      let middle = (low + high) / 2
      if fronts[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
