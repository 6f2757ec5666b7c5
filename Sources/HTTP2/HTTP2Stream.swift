import CNghttp2

/// Where a connection puts the bytes that go to the peer. The bytes must be copied or written before the call returns.
public protocol HTTP2Output: AnyObject {
  /// False: the transport is full; the connection stops and goes on with the next drain.
  var wantsMore: Bool { get }
  /// Takes bytes in order.
  func write(_ bytes: UnsafeRawBufferPointer)
}

/// What a stream can send now.
public enum BodyStep {
  /// Nothing yet: the stream calls `resume()` when there is.
  case wait
  /// So many bytes, and more may follow.
  case bytes(Int)
  /// So many bytes, and the stream ends with them.
  case lastBytes(Int)
  /// So many bytes, then trailers: the connection calls `submitTrailers()` next.
  case bytesThenTrailers(Int)
}

/// One HTTP/2 stream. Subclasses override the events; the connection calls them in order, always from inside
/// `receive`, `drain` or `close`, and keeps the stream alive until `closed(_:)` has returned.
///
/// Confined to the thread of its connection.
open class HTTP2Stream {
  /// The number of the stream, 0 before it is opened.
  public internal(set) final var id: Int32 = 0
  /// The connection while the stream is open, nil before and after. Unsafe spares two reference counts per call and is
  /// sound because the connection clears it when the stream closes and, at the latest, in its own deinit.
  public internal(set) final unowned(unsafe) var connection: HTTP2Connection?
  final var index = -1
  final var isDeferred = false
  final var headerListBytes = 0

  /// A stream that is not open yet.
  public init() {}

  /// Whether frames can still be sent on this stream.
  public final var isOpen: Bool { connection != nil }

  // MARK: Events

  /// One header or trailer field; both ranges are valid only during the call.
  open func receiveHeader(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {}
  /// The header list grew over `maxHeaderListBytes`. The rest of it is not delivered, and `receiveHeadersEnd` follows.
  open func receiveOversizedHeaders() {}
  /// A list of headers (or of trailers, when it is the second one) is complete.
  open func receiveHeadersEnd() {}
  /// Payload, valid only during the call. The connection's window is credited at once; the stream's own window only by
  /// `consume(_:)`, which is what holds back a sender that is faster than the reader.
  open func receiveData(_ bytes: UnsafeRawBufferPointer) {}
  /// The peer has sent everything.
  open func receiveEnd() {}
  /// The stream is over, by whatever cause. The last event; nothing can be sent any more.
  open func closed(_ code: HTTP2Error.Code) {}
  /// How much of the body can be sent now, at most `limit` bytes.
  open func nextBodyStep(limit: Int) -> BodyStep { .lastBytes(0) }
  /// Writes exactly `count` bytes that `nextBodyStep` has promised.
  open func writeBody(_ count: Int, to output: any HTTP2Output) {}
  /// The moment to call `sendTrailers`.
  open func submitTrailers() {}

  // MARK: Actions

  /// Sends the response's headers; with `body` false the stream ends with them, otherwise the body is asked for.
  public final func respond(_ headers: HTTP2StaticHeaders, body: Bool) {
    connection?.submitResponse(self, headers.fields, headers.count, body: body)
  }

  /// Sends the response's headers; with `body` false the stream ends with them, otherwise the body is asked for.
  public final func respond(_ headers: HTTP2Headers, body: Bool) {
    headers.withFields { connection?.submitResponse(self, $0, $1, body: body) }
  }

  /// Sends trailers: from `submitTrailers()`, or while the body waits, which is then cut short.
  public final func sendTrailers(_ trailers: HTTP2StaticHeaders) {
    connection?.submitTrailers(self, trailers.fields, trailers.count)
  }

  /// Sends trailers: from `submitTrailers()`, or while the body waits, which is then cut short.
  public final func sendTrailers(_ trailers: HTTP2Headers) {
    trailers.withFields { connection?.submitTrailers(self, $0, $1) }
  }

  /// Whether the connection has asked for the body and was told to wait.
  public final var isWaiting: Bool { isDeferred }

  /// There is something to send again after `nextBodyStep` said `wait`.
  public final func resume() {
    guard isDeferred else { return }
    isDeferred = false
    connection?.resume(self)
  }

  /// Gives up the stream at once with RST_STREAM; `closed(_:)` follows when the frame has been sent.
  public final func reset(_ code: HTTP2Error.Code) {
    connection?.submitReset(id, code)
  }

  /// Credits bytes that the reader has taken, so that the peer may send as many again.
  public final func consume(_ count: Int) {
    guard count > 0 else { return }
    connection?.consume(count, stream: id)
  }

  /// Lets the peer have so many bytes under way. A wider window is announced at once; a narrower one takes effect as
  /// less is credited than was consumed.
  public final func setWindow(_ bytes: Int) {
    connection?.setWindow(bytes, stream: id)
  }

  /// Whether the peer may still send on this stream.
  public final var isPeerSending: Bool {
    connection?.isPeerSending(id) ?? false
  }
}
