/// What a follower of a store learns.
public enum StateUpdate: Sendable, Equatable {
  /// All entries with the prefix as they are at a revision: what was known before is to be forgotten.
  case snapshot(StateSnapshot)
  /// What a transaction changed after that.
  case change(StateRecord)
}

extension StateStore {
  /// Follows the keys that begin with `prefix`: first all of them as they are, then each change, in order and without a
  /// gap. When the follower was so slow that the history no longer reaches back to where it stands, it gets all entries
  /// again. The stream is for one reader and ends when its task is cancelled or the store is closed.
  /// - Throws: in the stream, `StateStoreError`, but not of code `compacted`.
  public func updates(prefix: String) -> AsyncThrowingStream<StateUpdate, any Error> {
    let follower = StateFollower(store: self, prefix: prefix)
    return AsyncThrowingStream { try await follower.next() }
  }
}

/// Lists, watches, and lists again when the history has gone.
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

  /// - Returns: nil when the state has changed.
  private func watch(_ changes: AsyncThrowingStream<StateRecord, any Error>) async throws -> StateUpdate? {
    do {
      // A new iterator goes on where the last one was: the stream has one place.
      for try await record in changes { return .change(record) }
      state = .ended
    } catch let error as StateStoreError where error.code == .compacted {
      state = .unlisted
    }
    return nil
  }
}
