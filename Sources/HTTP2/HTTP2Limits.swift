/// The bounds of one HTTP/2 connection. Every one of them can be reached by a hostile peer; reaching one costs that
/// peer a stream or its connection and nobody else anything.
public struct HTTP2Limits: Sendable, Equatable {
  /// Largest header list of one request or response in bytes, counted as RFC 9113 section 6.5.2 does
  /// (name + value + 32 per field). Advertised to the peer. A longer list ends its stream.
  public var maxHeaderListBytes = 64 * 1024
  /// A header list longer than this, in the same count, ends the connection: inflating it costs more than a stream.
  public var absurdHeaderListBytes = 1024 * 1024
  /// Streams the peer may have open at once. Advertised; a stream above it is refused with REFUSED_STREAM. Clients on
  /// gRPC's C core open thousands on one channel, so the default is large.
  public var maxConcurrentStreams = 100_000
  /// Bytes a peer may send on a stream before we have asked for more.
  public var streamWindowBytes = 64 * 1024
  /// Bytes a peer may have under way on a stream while a large message is being read.
  public var bulkStreamWindowBytes = 8 * 1024 * 1024
  /// Bytes a peer may have under way on all streams together. Bytes are credited back as they arrive (a stream's own
  /// window holds back a fast sender), so this bounds what is in the network, not what is in memory.
  public var connectionWindowBytes = 16 * 1024 * 1024
  /// Largest frame we accept, in bytes; 16 384 to 16 777 215 (RFC 9113 section 4.2).
  public var maxFrameBytes = 16_384
  /// RST_STREAM frames a peer may send at once before its connection is cut (the "rapid reset" attack, CVE-2023-44487).
  public var resetBurst = 10_000
  /// RST_STREAM frames that a peer earns back per second.
  public var resetsPerSecond = 1_000
  /// PING, SETTINGS, PRIORITY, empty DATA and unknown frames a peer may send at once without any payload. Payload in
  /// either direction earns credit: gRPC's C core sends a PING with nearly every read while gigabytes flow.
  public var controlFrameBurst = 1_000
  /// Control frames that a peer earns back per second without any payload.
  public var controlFramesPerSecond = 100
  /// CONTINUATION frames behind one HEADERS frame (CVE-2024-28182).
  public var maxContinuations = 8
  /// Entries of one SETTINGS frame (CVE-2020-11080).
  public var maxSettingsEntries = 32
  /// Acknowledgements of PING and SETTINGS that wait because the peer does not read (CVE-2019-9512, 9515).
  public var maxQueuedAcknowledgements = 1_000
  /// Frames other than DATA that wait because the peer does not read.
  public var maxQueuedFrames = 250_000

  /// The defaults.
  public init() {}
}
