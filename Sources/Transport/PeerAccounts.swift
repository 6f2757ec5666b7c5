import Synchronization

/// Accounts for the resources held on behalf of connections, by connection, by peer and in total, over all listeners.
public final class PeerAccounts: Sendable {
  let received: SharedAmount
  let queued: SharedAmount
  let streams: SharedAmount
  private let peers = Mutex<[String: (connections: Int, peer: PeerAccount)]>([:])

  /// The number of bytes by which a connection's count may differ from its part of the shared counters.
  static let quantumBytes = 16 * 1024
  private static let quantumStreams = 64

  /// Creates accounts with the shares of `limits`.
  public init(_ limits: ConnectionLimits) {
    received = SharedAmount(limits.received, quantum: Self.quantumBytes)
    queued = SharedAmount(limits.queued, quantum: Self.quantumBytes)
    streams = SharedAmount(limits.streams, quantum: Self.quantumStreams)
  }

  /// The number of received bytes held in memory: messages that wait for their readers, header lists, the state of calls.
  public var receivedBytes: Int { received.total }

  /// The number of bytes of responses that wait to be sent.
  public var queuedBytes: Int { queued.total }

  /// The number of peers with connections.
  public var peerCount: Int { peers.withLock { $0.count } }

  func open(_ peer: Peer) -> ConnectionAccount {
    let origin = peer.origin
    let account = peers.withLock { peers in
      var entry = peers[origin] ?? (0, PeerAccount())
      entry.connections += 1
      peers[origin] = entry
      return entry.peer
    }
    return ConnectionAccount(self, account, origin: origin)
  }

  fileprivate func close(_ origin: String) {
    peers.withLock { peers in
      guard var entry = peers[origin] else { return }
      entry.connections -= 1
      peers[origin] = entry.connections > 0 ? entry : nil
    }
  }
}

/// The resources of all connections of one peer.
final class PeerAccount: Sendable {
  let received = SharedAmount.PeerPart()
  let queued = SharedAmount.PeerPart()
  let streams = SharedAmount.PeerPart()
}

/// The resources held on behalf of one connection. Confined to its event loop.
final class ConnectionAccount {
  var received: SharedAmount.Part
  var queued: SharedAmount.Part
  var streams: SharedAmount.Part
  private let all: PeerAccounts
  private let origin: String
  private var isOpen = true

  fileprivate init(_ all: PeerAccounts, _ peer: PeerAccount, origin: String) {
    self.all = all
    self.origin = origin
    received = SharedAmount.Part(of: all.received, peer: peer.received)
    queued = SharedAmount.Part(of: all.queued, peer: peer.queued)
    streams = SharedAmount.Part(of: all.streams, peer: peer.streams)
  }

  /// Closes the account, after the streams of the connection.
  func close() {
    guard isOpen else { return }
    isOpen = false
    received.close()
    queued.close()
    streams.close()
    all.close(origin)
  }
}
