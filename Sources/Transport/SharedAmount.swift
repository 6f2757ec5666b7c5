import Synchronization

/// The maximum amount of a resource for one connection, for all connections of one peer, and for all connections.
public struct Shares: Sendable, Equatable {
  /// The maximum for one connection.
  public var perConnection: Int
  /// The maximum for all connections of one peer. See `Peer.origin`.
  public var perPeer: Int
  /// The maximum for all connections.
  public var total: Int

  /// Creates shares of a total: half for a peer, a quarter for a connection.
  public init(total: Int) {
    self.init(perConnection: total / 4, perPeer: total / 2, total: total)
  }

  /// Creates shares from their values.
  public init(perConnection: Int, perPeer: Int, total: Int) {
    self.perConnection = perConnection
    self.perPeer = perPeer
    self.total = total
  }
}

/// An amount shared by the connections of a server, such as bytes held in memory.
///
/// Each connection counts on its own event loop and updates the shared counters when its count has changed by a quantum, so that
/// small calls access no atomics. The shared counters therefore lag by up to a quantum per connection.
///
/// **If the total is exhausted**, the connections with more than an equal part of it must give way, and only they. At most twice
/// the total is in use: connections that still grow have at most an equal part each, and those that cannot grow have what they
/// had when the total was reached.
final class SharedAmount: Sendable {
  let shares: Shares
  let quantum: Int
  private let used = Atomic<Int>(0)
  /// The number of connections with a non-zero settled amount.
  private let holders = Atomic<Int>(0)

  init(_ shares: Shares, quantum: Int) {
    self.shares = shares
    self.quantum = quantum
  }

  /// The settled amount of all connections.
  var total: Int { used.load(ordering: .relaxed) }

  /// The part of one connection. Confined to its event loop; must be closed with `close`.
  struct Part {
    /// The current amount of the connection.
    private(set) var count = 0
    private var settled = 0
    private let amount: SharedAmount
    private let peer: PeerPart

    init(of amount: SharedAmount, peer: PeerPart) {
      self.amount = amount
      self.peer = peer
    }

    /// Adds to the amount of the connection; negative values subtract. Returns the share that is exceeded after an increase.
    mutating func add(_ change: Int) -> Excess? {
      count += change
      if change <= 0 {
        // Hysteresis: an amount that varies around a multiple of the quantum must not be settled each time.
        if settled - count >= 2 * amount.quantum { settle() }
        return nil
      }
      if count - settled >= amount.quantum { settle() }
      if count > amount.shares.perConnection { return .connection(count) }
      return settled > 0 ? excessOfOthers : nil
    }

    /// Whether the total is exceeded and this connection has more than an equal part of it.
    var mustGiveWay: Bool {
      let total = amount.total
      guard settled > 0, total > amount.shares.total else { return false }
      return count > amount.shares.total / max(1, amount.holders.load(ordering: .relaxed))
    }

    private var excessOfOthers: Excess? {
      let peers = peer.used.load(ordering: .relaxed)
      if peers > amount.shares.perPeer { return .peer(peers) }
      return mustGiveWay ? .total(amount.total) : nil
    }

    /// Returns whether this much more fits within all three shares.
    func hasRoom(for more: Int) -> Bool {
      count + more <= amount.shares.perConnection
        && peer.used.load(ordering: .relaxed) - settled + count + more <= amount.shares.perPeer
        && amount.total - settled + count + more <= amount.shares.total
    }

    private mutating func settle() {
      let change = count - settled
      guard change != 0 else { return }
      if settled == 0 { amount.holders.wrappingAdd(1, ordering: .relaxed) }
      if count == 0 { amount.holders.wrappingSubtract(1, ordering: .relaxed) }
      settled = count
      amount.used.wrappingAdd(change, ordering: .relaxed)
      peer.used.wrappingAdd(change, ordering: .relaxed)
    }

    /// Removes the whole amount of the connection.
    mutating func close() {
      count = 0
      settle()
    }
  }

  /// The settled amount of the connections of one peer.
  final class PeerPart: Sendable {
    fileprivate let used = Atomic<Int>(0)
  }

  /// A share that is exceeded, with the amount in use.
  enum Excess: Equatable {
    case connection(Int)
    case peer(Int)
    case total(Int)
  }
}
