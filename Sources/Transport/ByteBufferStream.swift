import HTTP2
import NIOCore

/// An HTTP/2 stream whose outgoing body is a queue of `ByteBuffer`s. Large buffers reach the socket without a copy.
open class ByteBufferStream: HTTP2Stream {
  /// The connection's place on its channel.
  public final let channel: HTTP2ChannelHandler
  /// Bytes that are queued and not yet framed.
  public private(set) final var pendingBytes = 0
  private final var head: ByteBuffer?
  private final var tail = CircularBuffer<ByteBuffer>(initialCapacity: 0)
  private final var ending = Ending.open

  /// Bytes that nghttp2 was promised for the frame it is about to write.
  private final var promisedBytes = 0

  private enum Ending { case open, endOfStream, trailers, done }

  /// A stream of the connection on `channel`.
  public init(channel: HTTP2ChannelHandler) {
    self.channel = channel
  }

  /// So many bytes of the body were framed or dropped: a place to let a waiting producer go on.
  open func bodySent(_ count: Int) {}

  /// Queues bytes of the body.
  public final func send(_ buffer: ByteBuffer) {
    guard buffer.readableBytes > 0, isOpen, ending == .open else { return }
    append(buffer)
    resume()
  }

  /// Nothing more will be queued; the stream ends behind the last byte, or with trailers (`submitTrailers` is called).
  public final func finishBody(trailers: Bool) {
    guard ending == .open else { return }
    if trailers && pendingBytes == 0 && isWaiting {
      endWithTrailers()
    } else {
      ending = trailers ? .trailers : .endOfStream
      resume()
    }
  }

  /// Drops what is queued and ends with trailers now, even if the peer's window is shut.
  public final func abortBody() {
    guard ending == .open || ending == .trailers else { return }
    dropPending(from: promisedBytes)
    endWithTrailers()
  }

  private func endWithTrailers() {
    ending = .done
    submitTrailers()
  }

  /// Keeps the first bytes, which a frame header may have announced already.
  private func dropPending(from kept: Int) {
    guard pendingBytes > 0 else { return }
    let dropped = pendingBytes - kept
    var buffers = [head].compactMap { $0 } + tail
    head = nil
    tail.removeAll()
    pendingBytes = 0
    channel.pendingBodyBytes -= dropped + kept
    while pendingBytes < kept, !buffers.isEmpty {
      var buffer = buffers.removeFirst()
      if let part = buffer.readSlice(length: min(kept - pendingBytes, buffer.readableBytes)) { append(part) }
    }
    if dropped > 0 { bodySent(dropped) }
  }

  private func append(_ buffer: ByteBuffer) {
    pendingBytes += buffer.readableBytes
    channel.pendingBodyBytes += buffer.readableBytes
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
        // Not a slice: slices that begin beyond 16 MiB are copied by NIO, shifted indices never are.
        var part = buffer
        part.moveWriterIndex(to: part.readerIndex + left)
        channel.write(part)
        head?.moveReaderIndex(forwardBy: left)
        left = 0
      }
    }
    promisedBytes = 0
    pendingBytes -= count
    channel.pendingBodyBytes -= count
    bodySent(count)
  }

  open override func closed(_ code: HTTP2Error.Code) {
    dropPending(from: 0)
  }
}
