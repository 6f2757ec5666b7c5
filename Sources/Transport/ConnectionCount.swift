import Synchronization

/// Counts the connections of a server over all its listeners.
public final class ConnectionCount: Sendable {
  private let count = Atomic<Int>(0)
  private let limit: Int
  private let acceptLimit: Int
  /// The maximum number of connections of one peer. See `Peer.origin`.
  let peerLimit: Int
  /// The number of connections of each peer.
  private let peers = Mutex<[String: Int]>([:])
  /// The number of accepted connections, including those that are closed at once.
  private let accepted = Atomic<Int>(0)
  /// Resumes the listeners that wait for a connection to end.
  private let waiting = Mutex<[@Sendable () -> Void]>([])

  /// Creates a counter that admits at most `limit` connections and `peerLimit` of one peer, and pauses accepting at
  /// `acceptLimit`.
  public init(limit: Int, acceptLimit: Int = .max, peerLimit: Int = .max) {
    self.limit = limit
    self.acceptLimit = acceptLimit
    self.peerLimit = peerLimit
  }

  /// The current number of connections.
  public var current: Int { count.load(ordering: .relaxed) }

  /// Adds a connection. Returns false if the limit is reached.
  func enter() -> Bool {
    if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
    leave()
    return false
  }

  /// Removes a connection.
  func leave() {
    count.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Adds a connection of a peer. Returns false if the peer's limit is reached.
  func enter(_ peer: Peer) -> Bool {
    peers.withLock { peers in
      guard peers[peer.origin, default: 0] < peerLimit else { return false }
      peers[peer.origin, default: 0] += 1
      return true
    }
  }

  /// Removes a connection of a peer.
  func leave(_ peer: Peer) {
    peers.withLock { peers in
      guard let count = peers[peer.origin] else { return }
      peers[peer.origin] = count > 1 ? count - 1 : nil
    }
  }

  /// Counts an accepted connection.
  func accept() { accepted.wrappingAdd(1, ordering: .relaxed) }

  /// Called when the descriptor of an accepted connection was closed.
  func close() {
    accepted.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    let resumed = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for resume in resumed { resume() }
  }

  /// If the limit for accepting is reached, returns true and calls `resume` when a connection has ended.
  func waitForPlace(_ resume: @escaping @Sendable () -> Void) -> Bool {
    waiting.withLock { waiting in
      guard accepted.load(ordering: .sequentiallyConsistent) >= acceptLimit else { return false }
      waiting.append(resume)
      return true
    }
  }
}
