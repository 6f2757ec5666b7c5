import HTTP2
import NIOCore

extension HTTP2ChannelHandler {
  /// Whether the peer opened the connection.
  public var isServer: Bool { role == .server }

  /// Counts bytes held in memory on behalf of the peer. Returns false if a share is exceeded: that of the connection or its peer,
  /// in which case the connection is cut off, or the total, if this connection holds more than an equal part of it.
  func hold(_ bytes: Int) -> Bool {
    guard let account, let excess = account.received.add(bytes) else { return true }
    let limits = limits.received
    switch excess {
    case .connection(let used): exceed("This connection", used, limits.perConnection)
    case .peer(let used): exceed("The connections of \(peer.origin) together", used, limits.perPeer)
    case .total: break
    }
    return false
  }

  private func exceed(_ who: String, _ used: Int, _ most: Int) {
    cutOff(
      .receivedBytes,
      HTTP2Error(
        .enhanceYourCalm, "\(who) made the server buffer too much",
        evidence: "\(used) bytes of messages and headers, over \(most)", hint: "send less at once, and read answers"))
  }

  func release(_ bytes: Int) { _ = account?.received.add(-bytes) }

  /// Adds to the number of queued bytes of bodies; negative values subtract.
  func queue(_ bytes: Int) {
    pendingBodyBytes += bytes
    _ = account?.queued.add(bytes)
  }

  /// Returns whether a message of this many bytes may be queued: if nothing else waits, or if it fits beside what waits.
  public func hasRoom(toQueue bytes: Int) -> Bool {
    if pendingBodyBytes == 0 { return true }
    return account?.queued.hasRoom(for: bytes) ?? (pendingBodyBytes + bytes <= limits.maxPendingBodyBytes)
  }

  /// Counts bytes of responses that a handler has in memory but not written yet. Returns false, without counting, if they do not
  /// fit beside those that wait.
  public func holdResponse(_ bytes: Int) -> Bool {
    guard let account else { return true }
    guard account.queued.hasRoom(for: bytes) else { return false }
    _ = account.queued.add(bytes)
    return true
  }

  /// Takes such bytes off the count.
  public func releaseResponse(_ bytes: Int) { _ = account?.queued.add(-bytes) }

  func streamClosed() { _ = account?.streams.add(-1) }

  /// Reports a refusal to the peer of this connection.
  public func refused(_ kind: Refusal, _ text: String) { report?(kind, peer, text) }

  /// Whether the connection is failing.
  var isEnding: Bool { failure != nil || cause != nil }

  var channel: (any Channel)? { context?.channel }

  /// The number of bytes that the socket has accepted.
  var takenBytes: Int {
    handedBytes - ((try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
  }

  /// Ends the connection because of its peer, without GOAWAY, because the peer does not read.
  func giveUp(_ kind: Refusal, _ error: HTTP2Error) {
    guard !isEnding else { return }
    cause = kind
    fail(error)
    context?.close(promise: nil)
  }

  /// Ends the connection because of its peer: sends GOAWAY with the reason, then closes the channel.
  func cutOff(_ kind: Refusal, _ error: HTTP2Error) {
    guard cause == nil, failure == nil else { return }
    cause = kind
    http2?.fail(error)
  }
}
