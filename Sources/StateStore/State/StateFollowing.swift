/// An update for a follower of a store.
public enum StateUpdate: Sendable, Equatable {
  /// All entries with the prefix at a revision, replacing everything known before.
  case snapshot(StateSnapshot)
  /// The changes of a later transaction.
  case change(StateRecord)
}

extension StateStore {
  /// Follows the keys with a prefix: first a snapshot of all of them, then each change, in order and without gaps. If the
  /// follower falls so far behind that the history no longer reaches back to its position, it receives a snapshot again. The
  /// stream is for one reader and ends when its task is cancelled or the store is closed.
  /// - Throws: `StateStoreError` in the stream, but never of code `compacted`.
  public func updates(prefix: String) -> AsyncThrowingStream<StateUpdate, any Error> {
    let follower = StateFollower(store: self, prefix: prefix)
    return AsyncThrowingStream { try await follower.next() }
  }
}

/// Lists the entries, watches for changes, and lists again if the history was compacted.
///
/// | state     | `next`                                                                |
/// |-----------|-----------------------------------------------------------------------|
/// | unlisted  | lists: → watching from the listed revision, `.snapshot`               |
/// | watching  | the next record: `.change`; `compacted`: → unlisted; the end: → ended |
/// | ended     | nil                                                                   |
private actor StateFollower {
  private enum State {
    case unlisted
    case watching(AsyncThrowingStream<StateRecord, any Error>)
    case ended
  }

  private let store: any StateStore
  private let prefix: String
  private var state = State.unlisted

  init(store: any StateStore, prefix: String) {
    self.store = store
    self.prefix = prefix
  }

  func next() async throws -> StateUpdate? {
    while true {
      switch state {
      case .ended: return nil
      case .unlisted:
        guard let snapshot = try await list() else { return nil }
        state = .watching(store.changes(prefix: prefix, after: snapshot.revision))
        return .snapshot(snapshot)
      case .watching(let changes):
        if let update = try await watch(changes) { return update }
      }
    }
  }

  private func list() async throws -> StateSnapshot? {
    do {
      return try await store.entries(prefix: prefix, at: nil)
    } catch let error as StateStoreError where error.code == .closed {
      state = .ended
      return nil
    }
  }

  /// - Returns: Nil if the state of the follower has changed.
  private func watch(_ changes: AsyncThrowingStream<StateRecord, any Error>) async throws -> StateUpdate? {
    do {
      // A new iterator continues where the last one ended: the stream has a single position.
      for try await record in changes { return .change(record) }
      state = .ended
    } catch let error as StateStoreError where error.code == .compacted {
      state = .unlisted
    }
    return nil
  }
}
