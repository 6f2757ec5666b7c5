/// How many sets of engines are there ahead of sessions, and when another one is to be started. A pure value.
///
/// | event | effect |
/// |---|---|
/// | `started` | the set is kept, unless there is enough or the end has come: then it is to be ended |
/// | `failed` | the next start waits, longer with each failure in a row |
/// | `take` | the oldest set leaves |
/// | `served` | the next start does not wait |
/// | `remove` | a set that died leaves; it counts as a failure |
/// | `close` | all leave, and no further one is wanted |
struct WarmStock<Element> {
  /// Sets that are to be there.
  let size: Int
  private var ready: [(number: Int, element: Element)] = []
  private var failures = 0
  private var isClosed = false

  /// The pause before the first start after a failure, and the longest.
  static var firstPause: Duration { .seconds(1) }
  static var longestPause: Duration { .seconds(60) }

  init(size: Int) { self.size = size }

  /// How long to wait before the next start; nil when none is wanted.
  var pause: Duration? {
    guard !isClosed, ready.count < size else { return nil }
    guard failures > 0 else { return .zero }
    return min(Self.firstPause * (1 << min(failures - 1, 6)), Self.longestPause)
  }

  /// Sets that wait for sessions.
  var count: Int { ready.count }

  /// A set takes work. Returns whether it is kept.
  mutating func started(_ element: Element, number: Int) -> Bool {
    guard !isClosed, ready.count < size else { return false }
    ready.append((number, element))
    return true
  }

  /// A set could not be started.
  mutating func failed() { failures += 1 }

  /// The set that waits longest, for a session.
  mutating func take() -> Element? { ready.isEmpty ? nil : ready.removeFirst().element }

  /// A session works with a set: whatever failed before is over.
  mutating func served() { failures = 0 }

  /// A set died while it waited. Nil when a session has it.
  mutating func remove(_ number: Int) -> Element? {
    guard let index = ready.firstIndex(where: { $0.number == number }) else { return nil }
    failures += 1
    return ready.remove(at: index).element
  }

  /// The end: all that is there.
  mutating func close() -> [Element] {
    isClosed = true
    defer { ready = [] }
    return ready.map(\.element)
  }
}
