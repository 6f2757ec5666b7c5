import NIOCore

/// The limits of connections that concern time and transport buffers rather than HTTP/2.
public struct ConnectionLimits: Sendable, Equatable {
  /// Maximum number of connections of a server, over all listeners; further ones are closed as soon as they are accepted.
  public var maxConnections = 10_000
  /// Maximum number of connections of one peer, over all listeners; further ones are closed as soon as they are accepted. See
  /// `Peer.origin`.
  public var maxConnectionsPerPeer = Int.max
  /// Number of connections at which listeners pause accepting, so that descriptors are left for files.
  public var maxAcceptedConnections = Int.max
  /// Maximum time for the preface and SETTINGS of a new connection.
  public var prefaceTimeout: TimeAmount = .seconds(10)
  /// Maximum time until the first request of a new connection; then GOAWAY is sent, after which clients reconnect when needed.
  /// nil: unlimited.
  public var firstRequestTimeout: TimeAmount? = .minutes(5)
  /// Maximum time without streams and without received bytes; then GOAWAY is sent. nil: unlimited.
  public var idleTimeout: TimeAmount?
  /// Time without received bytes after which a server sends a PING. nil: no keepalive.
  public var keepAliveInterval: TimeAmount? = .minutes(5)
  /// Maximum time for the answer to that PING, or any other byte, before the connection is closed.
  public var keepAliveTimeout: TimeAmount = .seconds(60)
  /// Maximum age of a server's connection, varied by up to a tenth, at which GOAWAY is sent, so that clients redistribute. nil:
  /// unlimited.
  public var maxAge: TimeAmount?
  /// Maximum time for the calls of such a connection to finish before they are ended.
  public var maxAgeGrace: TimeAmount = .minutes(5)
  /// Maximum time for receiving the rest of a header list, or of a frame other than DATA; then the connection is cut off.
  public var headerTimeout: TimeAmount = .seconds(10)
  /// Maximum time from the headers of a call to its first message. Afterwards, the period over which an awaited message must
  /// progress at `minBytesPerSecond`. Otherwise the call fails.
  public var requestTimeout: TimeAmount = .seconds(30)
  /// The same period for a large message while others wait for the room that it holds: it must progress at 64 times that rate,
  /// and fast enough to complete within two minutes.
  public var contendedTimeout: TimeAmount = .seconds(30)
  /// The period over which a peer must read a waiting response at `minBytesPerSecond`, from its stream or from the socket;
  /// otherwise the call or the connection is ended.
  public var readerTimeout: TimeAmount = .seconds(120)
  /// Minimum average rate of a message or a response, in bytes per second.
  public var minBytesPerSecond = 1024
  /// Maximum time that a shutdown waits for the round trip between its two GOAWAY frames.
  public var shutdownNotice: TimeAmount = .seconds(1)
  /// Number of bytes passed to the socket and not yet written above which the connection stops producing frames.
  public var writeHighWatermark = 512 * 1024
  /// Number of such bytes at which it resumes.
  public var writeLowWatermark = 128 * 1024
  /// Received bytes that are held in memory: messages that wait for their readers, header lists, the state of calls. A connection
  /// that exceeds its share, or whose peer exceeds its own, is cut off with ENHANCE_YOUR_CALM. If the total is exceeded, calls
  /// fail on connections that hold more than an equal part.
  public var received = Shares(total: 1024 * 1024 * 1024)
  /// Bytes of response bodies that wait to be sent. A message that would exceed a share fails, unless it is the only one waiting
  /// on its connection.
  public var queued = Shares(perConnection: 4 << 30, perPeer: 4 << 30, total: 4 << 30)
  /// Open streams; streams beyond a share are refused. The limit per connection is `HTTP2Limits.maxConcurrentStreams`.
  public var streams = Shares(perConnection: .max, perPeer: .max, total: .max)
  /// Maximum number of bytes of response bodies that wait on one connection, over all its streams.
  public var maxPendingBodyBytes: Int {
    get { queued.perConnection }
    set { queued.perConnection = newValue }
  }

  /// Creates the default limits.
  public init() {}

  /// Sets `headerTimeout`, `requestTimeout` and `readerTimeout`, in seconds.
  public mutating func setTimeouts(headerSeconds: Int, requestSeconds: Int, readerSeconds: Int) {
    headerTimeout = .seconds(Int64(headerSeconds))
    requestTimeout = .seconds(Int64(requestSeconds))
    readerTimeout = .seconds(Int64(readerSeconds))
  }
}
