import NIOCore

/// Writes the responses of one call.
public struct ResponseWriter<Response>: Sendable {
  let encode: MessageEncoder<Response>
  let sink: ResponseSink

  /// Sends a response. Waits while the client does not read what was written before; encodes on the caller's thread.
  ///
  /// - Throws: a `GRPCStatus` when the call is over (cancelled, deadline, connection lost); what the encoder throws;
  ///   `CancellationError` when the surrounding task is cancelled.
  public func write(_ response: Response) async throws {
    try await sink.send(encode(response))
  }
}

/// The requests of one call, in order. The next one is read from the connection only when it is asked for. For one
/// consumer.
public struct RequestStream<Request>: AsyncSequence, Sendable {
  /// A decoded request.
  public typealias Element = Request
  let decode: MessageDecoder<Request>
  let source: RequestSource

  /// Iterates over the requests.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let decode: MessageDecoder<Request>
    let source: RequestSource

    /// The next request, nil after the last.
    ///
    /// - Throws: a `GRPCStatus` when the call is over or the request cannot be read; `CancellationError` when the
    ///   surrounding task is cancelled.
    public mutating func next() async throws -> Request? {
      guard let bytes = try await source.next() else { return nil }
      return try decode(bytes)
    }
  }

  /// Starts to iterate.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(decode: decode, source: source) }
}

/// The way from a handler, on any thread, to the responses of its call on the event loop.
final class ResponseSink: Sendable {
  private let call: NIOLoopBound<ServerCall>
  private let gate: OutboundGate

  init(_ call: ServerCall, _ gate: OutboundGate) {
    self.call = NIOLoopBound(call, eventLoop: call.channel.eventLoop)
    self.gate = gate
  }

  func send(_ message: EncodedMessage) async throws {
    try await gate.enter(message.count)
    if call.eventLoop.inEventLoop {
      call.value.sendResponse(message)
    } else {
      call.eventLoop.execute { [call] in call.value.sendResponse(message) }
    }
  }
}

/// The way from a handler, on any thread, to the requests of its call on the event loop.
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
