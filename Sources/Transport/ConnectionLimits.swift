import NIOCore

/// The bounds of a connection that are about time and buffers of the transport rather than about HTTP/2.
public struct ConnectionLimits: Sendable, Equatable {
  /// Connections of one server at once, over all listeners; one more is closed as soon as it is accepted.
  public var maxConnections = 10_000
  /// How long a new connection may take to send its preface and SETTINGS.
  public var prefaceTimeout: TimeAmount = .seconds(10)
  /// How long a new connection may live without any request; then it gets a GOAWAY, after which clients reconnect when
  /// they need to. nil: for ever.
  public var firstRequestTimeout: TimeAmount? = .minutes(5)
  /// How long a connection may live without a stream and without a byte; then it gets a GOAWAY. nil: for ever.
  public var idleTimeout: TimeAmount?
  /// How long a shutdown waits for the round trip between its two GOAWAY frames.
  public var shutdownNotice: TimeAmount = .seconds(1)
  /// Bytes handed to the socket and not taken by it, above which the connection stops producing frames.
  public var writeHighWatermark = 512 * 1024
  /// Bytes at which it goes on.
  public var writeLowWatermark = 128 * 1024
  /// Bytes of response bodies that wait on one connection, over all its streams. A message that would exceed it fails,
  /// unless it is the only one.
  public var maxPendingBodyBytes = 4 * 1024 * 1024 * 1024

  /// The defaults.
  public init() {}
}
