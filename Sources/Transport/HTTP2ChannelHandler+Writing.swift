import HTTP2
import NIOCore

/// Writing frames: they are collected, and flushed once per tick of the event loop.
extension HTTP2ChannelHandler {
  /// Smaller buffers are combined; larger ones are written as they are.
  private static let copyThreshold = 8 * 1024
  private static let outboxBytes = 32 * 1024
  /// Number of times the socket is refilled before other connections of the event loop get their turn.
  private static let roundsPerTurn = 4

  /// Queues a buffer after those written before; called by streams while the connection drains.
  func write(_ buffer: ByteBuffer) {
    if buffer.readableBytes < Self.copyThreshold {
      buffer.withUnsafeReadableBytes { write($0) }
    } else {
      handOver()
      hasWritten = true
      handedBytes += buffer.readableBytes
      context?.write(wrapOutboundOut(buffer), promise: nil)
    }
  }

  private func handOver() {
    guard outbox.readableBytes > 0 else { return }
    hasWritten = true
    handedBytes += outbox.readableBytes
    context?.write(wrapOutboundOut(outbox), promise: nil)
    outbox = allocator.buffer(capacity: 64)
  }

  /// Writes the connection's frames, in rounds of at most the socket's watermark.
  func drain() {
    guard let http2, let context, !isDraining else { return }
    isDraining = true
    defer { isDraining = false }
    for _ in 0..<Self.roundsPerTurn {
      var isComplete = true
      do {
        isComplete = try http2.drain(into: self)
      } catch {
        fail(error)
        // Only the GOAWAY is left to write.
        _ = try? http2.drain(into: self)
      }
      flush(context)
      if failure != nil || http2.isFinished {
        context.close(promise: nil)
        return
      }
      // Incomplete and not writable: channelWritabilityChanged continues.
      if isComplete || !wantsMore { return }
    }
    scheduleDrain(in: .microseconds(50))
  }

  private func flush(_ context: ChannelHandlerContext) {
    defer { hasWritten = false }
    if outbox.readableBytes == 0 {
      if hasWritten { context.flush() }
    } else {
      handedBytes += outbox.readableBytes
      context.writeAndFlush(wrapOutboundOut(outbox), promise: nil)
      // Keeps its memory if the socket has accepted everything; otherwise leaves it to the pending write.
      outbox.clear()
    }
  }

  func scheduleDrain(in time: TimeAmount?) {
    guard !drainIsScheduled else { return }
    drainIsScheduled = true
    let go: () -> Void = { [self] in
      drainIsScheduled = false
      drain()
    }
    let loop = eventLoop.assumeIsolated()
    if let time { loop.scheduleTask(in: time, go) } else { loop.execute(go) }
  }
}

extension HTTP2ChannelHandler: HTTP2Output {
  /// Whether the socket is below its watermark.
  public var wantsMore: Bool { isWritable }

  /// Collects the bytes of frames.
  public func write(_ bytes: UnsafeRawBufferPointer) {
    outbox.writeBytes(bytes)
    if outbox.readableBytes >= Self.outboxBytes { handOver() }
  }
}
