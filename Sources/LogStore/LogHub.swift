import Synchronization

/// Wakes the followers of one store when there are new lines for them.
final class LogHub: Sendable {
  /// What a follower learns when it wakes.
  struct News: Sendable {
    /// Streams with new lines; nil for all.
    var stems: Set<String>? = []
    /// Records that could not be written to disk, with their stems. Followers receive them only in this way.
    var unwritten: [(stem: String, record: LogRecord)] = []
    /// Whether to read the existing lines and end.
    var isLast = false
  }

  private struct State {
    var nextNumber: UInt64 = 0
    var isClosed = false
    /// Followers by the stem of the single stream they follow; all others are listed under the empty stem.
    var subscriptions: [String: [UInt64: LogSubscription]] = [:]
  }

  private let state = Mutex(State())

  /// Adds a follower of some streams, or of all (nil).
  func subscribe(to stems: Set<String>?, endsWithSession: Bool) -> LogSubscription {
    let key = stems?.count == 1 ? stems!.first! : ""
    return state.withLock { state in
      state.nextNumber += 1
      let subscription = LogSubscription(
        hub: self, key: key, number: state.nextNumber, stems: stems, endsWithSession: endsWithSession)
      state.subscriptions[key, default: [:]][subscription.number] = subscription
      if state.isClosed { subscription.end() }
      return subscription
    }
  }

  fileprivate func remove(_ subscription: LogSubscription) {
    state.withLock { state in
      state.subscriptions[subscription.key]?[subscription.number] = nil
      if state.subscriptions[subscription.key]?.isEmpty == true { state.subscriptions[subscription.key] = nil }
    }
  }

  /// Notifies the followers of a stream that it has grown, or that records could not be written.
  func announce(_ stem: String, unwritten: ArraySlice<LogRecord> = []) {
    let subscriptions = state.withLock { state in
      [stem, ""].flatMap { key in state.subscriptions[key].map { Array($0.values) } ?? [] }
    }
    for subscription in subscriptions where subscription.wants(stem) {
      subscription.announce(stem, unwritten: unwritten)
    }
  }

  /// Ends all followers, including later ones, when they have read the existing lines.
  func close() {
    let subscriptions = state.withLock { state in
      state.isClosed = true
      return state.subscriptions.values.flatMap(\.values)
    }
    for subscription in subscriptions { subscription.end() }
  }

  /// Ends the followers of a session's stream that end with the session.
  func endSession(_ stem: String) {
    let subscriptions = state.withLock { $0.subscriptions[stem].map { Array($0.values) } ?? [] }
    for subscription in subscriptions where subscription.endsWithSession { subscription.end() }
  }
}

/// The news of one follower, and the task that waits for it.
final class LogSubscription: Sendable {
  /// The maximum number of unwritten records kept for a follower; the oldest are dropped.
  private static let capacity = 1024

  private struct State {
    var news = LogHub.News()
    var hasNews = false
    var isCancelled = false
    var waiter: CheckedContinuation<Void, Never>?

    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
      defer { waiter = nil }
      return waiter
    }
  }

  let endsWithSession: Bool
  fileprivate let key: String
  fileprivate let number: UInt64
  private let hub: LogHub
  private let stems: Set<String>?
  private let state = Mutex(State())

  fileprivate init(hub: LogHub, key: String, number: UInt64, stems: Set<String>?, endsWithSession: Bool) {
    self.hub = hub
    self.key = key
    self.number = number
    self.stems = stems
    self.endsWithSession = endsWithSession
  }

  fileprivate func wants(_ stem: String) -> Bool { stems?.contains(stem) ?? true }

  fileprivate func announce(_ stem: String, unwritten: ArraySlice<LogRecord>) {
    tell { news in
      news.stems?.insert(stem)
      // A follower of all streams that does not read collects too many names: let it check all streams.
      if news.stems?.count ?? 0 > Self.capacity { news.stems = nil }
      news.unwritten += unwritten.suffix(Self.capacity).map { (stem, $0) }
      news.unwritten.removeFirst(max(0, news.unwritten.count - Self.capacity))
    }
  }

  /// Makes the follower read the existing lines and end.
  func end() { tell { $0.isLast = true } }

  private func tell(_ change: (inout LogHub.News) -> Void) {
    let waiter = state.withLock { state in
      change(&state.news)
      state.hasNews = true
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  /// Suspends until there are news; returns nil if the task was cancelled.
  func wait() async -> LogHub.News? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          guard !state.hasNews, !state.isCancelled else { return true }
          state.waiter = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.isCancelled = true
        return state.takeWaiter()
      }
      waiter?.resume()
    }
    return state.withLock { state in
      guard !state.isCancelled else { return nil }
      defer {
        state.news = LogHub.News()
        state.hasNews = false
      }
      return state.news
    }
  }

  /// Removes the follower from the hub.
  func cancel() { hub.remove(self) }
}
