import NIOCore

/// The way from a caller, on any thread, to its call on the event loop. The call is cancelled when nobody holds this
/// any more.
final class CallHandle: Sendable {
  private let call: NIOLoopBound<ClientCall>
  private let gate: OutboundGate

  init(_ call: ClientCall) {
    self.call = NIOLoopBound(call, eventLoop: call.channel.eventLoop)
    gate = call.gate
  }

  deinit {
    call.eventLoop.execute { [call] in call.value.cancel(GRPCStatus(.cancelled, "The caller dropped the call")) }
  }

  func send(_ message: EncodedMessage) async throws {
    try await gate.enter(message.count)
    onLoop { $0.sendRequest(message) }
  }

  func finishSending() { onLoop { $0.finishSending() } }

  func cancel() { onLoop { $0.cancel(GRPCStatus(.cancelled, "The caller cancelled the call")) } }

  func next() async throws -> ByteBuffer? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        onLoop { $0.nextResponse(continuation) }
      }
    } onCancel: {
      cancel()
    }
  }

  func initialMetadata() async -> Metadata {
    await withCheckedContinuation { continuation in
      onLoop { $0.whenInitialMetadata(continuation) }
    }
  }

  func trailingMetadata() async -> Metadata {
    await withCheckedContinuation { continuation in
      onLoop { continuation.resume(returning: $0.trailingMetadata) }
    }
  }

  private func onLoop(_ body: @escaping @Sendable (ClientCall) -> Void) {
    if call.eventLoop.inEventLoop {
      body(call.value)
    } else {
      call.eventLoop.execute { [call] in body(call.value) }
    }
  }
}

/// Writes the requests of one call.
public struct RequestWriter<Request>: Sendable {
  let encode: MessageEncoder<Request>
  let call: CallHandle

  /// Sends a request. Waits while the server does not read what was written before.
  ///
  /// - Throws: the call's status when it is over; `CancellationError` when the surrounding task is cancelled.
  public func write(_ request: Request) async throws {
    try await call.send(encode(request))
  }

  /// Says that no more requests follow.
  public func finish() { call.finishSending() }

  /// Gives up the call: the server's handler is cancelled and the responses end with CANCELLED.
  public func cancel() { call.cancel() }
}

/// The responses of one call, in order. The next one is read from the connection only when it is asked for. For one
/// consumer. The call is cancelled when its stream and its writer are both dropped.
public struct ResponseStream<Response>: AsyncSequence, Sendable {
  /// A decoded response.
  public typealias Element = Response
  let decode: MessageDecoder<Response>
  let call: CallHandle

  /// Iterates over the responses.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let decode: MessageDecoder<Response>
    let call: CallHandle

    /// The next response, nil after the last when the status is OK.
    ///
    /// - Throws: the call's status if it is not OK. When the surrounding task is cancelled, so is the call.
    public mutating func next() async throws -> Response? {
      guard let bytes = try await call.next() else { return nil }
      return try decode(bytes)
    }
  }

  /// Starts to iterate.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(decode: decode, call: call) }

  /// What the server sent before the first response; waits for it. Empty when the call fails without.
  public var initialMetadata: Metadata { get async { await call.initialMetadata() } }

  /// What the server sent with the status; empty before the end.
  public var trailingMetadata: Metadata { get async { await call.trailingMetadata() } }

  /// Gives up the call.
  public func cancel() { call.cancel() }
}

/// The one response of a call with what came along.
public struct SingleResponse<Response> {
  /// The message.
  public var message: Response
  /// What the server sent before the message.
  public var initialMetadata: Metadata
  /// What the server sent with the status.
  public var trailingMetadata: Metadata
}
