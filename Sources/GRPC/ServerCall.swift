import HTTP2
import Logging
import NIOCore
import Transport

/// The server side of one call, from its headers to its status. Confined to the connection's event loop.
final class ServerCall: MessageStream {
  private let core: ServerCore
  private var response = ResponseState()
  private var headers = RequestHeaders()
  private(set) var context: ServerContext?
  private var request: ByteBuffer?
  /// Whether a message has arrived.
  private var hasMessage = false
  /// The handler's task, begun and cancelled on the event loop, which no task waits on. The server's shutdown waits for its end.
  private var task: Task<Void, Never>?
  private var handlerIsRunning = false
  private var gate: OutboundGate?
  private var waiter: CheckedContinuation<ByteBuffer?, any Error>?
  private var deadlineTimer: Scheduled<Void>?
  private var status = GRPCStatus.ok
  /// The number of bytes that the handler has in memory and has not written yet, as far as it has counted them.
  private var heldResponseBytes = 0

  private let executor: EventLoopTaskExecutor

  init(core: ServerCore, channel: HTTP2ChannelHandler, executor: EventLoopTaskExecutor) {
    self.core = core
    self.executor = executor
    super.init(channel: channel, budget: core.budget, bounds: core.bounds)
  }

  // MARK: Headers

  override func receiveHeader(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
    headers.receive(name, value, core)
  }

  override func receiveOversizedHeaders() { headers.exceedLimit() }

  override func receiveHeadersEnd() {
    guard headers.complete() else { return }
    encoding = headers.encoding
    if let code = headers.httpRefusal {
      respond(code, body: false)
      _ = response.handle(.status)
      return stopReading()
    }
    let method: RegisteredMethod
    do throws(RequestHeaders.Refusal) {
      method = try headers.check(core)
    } catch {
      if let text = error.report { channel.refused(.metadata, text) }
      return finish(error.status)
    }
    guard headers.metadata.isEmpty || hold(headers.metadata.memoryBytes) else {
      headers.dropMetadata()
      return finish(Self.full)
    }
    begin(method)
  }

  private static let full = GRPCStatus(
    .resourceExhausted, "The server has reached its limit of buffered messages and metadata; try again later")

  private func begin(_ method: RegisteredMethod) {
    let deadline = headers.timeout.map { ContinuousClock.now + $0 }
    let context = ServerContext(
      path: method.path, peer: channel.peer, certificate: channel.certificate, listener: channel.listener,
      connection: channel.number, metadata: headers.metadata, deadline: deadline,
      compression: .init(isPossible: headers.acceptsGzip, isWanted: encoding == .gzip && headers.acceptsGzip))
    do {
      for interceptor in core.interceptors { try interceptor.begin(context) }
    } catch {
      return finish(describe(error))
    }
    self.context = context
    limitMessages(to: method.maxRequestBytes)
    if let timeout = headers.timeout { startTimer(timeout) }
    if case .streaming = method.handler { runHandler() } else { requestMessage() }
  }

  private func startTimer(_ timeout: Duration) {
    let (seconds, attoseconds) = timeout.components
    // 99 999 999 hours do not fit nanoseconds; a century is as good as unlimited.
    let nanoseconds = min(seconds, 3_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
    deadlineTimer = channel.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) { [weak self] in
      self?.cancel(GRPCStatus(.deadlineExceeded, "Deadline Exceeded"))
    }
  }

  // MARK: Receiving messages

  /// A handler that takes a stream of messages releases each one before it requests the next; any other handler when it has
  /// responded. Until then the bytes are in memory.
  override var keepsReservations: Bool { true }

  /// The call waits for the first message and, if it takes a single request, for the end of the stream.
  override var awaitsRequest: Bool {
    response.isOpen && (isWaitingForMessage && !hasMessage || request != nil)
  }

  override func messageArrived(_ message: ByteBuffer) {
    hasMessage = true
    if encoding == .gzip { context?.isRequestCompressed = messageWasCompressed }
    if let waiter {
      self.waiter = nil
      waiter.resume(returning: message)
    } else {
      request = message
      // Large messages have a reservation instead.
      if message.readableBytes <= core.bounds.windowBytes, !hold(message.readableBytes) { return cancel(Self.full) }
      runIfComplete()
    }
  }

  override func messagesEnded() {
    if let waiter {
      self.waiter = nil
      waiter.resume(returning: nil)
    } else {
      finish(GRPCStatus(.unimplemented, "The method takes exactly one request, but received none"))
    }
  }

  override func readingFailed(_ status: GRPCStatus) { cancel(status) }

  override func receiveEnd() {
    super.receiveEnd()
    runIfComplete()
  }

  /// Runs a handler that takes one request, once the request is complete and the client has ended its side of the stream, in
  /// either order.
  private func runIfComplete() {
    // The call has ended already if its deadline passed between the message and the end of the stream.
    guard request != nil, peerHasEnded, response.isOpen else { return }
    if hasUnreadBytes {
      finish(GRPCStatus(.unimplemented, "The method takes exactly one request, but received more"))
    } else {
      runHandler()
    }
  }

  /// Requests the next message on behalf of a streaming handler.
  func nextRequest(_ continuation: CheckedContinuation<ByteBuffer?, any Error>) {
    guard handlerIsRunning, isOpen, waiter == nil, response.isOpen else {
      return continuation.resume(throwing: handlerIsRunning ? GRPCStatus(.cancelled, "The call has ended") : status)
    }
    waiter = continuation
    requestMessage()
  }

  func withdrawNextRequest() {
    guard let waiter else { return }
    self.waiter = nil
    withdrawRequest()
    waiter.resume(throwing: CancellationError())
  }

  // MARK: Handler

  private func runHandler() {
    guard let method = headers.method, let context else { return }
    // The message may have arrived after the deadline, and timers run after arrived bytes are processed.
    if let deadline = context.deadline, deadline <= .now {
      return cancel(GRPCStatus(.deadlineExceeded, "Deadline Exceeded"))
    }
    handlerIsRunning = true
    let bytes = request ?? ByteBuffer()
    request = nil
    switch method.handler {
    case .synchronous(let handle):
      do {
        try answer(handle(bytes, context))
      } catch {
        handlerEnded(describe(error))
      }
    case .unary(let handle):
      start(context, bytes.readableBytes) { try await handle(bytes, context) }
    case .serverStreaming(let handle):
      let sink = openSink(context)
      start(context, bytes.readableBytes) {
        try await handle(bytes, sink, context)
        return nil
      }
    case .streaming(let handle):
      let sink = openSink(context)
      let source = RequestSource(self)
      start(context, 0) {
        try await handle(source, sink, context)
        return nil
      }
    }
  }

  private func openSink(_ context: ServerContext) -> ResponseSink {
    let gate = OutboundGate(highWatermark: core.limits.writeHighWatermark)
    self.gate = gate
    return ResponseSink(self, gate, context)
  }

  /// Starts the handler immediately on this event loop, where it stays unless its message takes long to decode.
  private func start(
    _ context: ServerContext, _ bytes: Int, _ handle: @escaping @Sendable () async throws -> EncodedMessage?
  ) {
    let me = NIOLoopBound(self, eventLoop: channel.eventLoop)
    let run: @Sendable () async -> Void = {
      let result: Result<EncodedMessage?, any Error>
      do {
        let message = try await handle()
        result = .success(context.fixCompression() ? await message?.compressedIfWorthIt() : message)
      } catch {
        result = .failure(error)
      }
      if me.eventLoop.inEventLoop {
        me.value.handlerReturned(result)
      } else {
        me.eventLoop.execute { me.value.handlerReturned(result) }
      }
    }
    let task =
      bytes > core.limits.decodeOnLoopBytes
      ? Task { await run() } : Task.immediate(executorPreference: executor) { await run() }
    if handlerIsRunning { self.task = task }
  }

  private func handlerReturned(_ result: Result<EncodedMessage?, any Error>) {
    switch result {
    case .success(let message?): answer(message)
    case .success(nil): handlerEnded(.ok)
    case .failure(let error): handlerEnded(describe(error))
    }
  }

  private func answer(_ message: EncodedMessage) {
    sendResponse(message)
    handlerEnded(.ok)
  }

  private func handlerEnded(_ status: GRPCStatus) {
    handlerIsRunning = false
    releaseResponse(.max)
    task = nil
    context?.finish()
    finish(status, behindMessages: true)
  }

  private func describe(_ error: any Error) -> GRPCStatus {
    if !(error is GRPCStatus || error is any GRPCStatusConvertible || error is CancellationError) {
      core.logger.error("a handler failed", metadata: ["path": "\(headers.method?.path ?? "")", "error": "\(error)"])
    }
    return GRPCStatus(thrown: error)
  }

  /// Ends the call for a reason other than the handler's, and cancels the handler.
  func cancel(_ status: GRPCStatus) {
    finish(status)
    stopHandler(status)
  }

  private func stopHandler(_ status: GRPCStatus) {
    gate?.close(status)
    if let waiter {
      self.waiter = nil
      waiter.resume(throwing: status)
    }
    guard handlerIsRunning else { return }
    context?.cancel()
    task?.cancel()
    task = nil
  }

  // MARK: Sending responses

  /// Queues a response.
  func sendResponse(_ message: EncodedMessage) {
    switch response.handle(.message) {
    case .headersAndBody:
      let (metadata, isCompressed) = context?.beginResponse() ?? (nil, false)
      if isCompressed || metadata != nil {
        respond(ServerHeaders.initial(metadata ?? Metadata(), isCompressed: isCompressed), body: true)
      } else {
        respond(ServerHeaders.initial, body: true)
      }
    case .body: break
    default: return
    }
    // What was held has its room already.
    guard heldResponseBytes == 0 else {
      releaseResponse(message.count)
      return queue(message)
    }
    do {
      try send(message)
    } catch {
      channel.refused(.queuedBytes, "a call fails: \(error.message)")
      cancel(error)
    }
  }

  /// Counts bytes that the handler will write. Returns false if there is no room.
  func holdResponse(_ bytes: Int) -> Bool {
    guard handlerIsRunning, isOpen, response.isOpen, channel.holdResponse(bytes) else { return false }
    heldResponseBytes += bytes
    return true
  }

  private func releaseResponse(_ bytes: Int) {
    let bytes = min(bytes, heldResponseBytes)
    guard bytes > 0 else { return }
    heldResponseBytes -= bytes
    channel.releaseResponse(bytes)
  }

  override func bodySent(_ count: Int) { gate?.leave(count) }

  /// Ends the call with a status: after all earlier messages or, if the call is cut short, in place of those that were not sent
  /// yet.
  private func finish(_ status: GRPCStatus, behindMessages: Bool = false) {
    let action = response.handle(.status)
    guard action == .trailersOnly || action == .trailers else { return }
    self.status = status
    deadlineTimer?.cancel()
    deadlineTimer = nil
    stopReading()
    if action == .trailersOnly {
      respond(
        ServerHeaders.trailersOnly(status, initial: context?.initialMetadata, context?.trailingMetadata), body: false)
    } else if behindMessages {
      finishBody(trailers: true)
    } else {
      abortBody()
    }
    reportEnd()
  }

  override func submitTrailers() {
    if let trailing = context?.trailingMetadata, status.code != .ok || !trailing.isEmpty {
      sendTrailers(ServerHeaders.trailers(status, trailing))
    } else {
      sendTrailers(ServerHeaders.okTrailers)
    }
  }

  private func reportEnd() {
    guard let context else { return }
    for interceptor in core.interceptors { interceptor.end(context, status) }
  }

  override func closed(_ code: HTTP2Error.Code) {
    super.closed(code)
    releaseResponse(.max)
    stopReading()
    if response.handle(.close) == .abandon {
      status = GRPCStatus(.cancelled, "The client is gone")
      reportEnd()
    }
    deadlineTimer?.cancel()
    stopHandler(status.code == .ok ? GRPCStatus(.cancelled, "The client is gone") : status)
  }
}
