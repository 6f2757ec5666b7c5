import HTTP2

/// The header list of a request: the parts that concern its call, and whether the call can begin. A pure value.
struct RequestHeaders {
  /// The requested method; nil if there is no such method.
  private(set) var method: RegisteredMethod?
  /// The application's metadata.
  private(set) var metadata = Metadata()
  /// The time that the client grants.
  private(set) var timeout: Duration?
  /// The encoding of the client's messages.
  private(set) var encoding = MessageEncoding.identity
  /// Whether the client accepts compressed messages.
  private(set) var acceptsGzip = false
  private var isComplete = false
  private var isOversized = false
  private var isPost = false
  private var isGRPC = false
  private var hasBadTimeout = false
  private var hasBadMetadata = false
  private var hasTooMuchMetadata = false
  /// The path if there is no such method, truncated.
  private var unknownPath = ""

  /// The reason why a call cannot begin.
  struct Refusal: Error {
    /// The status of the call.
    let status: GRPCStatus
    /// The sentence for the log if a limit was exceeded.
    var report: String?
  }

  /// Adds a field. Fields of trailers have no effect.
  mutating func receive(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ core: ServerCore
  ) {
    guard !isComplete else { return }
    switch RequestHeader(name) {
    case .path:
      method = core.methods.find(value)
      if method == nil { unknownPath = String(decoding: value.prefix(200), as: UTF8.self) }
    case .method: isPost = value == "POST"
    case .contentType: isGRPC = GRPC.isGRPC(contentType: value)
    case .timeout:
      timeout = Timeout.parse(value)
      hasBadTimeout = timeout == nil
    case .encoding: encoding = MessageEncoding(value)
    case .acceptEncoding: acceptsGzip = MessageEncoding.acceptsGzip(value)
    case .ignored: break
    case .custom: receiveMetadata(name, value, core.metadata)
    }
  }

  private mutating func receiveMetadata(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ bounds: MetadataBounds
  ) {
    guard !hasTooMuchMetadata else { return }
    switch metadata.receive(name: name, value: value, within: bounds) {
    case .taken: break
    case .notBase64: hasBadMetadata = true
    case .tooMuch:
      hasTooMuchMetadata = true
      metadata = Metadata()
    }
  }

  /// Records that the list is longer than allowed; not all of it was received. Has no effect on a complete list.
  mutating func exceedLimit() { if !isComplete { isOversized = true } }

  /// Completes the list. Returns false if it was complete before: the fields were trailers.
  mutating func complete() -> Bool {
    defer { isComplete = true }
    return !isComplete
  }

  /// Releases the metadata.
  mutating func dropMetadata() { metadata = Metadata() }

  /// The HTTP response to a request that is not gRPC (gRPC over HTTP/2, "Responses"); nil for gRPC.
  var httpRefusal: HTTP2StaticHeaders? {
    if isOversized && !isGRPC { return ServerHeaders.tooLarge }
    if !isPost { return ServerHeaders.methodNotAllowed }
    return isGRPC ? nil : ServerHeaders.unsupportedMediaType
  }

  /// Returns the method to call.
  /// - Throws: the reason why the call cannot begin; the metadata is released.
  mutating func check(_ core: ServerCore) throws(Refusal) -> RegisteredMethod {
    if let refusal = refusal(core) {
      dropMetadata()
      throw refusal
    }
    guard let method else {
      dropMetadata()
      throw Refusal(status: GRPCStatus(.unimplemented, "No such method: \(unknownPath)"))
    }
    return method
  }

  private func refusal(_ core: ServerCore) -> Refusal? {
    if isOversized { return .metadata("over \(core.limits.http2.maxHeaderListBytes) bytes") }
    if hasTooMuchMetadata {
      return .metadata("over \(core.metadata.maxEntries) values, or over \(core.metadata.maxBytes) bytes in memory")
    }
    if hasBadTimeout { return Refusal(status: GRPCStatus(.internal, "grpc-timeout is not a timeout")) }
    if timeout == .zero { return Refusal(status: GRPCStatus(.deadlineExceeded, "Deadline Exceeded")) }
    if hasBadMetadata { return Refusal(status: GRPCStatus(.internal, "A -bin metadata value is not base64")) }
    if encoding == .unknown {
      let text = "This server reads the grpc-encodings \(MessageEncoding.accepted) and no other"
      return Refusal(status: GRPCStatus(.unimplemented, text))
    }
    return nil
  }
}

extension RequestHeaders.Refusal {
  fileprivate static func metadata(_ text: String) -> Self {
    Self(
      status: GRPCStatus(.resourceExhausted, "The request's metadata is \(text)"),
      report: "a call is rejected: its metadata is \(text)")
  }
}
