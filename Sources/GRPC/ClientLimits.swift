import HTTP2
import NIOCore
import Transport

/// Every bound of a client, with its default.
public struct ClientLimits: Sendable, Equatable {
  /// The bounds of the HTTP/2 connection.
  public var http2 = HTTP2Limits()
  /// The bounds of the connection as a transport. Those that are about accepting are not used.
  public var connection = ConnectionLimits()
  /// How long connecting may take.
  public var connectTimeout: TimeAmount = .seconds(10)
  /// Longest message in bytes that is received.
  public var maxMessageBytes = Int(Int32.max)
  /// Bytes of large messages that are being received at once. See `MessageBudget` for the rule.
  public var messageBudgetBytes = 4 * 1024 * 1024 * 1024
  /// Bytes that have arrived and that nobody has asked for, over all calls.
  public var maxUnreadBytes = 1024 * 1024 * 1024
  /// How long a server may stop in the middle of a large message while others wait for room.
  public var stalledMessageTimeout: TimeAmount = .seconds(30)
  /// Bytes of one call that wait to be sent, above which `RequestWriter.write` waits.
  public var writeHighWatermark = 1024 * 1024

  /// The defaults.
  public init() {}

  var messages: MessageBounds {
    MessageBounds(
      maxMessageBytes: maxMessageBytes, maxUnreadBytes: maxUnreadBytes, windowBytes: http2.streamWindowBytes,
      bulkWindowBytes: http2.bulkStreamWindowBytes, stalledMessageTimeout: stalledMessageTimeout)
  }
}

/// What a caller may say about a call beside its request.
public struct CallOptions: Sendable {
  /// Sent with the call.
  public var metadata = Metadata()
  /// How long the call may take; the server is told. nil: for ever.
  public var timeout: Duration?

  /// Makes options.
  public init(metadata: Metadata = Metadata(), timeout: Duration? = nil) {
    self.metadata = metadata
    self.timeout = timeout
  }
}
