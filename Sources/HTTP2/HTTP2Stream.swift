import CNghttp2

/// The destination of a connection's outgoing bytes. The bytes must be copied or written before the call returns.
public protocol HTTP2Output: AnyObject {
  /// Whether the transport accepts more bytes. If false, the connection stops until the next drain.
  var wantsMore: Bool { get }
  /// Appends bytes to those written before.
  func write(_ bytes: UnsafeRawBufferPointer)
}

/// The part of a body that a stream can send now.
public enum BodyStep {
  /// Nothing yet; the stream calls `resume()` later.
  case wait
  /// This many bytes; more may follow.
  case bytes(Int)
  /// This many bytes, which end the stream.
  case lastBytes(Int)
  /// This many bytes, then trailers: the connection calls `submitTrailers()` next.
  case bytesThenTrailers(Int)
}

/// One HTTP/2 stream. Subclasses override the events, which the connection calls in order from within `receive`, `drain` or
/// `close`. It retains the stream until `closed(_:)` has returned.
///
/// Confined to the thread of its connection.
open class HTTP2Stream {
  /// The stream identifier; 0 until the stream is opened.
  public internal(set) final var id: Int32 = 0
  /// The connection while the stream is open; nil before and after. `unowned(unsafe)` avoids two reference counts per call and is
  /// sound because the connection clears it when the stream closes and, at the latest, in its own deinit.
  public internal(set) final unowned(unsafe) var connection: HTTP2Connection?
  final var index = -1
  final var isDeferred = false
  final var headerListBytes = 0

  /// Creates a stream that is not open yet.
  public init() {}

  /// Whether frames can be sent on this stream.
  public final var isOpen: Bool { connection != nil }

  // MARK: Events

  /// Called with one header or trailer field; both buffers are valid only during the call.
  open func receiveHeader(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {}
  /// Called when the header list exceeds `maxHeaderListBytes`. The rest is not delivered; `receiveHeadersEnd` follows.
  open func receiveOversizedHeaders() {}
  /// Called when a list of headers is complete, or one of trailers if it is the second.
  open func receiveHeadersEnd() {}
  /// Called with payload, valid only during the call. The connection's window is credited at once; that of the stream only by
  /// `consume(_:)`, which limits senders that are faster than the reader.
  open func receiveData(_ bytes: UnsafeRawBufferPointer) {}
  /// Called when the peer has ended its side of the stream.
  open func receiveEnd() {}
  /// Called as the last event, when the stream has ended for any reason. Nothing more can be sent.
  open func closed(_ code: HTTP2Error.Code) {}
  /// Returns the part of the body that can be sent now, of at most `limit` bytes.
  open func nextBodyStep(limit: Int) -> BodyStep { .lastBytes(0) }
  /// Writes exactly the `count` bytes that `nextBodyStep` has returned.
  open func writeBody(_ count: Int, to output: any HTTP2Output) {}
  /// Called when `sendTrailers` is to be called.
  open func submitTrailers() {}

  // MARK: Actions

  /// Sends the response headers. If `body` is false, they end the stream; otherwise `nextBodyStep` is called for the body.
  public final func respond(_ headers: HTTP2StaticHeaders, body: Bool) {
    connection?.submitResponse(self, headers.fields, headers.count, body: body)
  }

  /// Sends the response headers. If `body` is false, they end the stream; otherwise `nextBodyStep` is called for the body.
  public final func respond(_ headers: HTTP2Headers, body: Bool) {
    headers.withFields { connection?.submitResponse(self, $0, $1, body: body) }
  }

  /// Sends trailers, either from `submitTrailers()` or while the body waits, which ends the body.
  public final func sendTrailers(_ trailers: HTTP2StaticHeaders) {
    connection?.submitTrailers(self, trailers.fields, trailers.count)
  }

  /// Sends trailers, either from `submitTrailers()` or while the body waits, which ends the body.
  public final func sendTrailers(_ trailers: HTTP2Headers) {
    trailers.withFields { connection?.submitTrailers(self, $0, $1) }
  }

  /// Whether the last `nextBodyStep` returned `wait`.
  public final var isWaiting: Bool { isDeferred }

  /// Continues sending after `nextBodyStep` returned `wait`.
  public final func resume() {
    guard isDeferred else { return }
    isDeferred = false
    connection?.resume(self)
  }

  /// Resets the stream with RST_STREAM; `closed(_:)` follows when the frame has been sent.
  public final func reset(_ code: HTTP2Error.Code) {
    connection?.submitReset(id, code)
  }

  /// Credits bytes that the reader has consumed, so that the peer may send as many again.
  public final func consume(_ count: Int) {
    guard count > 0 else { return }
    connection?.consume(count, stream: id)
  }

  /// Sets the window of the stream in bytes. A wider window is sent to the peer at once; a narrower one takes effect gradually,
  /// by crediting less than was consumed.
  public final func setWindow(_ bytes: Int) {
    connection?.setWindow(bytes, stream: id)
  }

  /// Whether the peer can still send on this stream.
  public final var isPeerSending: Bool {
    connection?.isPeerSending(id) ?? false
  }
}
