import HTTP2
import NIOCore

extension HTTP2ChannelHandler: HTTP2ConnectionDelegate {
  /// Returns an object for a stream that the peer has opened; nil if the limit of streams is reached.
  public func acceptStream() -> HTTP2Stream? {
    guard let account else { return makeStream?(self) ?? HTTP2Stream() }
    if account.streams.add(1) != nil {
      _ = account.streams.add(-1)
      return nil
    }
    let stream = makeStream?(self) ?? HTTP2Stream()
    if let stream = stream as? ByteBufferStream {
      stream.isCounted = true
      _ = stream.hold(Self.streamBytes)
    } else {
      _ = account.streams.add(-1)
    }
    return stream
  }

  /// Schedules a drain: frames made outside of a read are collected until the tasks of this tick have run, and flushed once.
  public func connectionWantsDrain() {
    if !isReading && !isDraining { scheduleDrain(in: nil) }
  }

  /// Opens a stream with a request. Clients only.
  ///
  /// - Throws: `HTTP2Error` if the connection is closing.
  public func request(_ stream: HTTP2Stream, _ headers: HTTP2Headers, body: Bool) throws(HTTP2Error) {
    guard let http2 else { throw HTTP2Error(.refusedStream, "The connection is closed", hint: "open a new one") }
    try http2.request(stream, headers, body: body)
  }

  /// The memory of an open stream in bytes, without its messages, headers and responses.
  private static let streamBytes = 2 * 1024
}

extension HTTP2ChannelHandler {
  /// Begins a graceful shutdown: sends two GOAWAYs, a round trip apart, and closes the connection with its last stream.
  public func shutdown() {
    happen(.shutdown)
  }

  /// Calls `body` for every open stream.
  public func forEachStream(_ body: (HTTP2Stream) -> Void) {
    for stream in Array(http2?.streams ?? []) { body(stream) }
  }

  /// Ends every stream by calling `end`, writes what can be sent at once, and closes the connection.
  public func endStreams(_ end: (HTTP2Stream) -> Void) {
    guard let http2 else { return close() }
    for stream in Array(http2.streams) { end(stream) }
    http2.goAway()
    drain()
    close()
  }
}
