import HTTP2
import NIOCore
import Transport

/// Every bound of a server, with its default.
public struct ServerLimits: Sendable, Equatable {
  /// The bounds of one HTTP/2 connection.
  public var http2 = HTTP2Limits()
  /// The bounds of connections as transports: how many, timeouts, buffers.
  public var connection = ConnectionLimits()
  /// Longest message in bytes that is received. GraphScope's client sends up to 2^31 - 1.
  public var maxMessageBytes = Int(Int32.max)
  /// Bytes of large messages that are being received at once, over all connections. See `MessageBudget` for the rule.
  public var messageBudgetBytes = 4 * 1024 * 1024 * 1024
  /// Bytes that have arrived and that no handler has asked for, over all connections. A stream on which more arrives
  /// fails with RESOURCE_EXHAUSTED; windows make this the last resort, not the way of flow control.
  public var maxUnreadBytes = 1024 * 1024 * 1024
  /// How long a peer may stop in the middle of a large message while others wait for room.
  public var stalledMessageTimeout: TimeAmount = .seconds(30)
  /// Bytes of one stream that wait to be sent, above which `ResponseWriter.write` waits.
  public var writeHighWatermark = 1024 * 1024
  /// Messages of more bytes than this are decoded away from the event loop.
  public var decodeOnLoopBytes = 1024 * 1024

  /// The defaults.
  public init() {}
}

extension ServerLimits {
  var messages: MessageBounds {
    MessageBounds(
      maxMessageBytes: maxMessageBytes, maxUnreadBytes: maxUnreadBytes, windowBytes: http2.streamWindowBytes,
      bulkWindowBytes: http2.bulkStreamWindowBytes, stalledMessageTimeout: stalledMessageTimeout)
  }
}
