import HTTP2
import NIOCore

/// An HTTP/2 stream whose outgoing body is a queue of `ByteBuffer`s. Large buffers are written to the socket without being
/// copied.
open class ByteBufferStream: HTTP2Stream {
  /// The channel handler of the connection.
  public final let channel: HTTP2ChannelHandler
  /// The number of queued bytes that are not framed yet.
  public private(set) final var pendingBytes = 0
  private final var head: ByteBuffer?
  private final var tail = CircularBuffer<ByteBuffer>(initialCapacity: 0)
  private final var ending = Ending.open

  private final var framedBytes = 0
  private final var readerPace = Pace()

  /// The number of bytes announced to nghttp2 for the frame that it is about to write.
  private final var promisedBytes = 0

  private enum Ending { case open, endOfStream, trailers, done }

  /// Creates a stream of the connection on `channel`.
  public init(channel: HTTP2ChannelHandler) {
    self.channel = channel
  }

  /// Called when this many bytes of the body were framed or dropped; subclasses can resume waiting producers.
  open func bodySent(_ count: Int) {}

  /// Called periodically while the stream is open, to end it if the peer does not read.
  open func watch(now: NIODeadline) {
    // A full socket is checked for the connection as a whole.
    guard channel.isServer, pendingBytes > 0, channel.wantsMore else { return readerPace.rest() }
    let limits = channel.limits
    let least = limits.readerTimeout.bytes(at: limits.minBytesPerSecond)
    guard readerPace.isTooSlow(framedBytes, at: now, window: limits.readerTimeout, least: least) else { return }
    channel.refused(.slowReader, "a call is ended: its client read less than \(least) bytes of the answer in time")
    // Clients receive RESOURCE_EXHAUSTED (gRPC over HTTP/2, "Errors").
    reset(.enhanceYourCalm)
  }

  /// Queues bytes of the body.
  public final func send(_ buffer: ByteBuffer) {
    guard buffer.readableBytes > 0, isOpen, ending == .open else { return }
    append(buffer)
    resume()
  }

  /// Ends the body: the stream ends after the last queued byte or, if `trailers` is true, with trailers (`submitTrailers` is
  /// called).
  public final func finishBody(trailers: Bool) {
    guard ending == .open else { return }
    if trailers && pendingBytes == 0 && isWaiting {
      endWithTrailers()
    } else {
      ending = trailers ? .trailers : .endOfStream
      resume()
    }
  }

  /// Drops queued bytes and ends with trailers immediately, even if the peer's window is closed.
  public final func abortBody() {
    guard ending == .open || ending == .trailers else { return }
    dropPending(from: promisedBytes)
    endWithTrailers()
  }

  private func endWithTrailers() {
    ending = .done
    submitTrailers()
  }

  /// Drops queued bytes except the first `kept`, which a frame header may have announced already.
  private func dropPending(from kept: Int) {
    guard pendingBytes > 0 else { return }
    let dropped = pendingBytes - kept
    var buffers = [head].compactMap { $0 } + tail
    head = nil
    tail.removeAll()
    pendingBytes = 0
    channel.queue(-(dropped + kept))
    while pendingBytes < kept, !buffers.isEmpty {
      var buffer = buffers.removeFirst()
      if let part = buffer.readSlice(length: min(kept - pendingBytes, buffer.readableBytes)) { append(part) }
    }
    if dropped > 0 { bodySent(dropped) }
  }

  private func append(_ buffer: ByteBuffer) {
    pendingBytes += buffer.readableBytes
    channel.queue(buffer.readableBytes)
    if head == nil { head = buffer } else { tail.append(buffer) }
  }

  open override func nextBodyStep(limit: Int) -> BodyStep {
    let count = min(limit, pendingBytes)
    promisedBytes = count
    if count < pendingBytes { return .bytes(count) }
    switch ending {
    case .open: return count == 0 ? .wait : .bytes(count)
    case .endOfStream: return .lastBytes(count)
    case .trailers:
      ending = .done
      return .bytesThenTrailers(count)
    case .done: return .wait
    }
  }

  public final override func writeBody(_ count: Int, to output: any HTTP2Output) {
    var left = count
    while left > 0, let buffer = head {
      let readable = buffer.readableBytes
      if readable <= left {
        channel.write(buffer)
        head = tail.popFirst()
        left -= readable
      } else {
        // Not a slice: NIO copies slices that begin beyond 16 MiB, but not buffers with moved indices.
        var part = buffer
        part.moveWriterIndex(to: part.readerIndex + left)
        channel.write(part)
        head?.moveReaderIndex(forwardBy: left)
        left = 0
      }
    }
    promisedBytes = 0
    framedBytes += count
    pendingBytes -= count
    channel.queue(-count)
    bodySent(count)
  }

  open override func closed(_ code: HTTP2Error.Code) {
    dropPending(from: 0)
    release(heldBytes)
    if isCounted { channel.streamClosed() }
  }

  // MARK: Accounting of held bytes

  /// The number of bytes counted by `hold` and not released yet.
  public private(set) final var heldBytes = 0
  /// Whether the stream counts towards the limit of open streams.
  final var isCounted = false

  /// Counts bytes held in memory on behalf of the peer, until they are released or the stream closes.
  ///
  /// - Returns: false if the call must fail because all connections together hold too much. A connection that exceeds its own
  ///   share, or that of its peer, is cut off.
  public final func hold(_ bytes: Int) -> Bool {
    heldBytes += bytes
    return channel.hold(bytes)
  }

  /// Releases bytes counted by `hold`, at most as many as are left.
  public final func release(_ bytes: Int) {
    let bytes = min(bytes, heldBytes)
    guard bytes > 0 else { return }
    heldBytes -= bytes
    channel.release(bytes)
  }
}
