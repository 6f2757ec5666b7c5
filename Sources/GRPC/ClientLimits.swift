import HTTP2
import NIOCore
import Transport

/// The limits of a client, with their defaults.
public struct ClientLimits: Sendable, Equatable {
  /// Limits of the HTTP/2 connection.
  public var http2 = HTTP2Limits()
  /// Limits of the underlying transport connection. Those for accepting connections do not apply.
  public var connection = ConnectionLimits()
  /// Maximum time for connecting.
  public var connectTimeout: TimeAmount = .seconds(10)
  /// Delays before the client reconnects after a failure to connect. Calls made during the delay fail with the same error, unless
  /// they wait (`CallOptions.waitsForReady`).
  public var backoff = ConnectionBackoff()
  /// Maximum size of a received message, in bytes.
  public var maxMessageBytes = Int(Int32.max)
  /// Maximum number of bytes of large messages that are being received at the same time. See `MessageBudget` for the rule.
  public var messageBudgetBytes = 4 * 1024 * 1024 * 1024
  /// Maximum number of received bytes that have not been requested yet, over all calls.
  public var maxUnreadBytes = 1024 * 1024 * 1024
  /// How long a server may be slow in the middle of a large message while other messages wait for room.
  public var stalledMessageTimeout: TimeAmount {
    get { connection.contendedTimeout }
    set { connection.contendedTimeout = newValue }
  }
  /// Maximum number of metadata values in one header list of the server, after values of `-bin` names are split at commas.
  public var maxMetadataEntries = 1_000
  /// Number of unsent bytes of one call above which `RequestWriter.write` waits.
  public var writeHighWatermark = 1024 * 1024

  /// Creates the default limits.
  public init() {}

  var metadata: MetadataBounds {
    MetadataBounds(maxEntries: maxMetadataEntries, maxBytes: 4 * http2.maxHeaderListBytes)
  }

  var messages: MessageBounds {
    MessageBounds(
      maxMessageBytes: maxMessageBytes, maxUnreadBytes: maxUnreadBytes, windowBytes: http2.streamWindowBytes,
      bulkWindowBytes: http2.bulkStreamWindowBytes, requestTimeout: connection.requestTimeout,
      contendedTimeout: connection.contendedTimeout,
      minBytesPerSecond: connection.minBytesPerSecond)
  }
}

/// The parameters of a call other than its path and its request.
public struct CallOptions: Sendable {
  /// The metadata sent with the call.
  public var metadata = Metadata()
  /// Maximum duration of the call, including the time to connect; the remaining time is sent to the server. nil: unlimited.
  public var timeout: Duration?
  /// Whether requests are compressed with gzip, each only if worthwhile. The server must be known to support it.
  public var compressesRequests: Bool
  /// Whether the call waits, within its timeout, for a server that cannot be reached. Otherwise it fails with UNAVAILABLE.
  public var waitsForReady: Bool

  /// Creates options.
  public init(
    metadata: Metadata = Metadata(), timeout: Duration? = nil, compressesRequests: Bool = false,
    waitsForReady: Bool = false
  ) {
    self.metadata = metadata
    self.timeout = timeout
    self.compressesRequests = compressesRequests
    self.waitsForReady = waitsForReady
  }
}
