/// The limits of one HTTP/2 connection. A hostile peer can reach each of them; that ends its own stream or connection and does
/// not affect other peers.
public struct HTTP2Limits: Sendable, Equatable {
  /// Maximum size of the header list of one request or response, in bytes, computed as in RFC 9113, section 6.5.2 (name + value +
  /// 32 per field). Sent to the peer. A longer list ends its stream, as does a name or a value of more than 64 KiB as encoded.
  public var maxHeaderListBytes = 64 * 1024
  /// Size of a header list, computed in the same way, above which the connection is ended: inflating it costs too much.
  public var absurdHeaderListBytes = 1024 * 1024
  /// Maximum number of streams that the peer may have open. Sent to the peer; further streams are refused with REFUSED_STREAM.
  /// Clients on gRPC's C core wait for a free stream when they have reached it.
  public var maxConcurrentStreams = 1_000
  /// The window of a stream in bytes: what a peer may send before more is requested.
  public var streamWindowBytes = 64 * 1024
  /// The window of a stream in bytes while a large message is being read.
  public var bulkStreamWindowBytes = 8 * 1024 * 1024
  /// The window of the connection in bytes, over all streams. It is credited as bytes arrive (fast senders are limited by the
  /// windows of streams), so it limits the bytes in flight, not those in memory.
  public var connectionWindowBytes = 16 * 1024 * 1024
  /// Maximum size of a received frame, in bytes; 16 384 to 16 777 215 (RFC 9113, section 4.2).
  public var maxFrameBytes = 16_384
  /// Maximum burst of RST_STREAM frames before the connection is ended (the "rapid reset" attack, CVE-2023-44487).
  public var resetBurst = 10_000
  /// RST_STREAM frames allowed per second after a burst.
  public var resetsPerSecond = 1_000
  /// Maximum burst of PING, SETTINGS, PRIORITY, empty DATA and unknown frames without payload in between. Payload in either
  /// direction earns credit: gRPC's C core sends a PING with nearly every read during large transfers.
  public var controlFrameBurst = 1_000
  /// Control frames allowed per second after a burst, without any payload.
  public var controlFramesPerSecond = 100
  /// Maximum number of CONTINUATION frames after a HEADERS frame (CVE-2024-28182). With the smallest frames that a peer may be held
  /// to, they carry as much as `absurdHeaderListBytes`.
  public var maxContinuations = 64
  /// Maximum number of entries in a SETTINGS frame (CVE-2020-11080).
  public var maxSettingsEntries = 32
  /// Maximum number of PING and SETTINGS acknowledgements queued while the peer does not read (CVE-2019-9512, 9515).
  public var maxQueuedAcknowledgements = 1_000
  /// Maximum number of frames other than DATA queued while the peer does not read.
  public var maxQueuedFrames = 20_000
  /// Maximum length, in bytes, of the text in a GOAWAY that explains why a connection is ended.
  public var maxGoAwayTextBytes = 512

  /// Creates the default limits.
  public init() {}
}
