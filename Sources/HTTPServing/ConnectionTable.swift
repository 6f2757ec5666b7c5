import Glibc
import HummingbirdCore
import Logging
import NIOCore
import Synchronization
import Transport

/// The connections of a listener, by peer, and which of them have no request under way.
///
/// While the maximum number of connections is open, new ones wait to be accepted, and connections that have had no request for
/// a while are closed to make room, the longest idle first. Thus clients that are slow or only hold connections cannot shut out
/// others.
final class ConnectionTable: AvailableConnectionsDelegate {
  /// The entry of a connection in the table.
  final class Connection: Sendable {
    private let number: Int
    private let table: ConnectionTable

    fileprivate init(number: Int, table: ConnectionTable) {
      self.number = number
      self.table = table
    }

    /// Records that the head of a request has been read.
    func requestBegan() { table.change(number) { $0.requests += 1 } }

    /// Records that the answer to a request has been written.
    func requestEnded() {
      table.change(number) { entry in
        entry.requests = max(0, entry.requests - 1)
        entry.idleSince = .now()
      }
    }
  }

  private struct Entry {
    let channel: any Channel
    let peer: String
    var requests = 0
    var idleSince = NIODeadline.now()
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var countOfPeer: [String: Int] = [:]
    var last = 0
    var accepted = 0
    var isMakingRoom = false
    var isQuiescing = false
    /// The peers about which a line was logged recently, and when.
    var named: [String: NIODeadline] = [:]
  }

  private let state = Mutex(State())
  private let limits: HTTPLimits
  private let loop: any EventLoop
  private let logger: Logger

  init(_ limits: HTTPLimits, _ loop: any EventLoop, _ logger: Logger) {
    self.limits = limits
    self.loop = loop
    self.logger = logger
  }

  // MARK: Accepting

  /// The number of accepted connections.
  var current: Int { state.withLock(\.accepted) }

  func isAcceptingNewConnections() -> Bool { current < limits.connections }

  func connectionClosed() { state.withLock { $0.accepted -= 1 } }

  func connectionOpened() {
    let begins = state.withLock { state in
      state.accepted += 1
      guard state.accepted >= limits.connections, !state.isMakingRoom else { return false }
      state.isMakingRoom = true
      return true
    }
    if begins { scheduleRoom() }
  }

  /// The maximum number of connections that are closed at a time, and the number of checks within `patience`.
  private static let (batch, pace) = (32, 4 as Int64)

  private func scheduleRoom() {
    loop.scheduleTask(in: .nanoseconds(limits.patience.nanoseconds / Self.pace)) { [self] in makeRoom() }
  }

  private func makeRoom() {
    let idle: [Entry]? = state.withLock { state in
      guard state.accepted >= limits.connections else {
        state.isMakingRoom = false
        return nil
      }
      let latest = NIODeadline.now() - limits.patience
      let idle = state.entries.values.filter { $0.requests == 0 && $0.idleSince <= latest }
      return Array(idle.sorted { $0.idleSince < $1.idleSince }.prefix(Self.batch))
    }
    guard let idle else { return }
    for entry in idle {
      report(entry.peer, "idle connections are closed, because all \(limits.connections) connections are in use")
      entry.channel.close(promise: nil)
    }
    scheduleRoom()
  }

  /// Closes the connections without a request now, and the others after their answer.
  func quiesce() {
    let channels = state.withLock { state in
      state.isQuiescing = true
      return state.entries.values.map(\.channel)
    }
    for channel in channels {
      channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
  }

  // MARK: Peers

  /// Adds a connection; returns nil when its peer has too many and all of them have requests under way, and after `quiesce`.
  func enter(_ channel: any Channel, peer: String) -> Connection? {
    let (number, displaced, isFull): (Int?, Entry?, Bool) = state.withLock { state in
      guard !state.isQuiescing else { return (nil, nil, false) }
      var displaced: Entry?
      if state.countOfPeer[peer, default: 0] >= limits.connectionsOfPeer {
        displaced = state.entries.values.filter { $0.peer == peer && $0.requests == 0 }
          .min { $0.idleSince < $1.idleSince }
        guard displaced != nil else { return (nil, nil, true) }
      }
      state.last += 1
      state.entries[state.last] = Entry(channel: channel, peer: peer)
      state.countOfPeer[peer, default: 0] += 1
      return (state.last, displaced, displaced != nil)
    }
    if isFull {
      report(peer, "connections are closed, because the peer has \(limits.connectionsOfPeer), the limit")
    }
    displaced?.channel.close(promise: nil)
    guard let number else { return nil }
    channel.closeFuture.whenComplete { [self] _ in leave(number) }
    return Connection(number: number, table: self)
  }

  private func leave(_ number: Int) {
    state.withLock { state in
      guard let entry = state.entries.removeValue(forKey: number) else { return }
      let count = state.countOfPeer[entry.peer, default: 1] - 1
      state.countOfPeer[entry.peer] = count > 0 ? count : nil
    }
  }

  private func change(_ number: Int, _ body: (inout Entry) -> Void) {
    state.withLock { state in
      if state.entries[number] != nil { body(&state.entries[number]!) }
    }
  }

  /// Whether another request may be answered that does not ask for the health: some connections are reserved for those that do.
  var hasRoom: Bool {
    let reserved = limits.connections / HTTPLimits.reserve
    // Connections that are closing may still be counted, and must not block others when there is no reserve.
    guard reserved > 0 else { return true }
    let busy = state.withLock { state in state.entries.values.count { $0.requests > 0 } }
    return busy <= limits.connections - reserved
  }

  /// The time after a log line about a peer during which further ones are suppressed, and the maximum number of peers for which
  /// this is remembered.
  private static let (silence, peers) = (TimeAmount.minutes(10), 1000)

  private func report(_ peer: String, _ words: String) {
    let isNews = state.withLock { state in
      let now = NIODeadline.now()
      if let last = state.named[peer], last + Self.silence > now { return false }
      if state.named.count >= Self.peers { state.named = [:] }
      state.named[peer] = now
      return true
    }
    if isNews { logger.warning("\(words)", metadata: ["peer": "\(peer)"]) }
  }
}

extension Channel {
  /// Returns the peer to count the connection under.
  func peerName() -> EventLoopFuture<String> {
    guard let address = remoteAddress, address.ipAddress != nil else {
      guard let provider = self as? any SocketOptionProvider else {
        return eventLoop.makeSucceededFuture("unix socket")
      }
      return provider.peerCredentials().map { "uid \($0.uid)" }.recover { _ in "unix socket" }
    }
    return eventLoop.makeSucceededFuture("host " + address.network)
  }
}

extension SocketAddress {
  /// The address, or the network of 64 bits of an IPv6 address: a host can use any address of it.
  fileprivate var network: String {
    let text = ipAddress ?? ""
    var bytes = [UInt8](repeating: 0, count: 16)
    guard case .v6 = self, inet_pton(AF_INET6, text, &bytes) == 1 else { return text }
    // An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
    let isMapped = bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    return isMapped ? text : bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "/64"
  }
}
