import NIOCore

/// Bounds of the admin endpoint.
public struct AdminLimits: Sendable {
  /// Connections of a listener; further ones wait until one is closed.
  public var connections = 256
  /// Streams (`watch`, `follow`) that are open at a time; a further one is answered with 429.
  public var streams = 64
  /// Those of a caller who is not an operator.
  public var streamsOfCaller = 8
  /// Time without a request after which a connection is closed, and the time a client gets to take what was sent.
  public var idleTimeout = TimeAmount.seconds(60)
  /// Time that answers get to finish when the server stops.
  public var shutdownGrace = Duration.seconds(2)
  /// Longest path with its query, in bytes.
  public var targetBytes = 4096
  /// Parameters of a query.
  public var parameters = 16
  /// Largest header field, and all of them together, in bytes.
  public var headerBytes = 16 << 10
  /// Objects or records of an answer.
  public var items = 1000
  /// Bytes of the objects of an answer; what is more goes to the next page.
  public var pageBytes = 8 << 20

  /// The defaults.
  public init() {}
}
