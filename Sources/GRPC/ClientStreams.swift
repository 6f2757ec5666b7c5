import NIOCore
import Synchronization
import Transport

/// A call on its event loop, with the gate that limits its unsent requests.
struct BegunCall: Sendable {
  let bound: NIOLoopBound<ClientCall>
  let gate: OutboundGate

  init(_ call: ClientCall) {
    bound = NIOLoopBound(call, eventLoop: call.channel.eventLoop)
    gate = call.gate
  }
}

/// Connects a caller, on any thread, with its call on the event loop. The call is cancelled when the last reference to the handle
/// is released.
///
/// A call that the server has not begun is made again if it has a single request, which is kept for this purpose.
final class CallHandle: Sendable {
  /// Starts a call.
  typealias Begin = @Sendable () async throws -> BegunCall

  private struct State {
    var call: BegunCall
    var retries = 2
    var isCancelled = false
  }
  private let state: Mutex<State>
  private let beginAgain: Begin?
  private let gate: OutboundGate
  private let compresses: Bool

  init(_ call: BegunCall, compresses: Bool, beginAgain: Begin?) {
    self.compresses = compresses
    self.beginAgain = beginAgain
    state = Mutex(State(call: call))
    gate = call.gate
  }

  deinit {
    let call = state.withLock { $0.call.bound }
    call.eventLoop.execute { call.value.cancel(GRPCStatus(.cancelled, "The caller dropped the call")) }
  }

  func send(_ plain: EncodedMessage, compressing: Bool) async throws {
    let message = compresses && compressing ? await plain.compressedIfWorthIt() : plain
    try await gate.enter(message.count)
    onLoop { $0.sendRequest(message) }
  }

  func finishSending() { onLoop { $0.finishSending() } }

  func cancel() {
    state.withLock { $0.isCancelled = true }
    onLoop { $0.cancel(Self.cancelled) }
  }
  private static let cancelled = GRPCStatus(.cancelled, "The caller cancelled the call")

  func next() async throws -> ByteBuffer? {
    while true {
      do {
        return try await nextOfCall()
      } catch let status as GRPCStatus where status.isUnprocessed {
        let mayRetry = state.withLock { state in
          state.retries -= 1
          return state.retries >= 0 && !state.isCancelled
        }
        guard mayRetry, let beginAgain else { throw status }
        let call = try await beginAgain()
        let isCancelled = state.withLock { state in
          state.call = call
          return state.isCancelled
        }
        if isCancelled { onLoop { $0.cancel(Self.cancelled) } }
      }
    }
  }

  private func nextOfCall() async throws -> ByteBuffer? {
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
    let call = state.withLock { $0.call.bound }
    if call.eventLoop.inEventLoop {
      body(call.value)
    } else {
      call.eventLoop.execute { body(call.value) }
    }
  }
}

/// Writes the requests of one call.
public struct RequestWriter<Request>: Sendable {
  let encode: MessageEncoder<Request>
  let call: CallHandle

  /// Sends a request. Waits while the server does not read earlier requests.
  ///
  /// - Parameter compressing: whether this request may be compressed if the call compresses requests
  ///   (`CallOptions.compressesRequests`).
  /// - Throws: the call's status if the call has ended; `CancellationError` if the surrounding task is cancelled.
  public func write(_ request: Request, compressing: Bool = true) async throws {
    try await call.send(encode(request), compressing: compressing)
  }

  /// Ends the requests of the call.
  public func finish() { call.finishSending() }

  /// Cancels the call: the server's handler is cancelled and the responses end with CANCELLED.
  public func cancel() { call.cancel() }
}

/// The responses of one call, in order, for a single consumer. A response is read from the connection only when it is requested.
/// The call is cancelled when its stream and its writer are both released.
public struct ResponseStream<Response>: AsyncSequence, Sendable {
  /// A decoded response.
  public typealias Element = Response
  let decode: MessageDecoder<Response>
  let call: CallHandle

  /// Iterates over the responses.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let decode: MessageDecoder<Response>
    let call: CallHandle

    /// Returns the next response; nil after the last one if the status is OK.
    ///
    /// - Throws: the call's status if it is not OK. If the surrounding task is cancelled, so is the call.
    public mutating func next() async throws -> Response? {
      guard let bytes = try await call.next() else { return nil }
      return try decode(bytes)
    }
  }

  /// Creates an iterator.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(decode: decode, call: call) }

  /// The metadata that the server sent before the first response. Waits for it; empty if the call fails before.
  public var initialMetadata: Metadata { get async { await call.initialMetadata() } }

  /// The metadata that the server sent with the status; empty before the call has ended.
  public var trailingMetadata: Metadata { get async { await call.trailingMetadata() } }

  /// Cancels the call.
  public func cancel() { call.cancel() }
}

/// The single response of a call, with its metadata.
public struct SingleResponse<Response> {
  /// The response message.
  public var message: Response
  /// The metadata sent before the message.
  public var initialMetadata: Metadata
  /// The metadata sent with the status.
  public var trailingMetadata: Metadata
}
