/// Tracks the sets of engines that wait for sessions, and decides when to start another one. A pure value.
///
/// | event | effect |
/// |---|---|
/// | `started` | the set is kept, unless there are enough or the stock is closed: the caller then ends it |
/// | `failed` | the next start waits, longer after each consecutive failure |
/// | `take` | the oldest set is removed |
/// | `served` | the next start does not wait |
/// | `remove` | a set that died is removed; counts as a failure |
/// | `close` | all sets are removed, and no more are started |
struct WarmStock<Element> {
  /// The number of sets to keep.
  let size: Int
  private var ready: [(number: Int, element: Element)] = []
  private var failures = 0
  private var isClosed = false

  /// The pause before the first start after a failure, and the maximum.
  static var firstPause: Duration { .seconds(1) }
  static var longestPause: Duration { .seconds(60) }

  init(size: Int) { self.size = size }

  /// The time to wait before the next start; nil if none is needed.
  var pause: Duration? {
    guard !isClosed, ready.count < size else { return nil }
    guard failures > 0 else { return .zero }
    return min(Self.firstPause * (1 << min(failures - 1, 6)), Self.longestPause)
  }

  /// The number of sets that wait for sessions.
  var count: Int { ready.count }

  /// Adds a set that has become ready; returns whether it is kept.
  mutating func started(_ element: Element, number: Int) -> Bool {
    guard !isClosed, ready.count < size else { return false }
    ready.append((number, element))
    return true
  }

  /// Records that a set could not be started.
  mutating func failed() { failures += 1 }

  /// Removes and returns the set that has waited longest.
  mutating func take() -> Element? { ready.isEmpty ? nil : ready.removeFirst().element }

  /// Records that a session uses a set successfully; earlier failures no longer count.
  mutating func served() { failures = 0 }

  /// Removes a set that died while it waited; returns nil if it was handed out.
  mutating func remove(_ number: Int) -> Element? {
    guard let index = ready.firstIndex(where: { $0.number == number }) else { return nil }
    failures += 1
    return ready.remove(at: index).element
  }

  /// Removes and returns all sets; no more are needed.
  mutating func close() -> [Element] {
    isClosed = true
    defer { ready = [] }
    return ready.map(\.element)
  }
}
