import NIOCore

/// The limits of an HTTP server.
public struct HTTPLimits: Sendable {
  /// Maximum number of connections of a listener; further ones wait until one is closed. Connections without a request for
  /// `patience` are closed to make room.
  public var connections = 256
  /// Maximum number of connections of one peer: a host, an IPv6 network of 64 bits, or a user of a Unix socket. A further one
  /// closes the one that has been without a request for the longest time.
  public var connectionsOfPeer = 128
  /// How long a connection may be without a request while others wait.
  public var patience = TimeAmount.seconds(1)
  /// Maximum number of open streams (`watch`, `follow`); a further one is answered with 429.
  public var streams = 64
  /// Maximum number of open streams of one peer.
  public var streamsOfPeer = 48
  /// Maximum number of open streams of a caller that is not an operator.
  public var streamsOfCaller = 8
  /// Time limit for a TLS handshake and the head of the first request, and for later requests from their first byte to the end
  /// of the head.
  public var headTimeout = TimeAmount.seconds(5)
  /// Time without a request after which a connection is closed, and the time limit for a client to receive what was sent.
  public var idleTimeout = TimeAmount.seconds(60)
  /// Time that answers have to finish when the server stops.
  public var shutdownGrace = Duration.seconds(2)
  /// Longest path with its query, in bytes.
  public var targetBytes = 4096
  /// Maximum number of parameters of a query.
  public var parameters = 16
  /// Largest header field, and largest total size of all header fields, in bytes.
  public var headerBytes = 16 << 10
  /// Maximum number of objects or records in an answer.
  public var items = 1000
  /// Maximum size of the objects in an answer, in bytes; the rest is on the next page.
  public var pageBytes = 8 << 20

  /// The fraction of connections, one in this many, that is reserved for requests about the health: when no more are without a
  /// request, other requests are answered with 429.
  static let reserve = 16

  /// Makes the default limits.
  public init() {}
}
