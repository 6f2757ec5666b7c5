import HTTP2
import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Periodic checks of what a connection waits for. One timer serves all its streams and runs only while there is something to
/// wait for: calls that are answered at once do not start it.
extension HTTP2ChannelHandler {
  /// Starts the timer if it is not running and there is something to watch.
  func armWatch() {
    guard !isWatching, let http2 else { return }
    guard !http2.streams.isEmpty || !wantsMore || http2.unfinishedFrameSince != nil else { return }
    isWatching = true
    after(limits.watchInterval) { handler in
      handler.isWatching = false
      handler.watch(now: .now())
      handler.armWatch()
    }
  }

  func watchIdleness() {
    guard let idle = limits.idleTimeout else { return }
    after(max(lastActivity + idle - .now(), .milliseconds(1))) { handler in
      guard let http2 = handler.http2 else { return }
      if http2.streams.isEmpty && .now() - handler.lastActivity >= idle { handler.happen(.idle) }
      if !http2.streams.isEmpty { handler.lastActivity = .now() }
      handler.watchIdleness()
    }
  }

  private func watch(now: NIODeadline) {
    guard let http2, !isEnding else { return }
    for stream in Array(http2.streams) { (stream as? ByteBufferStream)?.watch(now: now) }
    guard isServer else { return }
    watchFrame(http2, now)
    watchSocket(now)
    if account?.received.mustGiveWay == true {
      cutOff(
        .receivedBytes,
        HTTP2Error(
          .enhanceYourCalm,
          "The server has reached its limit of buffered messages, and this connection has more than its share",
          hint: "send less at once, and read answers"))
    }
  }

  private func watchFrame(_ http2: HTTP2Connection, _ now: NIODeadline) {
    guard let since = http2.unfinishedFrameSince,
      now - .uptimeNanoseconds(since) >= limits.headerTimeout
    else { return }
    cutOff(
      .headers,
      HTTP2Error(
        .enhanceYourCalm, "A header list or another frame was not completed in time",
        evidence: "\(limits.headerTimeout.nanoseconds / 1_000_000) ms"))
  }

  /// Checks that the peer reads from a full socket.
  private func watchSocket(_ now: NIODeadline) {
    guard !wantsMore else { return socketPace.rest() }
    acknowledgedBytes { handler, bytes in
      let limits = handler.limits
      let least = limits.readerTimeout.bytes(at: limits.minBytesPerSecond)
      guard handler.socketPace.isTooSlow(bytes, at: now, window: limits.readerTimeout, least: least) else { return }
      handler.giveUp(
        .slowReader,
        HTTP2Error(
          .enhanceYourCalm, "The peer does not read the answers that it requested",
          evidence: "under \(least) bytes in \(limits.readerTimeout.nanoseconds / 1_000_000) ms"))
    }
  }

  /// Calls `body` with the number of bytes that the peer has acknowledged. On TCP, the bytes accepted by the socket are not a
  /// useful measure: the kernel accepts none until a third of its buffer of megabytes is free.
  private func acknowledgedBytes(_ body: @escaping (HTTP2ChannelHandler, Int) -> Void) {
    #if os(Linux)
      if case .tcp = peer, let provider = channel as? any SocketOptionProvider {
        let information: EventLoopFuture<TCPInformation> = provider.unsafeGetSocketOption(
          level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_INFO))
        information.assumeIsolated().whenSuccess { [weak self] in
          if let self { body(self, Int(truncatingIfNeeded: $0.bytesAcknowledged)) }
        }
        return
      }
    #endif
    body(self, takenBytes)
  }
}

/// The first fields of Linux's `struct tcp_info` (linux/tcp.h), of which only `tcpi_bytes_acked` is used.
private struct TCPInformation: Sendable {
  var before: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
  var more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
  var bytesAcknowledged: UInt64 = 0
}

extension ConnectionLimits {
  private var quarterOfShortest: TimeAmount {
    .nanoseconds(min(headerTimeout, readerTimeout, requestTimeout, contendedTimeout).nanoseconds / 4)
  }

  /// The time between two checks: a quarter of the shortest timeout, at most a second.
  var watchInterval: TimeAmount {
    max(.milliseconds(5), min(.seconds(1), quarterOfShortest))
  }
}
