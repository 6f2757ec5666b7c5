import GRPC

/// `grpc.testing.TestService`, the server's side of gRPC's interoperability cases.
enum TestService {
  static func make() -> GRPCService {
    var service = GRPCService(name: "grpc.testing.TestService")
    service.unary("EmptyCall", decode: .test, encode: .test) { (_: Empty, context) in
      try context.echoMetadata()
      return Empty()
    }
    service.unary("UnaryCall", decode: .test, encode: .test) { (request: SimpleRequest, context) in
      try context.echoMetadata()
      try context.require(compressed: request.expectCompressed)
      if let wanted = request.responseCompressed { context.compressesResponses = wanted.value }
      if let status = request.responseStatus?.status, status.code != .ok { throw status }
      return PayloadResponse(payload: Payload(size: request.responseSize))
    }
    service.serverStreaming("StreamingOutputCall", decode: .test, encode: .test) {
      (request: StreamingOutputCallRequest, writer: ResponseWriter<PayloadResponse>, context) in
      context.compressesResponses = request.responses.contains { $0.compressed?.value ?? false }
      try await answer(request, writer)
    }
    service.clientStreaming("StreamingInputCall", decode: .test, encode: .test) {
      (requests: RequestStream<StreamingInputCallRequest>, context) in
      var response = StreamingInputCallResponse()
      for try await request in requests {
        try context.require(compressed: request.expectCompressed)
        response.aggregatedPayloadSize += request.payload.size
      }
      return response
    }
    service.bidirectional("FullDuplexCall", decode: .test, encode: .test) {
      (requests: RequestStream<StreamingOutputCallRequest>, writer: ResponseWriter<PayloadResponse>, context) in
      try context.echoMetadata()
      for try await request in requests { try await answer(request, writer) }
    }
    return service
  }

  private static func answer(
    _ request: StreamingOutputCallRequest, _ writer: ResponseWriter<PayloadResponse>
  ) async throws {
    if let status = request.responseStatus?.status, status.code != .ok { throw status }
    for response in request.responses {
      if response.microseconds > 0 { try await Task.sleep(for: .microseconds(response.microseconds)) }
      try await writer.write(
        PayloadResponse(payload: Payload(size: response.size)), compressing: response.compressed?.value ?? true)
    }
  }
}

extension ServerContext {
  /// Sends back what the case `custom_metadata` sends.
  fileprivate func echoMetadata() throws {
    let (initial, trailing) = ("x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin")
    if let text = metadata[initial] {
      var echo = Metadata()
      try echo.add(initial, text)
      setInitialMetadata(echo)
    }
    if let bytes = metadata.binaries(trailing).first {
      var echo = Metadata()
      try echo.add(trailing, bytes: bytes)
      setTrailingMetadata(echo)
    }
  }

  /// Fails, as the cases demand, when a request that should have been compressed was not, or the other way round.
  fileprivate func require(compressed expected: BoolValue?) throws {
    if let expected, expected.value != isRequestCompressed {
      throw GRPCStatus(.invalidArgument, "The request was \(isRequestCompressed ? "" : "not ")compressed")
    }
  }
}
