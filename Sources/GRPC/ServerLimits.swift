import HTTP2
import NIOCore
import Transport

/// The limits of a server, with their defaults.
public struct ServerLimits: Sendable, Equatable {
  /// Limits of each HTTP/2 connection.
  public var http2 = HTTP2Limits()
  /// Limits of the underlying transport connections: number, timeouts, buffers.
  public var connection = ConnectionLimits()
  /// Maximum size of a received message, in bytes. GraphScope's client sends up to 2^31 - 1.
  public var maxMessageBytes = Int(Int32.max)
  /// Maximum number of bytes of large messages that are being received at the same time, over all connections. See
  /// `MessageBudget` for the rule.
  public var messageBudgetBytes = 4 * 1024 * 1024 * 1024
  /// Maximum number of metadata values of a call, after values of `-bin` names are split at commas. A call with more fails with
  /// RESOURCE_EXHAUSTED.
  public var maxMetadataEntries = 1_000
  /// Maximum number of received bytes that no handler has requested yet, including header lists and the state of calls, over all
  /// connections: the total of `ConnectionLimits.received`. If more bytes arrive on a call, it fails with RESOURCE_EXHAUSTED if
  /// its connection holds more than an equal part. This is a last resort; windows provide the regular flow control.
  public var maxUnreadBytes: Int {
    get { connection.received.total }
    set { connection.received.total = newValue }
  }
  /// How long a peer may be slow in the middle of a large message while other messages wait for room:
  /// `ConnectionLimits.contendedTimeout`.
  public var stalledMessageTimeout: TimeAmount {
    get { connection.contendedTimeout }
    set { connection.contendedTimeout = newValue }
  }
  /// Number of unsent bytes of one stream above which `ResponseWriter.write` waits.
  public var writeHighWatermark = 1024 * 1024
  /// Messages of more bytes than this are decoded outside the event loop.
  public var decodeOnLoopBytes = 1024 * 1024

  /// Creates the default limits.
  public init() {}
}

extension ServerLimits {
  var messages: MessageBounds {
    MessageBounds(
      maxMessageBytes: maxMessageBytes, maxUnreadBytes: maxUnreadBytes, windowBytes: http2.streamWindowBytes,
      bulkWindowBytes: http2.bulkStreamWindowBytes, requestTimeout: connection.requestTimeout,
      contendedTimeout: connection.contendedTimeout,
      minBytesPerSecond: connection.minBytesPerSecond)
  }

  /// Allows four bytes of memory for each byte of a header list.
  var metadata: MetadataBounds {
    MetadataBounds(maxEntries: maxMetadataEntries, maxBytes: 4 * http2.maxHeaderListBytes)
  }
}
