import NIOCore
import Transport

/// Writes the responses of one call.
public struct ResponseWriter<Response>: Sendable {
  let encode: MessageEncoder<Response>
  let sink: ResponseSink

  /// Sends a response. Waits while the client does not read earlier responses; encodes on the caller's thread.
  ///
  /// - Parameter compressing: whether this response may be compressed if the call compresses responses
  ///   (`ServerContext.compressesResponses`).
  /// - Throws: a `GRPCStatus` if the call has ended (cancelled, deadline, connection lost); errors of the encoder;
  ///   `CancellationError` if the surrounding task is cancelled.
  public func write(_ response: Response, compressing: Bool = true) async throws {
    try await sink.send(encode(response), compressing: compressing)
  }

  /// Counts bytes that the handler holds in memory because it will write them, among the waiting answers of the connection, its peer
  /// and all connections. Writing responses, or the end of the call, takes them off the count.
  ///
  /// - Returns: false if they do not fit into a share (`ConnectionLimits.queued`), or if the call has ended: nothing is counted, and
  ///   the handler should keep them elsewhere.
  public func hold(_ bytes: Int) async -> Bool { await sink.hold(bytes) }
}

/// The requests of one call, in order, for a single consumer. A request is read from the connection only when it is requested.
public struct RequestStream<Request>: AsyncSequence, Sendable {
  /// A decoded request.
  public typealias Element = Request
  let decode: MessageDecoder<Request>
  let source: RequestSource

  /// Iterates over the requests.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let decode: MessageDecoder<Request>
    let source: RequestSource

    /// Returns the next request; nil after the last one.
    ///
    /// - Throws: a `GRPCStatus` if the call has ended or the request cannot be read; `CancellationError` if the surrounding task
    ///   is cancelled.
    public mutating func next() async throws -> Request? {
      guard let bytes = try await source.next() else { return nil }
      return try decode(bytes)
    }
  }

  /// Creates an iterator.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(decode: decode, source: source) }
}

/// Connects a handler, on any thread, with the responses of its call on the event loop.
final class ResponseSink: Sendable {
  private let call: NIOLoopBound<ServerCall>
  private let gate: OutboundGate
  private let context: ServerContext

  init(_ call: ServerCall, _ gate: OutboundGate, _ context: ServerContext) {
    self.context = context
    self.call = NIOLoopBound(call, eventLoop: call.channel.eventLoop)
    self.gate = gate
  }

  func send(_ plain: EncodedMessage, compressing: Bool = true) async throws {
    let message = context.fixCompression() && compressing ? await plain.compressedIfWorthIt() : plain
    try await gate.enter(message.count)
    if call.eventLoop.inEventLoop {
      call.value.sendResponse(message)
    } else {
      call.eventLoop.execute { [call] in call.value.sendResponse(message) }
    }
  }

  func hold(_ bytes: Int) async -> Bool {
    if call.eventLoop.inEventLoop { return call.value.holdResponse(bytes) }
    return (try? await call.eventLoop.submit { [call] in call.value.holdResponse(bytes) }.get()) ?? false
  }
}

/// Connects a handler, on any thread, with the requests of its call on the event loop.
final class RequestSource: Sendable {
  private let call: NIOLoopBound<ServerCall>

  init(_ call: ServerCall) {
    self.call = NIOLoopBound(call, eventLoop: call.channel.eventLoop)
  }

  func next() async throws -> ByteBuffer? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if call.eventLoop.inEventLoop {
          call.value.nextRequest(continuation)
        } else {
          call.eventLoop.execute { [call] in call.value.nextRequest(continuation) }
        }
      }
    } onCancel: {
      call.eventLoop.execute { [call] in call.value.withdrawNextRequest() }
    }
  }
}
