import HTTP2
import NIOCore
import Transport

/// The client side of one call, from its headers to its status. Confined to the connection's event loop.
final class ClientCall: MessageStream {
  let gate: OutboundGate
  private let metadataBounds: MetadataBounds
  private(set) var initialMetadata = Metadata()
  private(set) var trailingMetadata = Metadata()
  private var head = ResponseHead()
  private var initialIsComplete = false
  private var status: GRPCStatus?
  private var hasFinishedSending = false
  /// Whether unread messages were dropped.
  private var isCutShort = false
  private var waiter: CheckedContinuation<ByteBuffer?, any Error>?
  private var initialWaiters: [CheckedContinuation<Metadata, Never>] = []
  private var deadlineTimer: Scheduled<Void>?

  /// The fields of one header list that concern the transport.
  private struct ResponseHead {
    var httpStatus: Int?
    var isGRPC = false
    var code: Int?
    var message = ""
    var metadata = Metadata()
    var isOversized = false
    var isInformational: Bool { httpStatus.map { (100..<200).contains($0) } ?? false }
  }

  init(channel: HTTP2ChannelHandler, budget: MessageBudget, limits: ClientLimits) {
    gate = OutboundGate(highWatermark: limits.writeHighWatermark)
    metadataBounds = limits.metadata
    super.init(channel: channel, budget: budget, bounds: limits.messages)
  }

  /// Opens the stream.
  func start(path: String, scheme: String, authority: String, options: CallOptions) {
    do {
      try channel.request(
        self, ClientHeaders.request(path: path, scheme: scheme, authority: authority, options: options), body: true)
    } catch {
      var status = GRPCStatus(.unavailable, "\(error)")
      status.isUnprocessed = true
      return conclude(status)
    }
    if let timeout = options.timeout {
      let (seconds, attoseconds) = timeout.components
      let nanoseconds = min(seconds, 3_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
      deadlineTimer = channel.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) { [weak self] in
        self?.cancel(GRPCStatus(.deadlineExceeded, "Deadline Exceeded"))
      }
    }
  }

  // MARK: Sending requests

  func sendRequest(_ message: EncodedMessage) {
    guard status == nil else { return }
    do {
      try send(message)
    } catch {
      cancel(error)
    }
  }

  func finishSending() {
    guard !hasFinishedSending else { return }
    hasFinishedSending = true
    finishBody(trailers: false)
  }

  override func bodySent(_ count: Int) { gate.leave(count) }

  /// Cancels the call, unless it has ended.
  func cancel(_ status: GRPCStatus) {
    guard self.status == nil else { return }
    reset(.cancel)
    conclude(status)
  }

  // MARK: Receiving responses

  func nextResponse(_ continuation: CheckedContinuation<ByteBuffer?, any Error>) {
    guard waiter == nil else {
      return continuation.resume(throwing: GRPCStatus(.internal, "The responses of a call can be read only once"))
    }
    if isCutShort, let status { return continuation.resume(throwing: status) }
    waiter = continuation
    requestMessage()
  }

  func whenInitialMetadata(_ continuation: CheckedContinuation<Metadata, Never>) {
    if initialIsComplete || status != nil {
      continuation.resume(returning: initialMetadata)
    } else {
      initialWaiters.append(continuation)
    }
  }

  override func messageArrived(_ message: ByteBuffer) { resumeWaiter(.success(message)) }

  override func messagesEnded() {
    guard let status, status.code != .ok else { return resumeWaiter(.success(nil)) }
    resumeWaiter(.failure(status))
  }

  override func readingFailed(_ status: GRPCStatus) {
    reset(.cancel)
    self.status = nil  // The server's OK does not count if its messages cannot be read.
    conclude(status)
  }

  private func resumeWaiter(_ result: Result<ByteBuffer?, any Error>) {
    guard let waiter else { return }
    self.waiter = nil
    waiter.resume(with: result)
  }

  // MARK: Headers

  override func receiveHeader(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
    switch ResponseHeader(name) {
    case .status: head.httpStatus = Int(String(decoding: value, as: UTF8.self))
    case .contentType: head.isGRPC = isGRPC(contentType: value)
    case .code: head.code = Int(String(decoding: value, as: UTF8.self))
    case .message: head.message = GRPCStatus.decodeMessage(value)
    case .encoding: encoding = MessageEncoding(value)
    case .ignored: break
    case .custom:
      if head.metadata.receive(name: name, value: value, within: metadataBounds) == .tooMuch { head.isOversized = true }
    }
  }

  override func receiveOversizedHeaders() { head.isOversized = true }

  override func receiveHeadersEnd() {
    defer { head = ResponseHead() }
    if head.isOversized { return cancel(GRPCStatus(.resourceExhausted, "The server's metadata is too long")) }
    if head.isInformational { return }
    if let code = head.code {
      trailingMetadata = head.metadata
      var status = GRPCStatus(GRPCStatus.Code(rawValue: code) ?? .unknown, head.message)
      if code != 0, let details = head.metadata.binaries("grpc-status-details-bin").first {
        status.details = GRPCStatus.decodeDetails(details)
      }
      self.status = status
    } else if initialIsComplete {
      status = GRPCStatus(.unknown, "The server's trailers have no grpc-status")
    } else if head.httpStatus != 200 || !head.isGRPC {
      reset(.cancel)
      return conclude(GRPCStatus(httpStatus: head.httpStatus ?? 0))
    } else {
      initialMetadata = head.metadata
    }
    noteInitialMetadata()
  }

  private func noteInitialMetadata() {
    initialIsComplete = true
    for waiter in initialWaiters { waiter.resume(returning: initialMetadata) }
    initialWaiters = []
  }

  // MARK: End of the call

  override func receiveEnd() {
    settle(status ?? GRPCStatus(.internal, "The server ended the call without a status"))
    super.receiveEnd()
    if !hasFinishedSending { reset(.noError) }
  }

  /// Sets the status of the call. Messages that have arrived can still be read; the status follows them.
  private func settle(_ status: GRPCStatus) {
    self.status = status
    deadlineTimer?.cancel()
    deadlineTimer = nil
    gate.close(status.code == .ok ? GRPCStatus(.ok, "The call has ended") : status)
    noteInitialMetadata()
  }

  /// Sets the status of the call and, unless it is OK, drops unread messages.
  private func conclude(_ status: GRPCStatus) {
    settle(status)
    guard status.code != .ok else { return }
    isCutShort = true
    stopReading()
    resumeWaiter(.failure(status))
  }

  override func closed(_ code: HTTP2Error.Code) {
    super.closed(code)
    if peerHasEnded { return }
    if channel.isClosed {
      conclude(status ?? GRPCStatus(.unavailable, "The connection to \(channel.peer) was lost"))
    } else {
      conclude(status ?? GRPCStatus(resetBy: code))
    }
  }
}

/// The header fields of a response that concern the transport.
private enum ResponseHeader {
  case status, contentType, code, message, encoding, ignored, custom

  init(_ name: UnsafeBufferPointer<UInt8>) {
    switch name.count {
    case 7 where name == ":status": self = .status
    case 11 where name == "grpc-status": self = .code
    case 12 where name == "content-type": self = .contentType
    case 12 where name == "grpc-message": self = .message
    case 13 where name == "grpc-encoding": self = .encoding
    case 20 where name == "grpc-accept-encoding": self = .ignored
    default: self = name.first == UInt8(ascii: ":") ? .ignored : .custom
    }
  }
}

extension GRPCStatus {
  /// Makes the status for a response that is not gRPC ("HTTP to gRPC Status Code Mapping").
  init(httpStatus: Int) {
    let code: Code =
      switch httpStatus {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
    self.init(code, "The server answered in HTTP, not in gRPC, with status \(httpStatus)")
  }

  /// Makes the status for a stream that was reset (gRPC over HTTP/2, "Errors").
  init(resetBy reset: HTTP2Error.Code) {
    let code: Code =
      switch reset {
      case .refusedStream: .unavailable
      case .cancel: .cancelled
      case .enhanceYourCalm: .resourceExhausted
      case HTTP2Error.Code(rawValue: 0xc): .permissionDenied
      default: .internal
      }
    self.init(code, "The stream was reset with HTTP/2 code \(reset.rawValue)")
    isUnprocessed = reset == .refusedStream
  }
}

/// The header lists that a client sends.
enum ClientHeaders {
  static func request(path: String, scheme: String, authority: String, options: CallOptions) -> HTTP2Headers {
    var headers = HTTP2Headers()
    headers.add(":method", "POST")
    headers.add(":scheme", scheme)
    headers.add(":path", path)
    headers.add(":authority", authority)
    headers.add("te", "trailers")
    headers.add("content-type", "application/grpc")
    headers.add("user-agent", "grpc-swift-gscoordinator")
    headers.add("grpc-accept-encoding", MessageEncoding.accepted)
    if options.compressesRequests { headers.add("grpc-encoding", "gzip") }
    if let timeout = options.timeout { headers.add("grpc-timeout", Timeout.format(timeout)) }
    options.metadata.write(to: &headers)
    return headers
  }
}
