import Logging
import NIOCore
import Synchronization
import Transport

/// Counts the refusals of a server and logs each kind once per peer and period, because a peer can cause refusals at any rate.
final class RefusalCount: Sendable {
  private struct Key: Hashable {
    let kind: Refusal
    let origin: String
  }

  private struct State {
    var counts: [Refusal: UInt64] = [:]
    /// The time at which each kind was last logged for a peer.
    var logged: [Key: NIODeadline] = [:]
  }

  /// The period within which a kind is not logged again for the same peer.
  static let silence = TimeAmount.minutes(10)
  /// Maximum number of remembered log lines. When it is reached, nothing is logged until some have expired.
  static let maxLogged = 1_000

  private let logger: Logger
  private let state = Mutex(State())

  init(_ logger: Logger) { self.logger = logger }

  var counts: [Refusal: UInt64] { state.withLock { $0.counts } }

  func note(_ kind: Refusal, peer: Peer?, _ text: String, now: NIODeadline = .now()) {
    let key = Key(kind: kind, origin: peer?.origin ?? "")
    let isLogged = state.withLock { state in
      state.counts[kind, default: 0] += 1
      if let last = state.logged[key], now - last < Self.silence { return false }
      if state.logged.count >= Self.maxLogged { state.logged = state.logged.filter { now - $0.value < Self.silence } }
      guard state.logged.count < Self.maxLogged else { return false }
      state.logged[key] = now
      return true
    }
    if isLogged {
      var metadata: Logger.Metadata = ["kind": "\(kind.rawValue)"]
      if let peer { metadata["peer"] = "\(peer)" }
      logger.warning("\(text)", metadata: metadata)
    }
  }
}
