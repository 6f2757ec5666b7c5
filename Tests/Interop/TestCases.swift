import ArgumentParser
import GRPC
import NIOCore
import Transport

/// The client's side of gRPC's interoperability cases: our client against a server of `grpc.testing.TestService`.
struct TestCases: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cases", abstract: "Runs interoperability cases against a server; fails with what went wrong.")
  @Option(help: "host:port.") var address: String
  @Argument(help: "The names of the cases.") var names: [String]

  struct Failure: Error, CustomStringConvertible { let description: String }

  func run() async throws {
    let client = GRPCClient(to: target)
    for name in names {
      guard let play = Self.cases[name] else { throw Failure(description: "There is no case \(name)") }
      do {
        try await play(client, target)
        print("\(name) ok")
      } catch {
        throw Failure(description: "\(name): \(error)")
      }
    }
    await client.close()
  }

  private var target: TransportAddress {
    let parts = address.split(separator: ":")
    return .tcp(host: String(parts[0]), port: Int(parts[1]) ?? 0)
  }

  typealias Play = @Sendable (GRPCClient, TransportAddress) async throws -> Void

  static let cases: [String: Play] = [
    "empty_unary": { client, _ in try await client.empty("TestService/EmptyCall") },
    "large_unary": { client, _ in try await client.large() },
    "client_compressed_unary": { client, _ in
      try await client.large(SimpleRequest(expectCompressed: BoolValue(value: true)), compressed: true)
      try await client.large(SimpleRequest(expectCompressed: BoolValue(value: false)))
    },
    "server_compressed_unary": { client, _ in
      for isCompressed in [true, false] {
        try await client.large(SimpleRequest(responseCompressed: BoolValue(value: isCompressed)))
      }
    },
    "client_streaming": { client, _ in try await client.upload(compressed: false) },
    "client_compressed_streaming": { client, _ in try await client.upload(compressed: true) },
    "server_streaming": { client, _ in try await client.download(compressed: nil) },
    "server_compressed_streaming": { client, _ in try await client.download(compressed: BoolValue(value: true)) },
    "ping_pong": { client, _ in
      let (requests, responses) = try await client.duplex()
      var iterator = responses.makeAsyncIterator()
      for (size, payload) in [(31415, 27182), (9, 8), (2653, 1828), (58979, 45904)] {
        try await requests.write(.init(responses: [.init(size: size)], payload: .init(size: payload)))
        try expect(try await iterator.next()?.payload.size, size)
      }
      requests.finish()
      try expect(try await iterator.next() == nil, true)
    },
    "empty_stream": { client, _ in
      let (requests, responses) = try await client.duplex()
      requests.finish()
      for try await _ in responses { throw Failure(description: "a response to nothing") }
    },
    "custom_metadata": { client, _ in
      var options = CallOptions()
      try options.metadata.add("x-grpc-test-echo-initial", "test_initial_metadata_value")
      try options.metadata.add("x-grpc-test-echo-trailing-bin", bytes: [0xab, 0xab, 0xab])
      let response = try await client.unaryResponse(
        "/grpc.testing.TestService/UnaryCall", SimpleRequest(responseSize: 314_159, payload: .init(size: 271_828)),
        encode: .test, decode: MessageDecoder<PayloadResponse>.test, options: options)
      try expect(response.initialMetadata["x-grpc-test-echo-initial"], "test_initial_metadata_value")
      try expect(response.trailingMetadata.binaries("x-grpc-test-echo-trailing-bin"), [[0xab, 0xab, 0xab]])
    },
    "status_code_and_message": { client, _ in
      let status = EchoStatus(code: 2, message: "test status message")
      try await failing(status.status) { _ = try await client.simple(SimpleRequest(responseStatus: status)) }
      let (requests, responses) = try await client.duplex()
      try await requests.write(.init(responseStatus: status))
      requests.finish()
      try await failing(status.status) { for try await _ in responses {} }
    },
    "special_status_message": { client, _ in
      let text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
      let status = EchoStatus(code: 2, message: text)
      try await failing(status.status) { _ = try await client.simple(SimpleRequest(responseStatus: status)) }
    },
    "unimplemented_method": { client, _ in
      try await failing(.unimplemented) { try await client.empty("TestService/UnimplementedCall") }
    },
    "unimplemented_service": { client, _ in
      try await failing(.unimplemented) { try await client.empty("UnimplementedService/UnimplementedCall") }
    },
    "cancel_after_begin": { client, _ in
      try await failing(.cancelled) {
        let _: StreamingInputCallResponse = try await client.clientStreaming(
          "/grpc.testing.TestService/StreamingInputCall", encode: MessageEncoder<StreamingInputCallRequest>.test,
          decode: .test
        ) { $0.cancel() }
      }
    },
    "cancel_after_first_response": { client, _ in
      let (requests, responses) = try await client.duplex()
      try await requests.write(.init(responses: [.init(size: 31415)], payload: .init(size: 27182)))
      var iterator = responses.makeAsyncIterator()
      try expect(try await iterator.next()?.payload.size, 31415)
      responses.cancel()
      try await failing(.cancelled) { _ = try await iterator.next() }
    },
    "timeout_on_sleeping_server": { client, _ in
      // The time may be over before the call has begun.
      try await failing(.deadlineExceeded) {
        let (requests, responses) = try await client.duplex(CallOptions(timeout: .milliseconds(1)))
        try await requests.write(
          .init(responses: [.init(size: 31415, microseconds: 1_000_000)], payload: .init(size: 27182)))
        for try await _ in responses {}
      }
    },
    "concurrent_large_unary": { client, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<20 { group.addTask { try await client.large() } }
        try await group.waitForAll()
      }
    },
    "rpc_soak": { client, _ in for _ in 0..<200 { try await client.large() } },
    "channel_soak": { _, target in
      for _ in 0..<50 {
        let client = GRPCClient(to: target)
        try await client.large()
        await client.close()
      }
    },
  ]
}

private func expect<Value: Equatable>(_ seen: Value, _ expected: Value) throws {
  guard seen == expected else { throw TestCases.Failure(description: "\(seen) instead of \(expected)") }
}

private func failing(_ code: GRPCStatus.Code, _ body: () async throws -> Void) async throws {
  do { try await body() } catch let status as GRPCStatus { return try expect(status.code, code) }
  throw TestCases.Failure(description: "OK instead of \(code)")
}

private func failing(_ expected: GRPCStatus, _ body: () async throws -> Void) async throws {
  do { try await body() } catch let status as GRPCStatus { return try expect(status, expected) }
  throw TestCases.Failure(description: "OK instead of \(expected)")
}

extension GRPCClient {
  fileprivate func empty(_ method: String) async throws {
    let _: Empty = try await unary("/grpc.testing.\(method)", Empty(), encode: .test, decode: .test)
  }

  fileprivate func simple(_ request: SimpleRequest, compressed: Bool = false) async throws -> PayloadResponse {
    try await unary(
      "/grpc.testing.TestService/UnaryCall", request, encode: .test, decode: .test,
      options: CallOptions(compressesRequests: compressed))
  }

  fileprivate func large(_ base: SimpleRequest = SimpleRequest(), compressed: Bool = false) async throws {
    var request = base
    request.responseSize = 314_159
    request.payload.size = 271_828
    try expect(try await simple(request, compressed: compressed).payload.size, 314_159)
  }

  fileprivate func upload(compressed: Bool) async throws {
    let sizes = [27182, 8, 1828, 45904]
    let response: StreamingInputCallResponse = try await clientStreaming(
      "/grpc.testing.TestService/StreamingInputCall", encode: MessageEncoder<StreamingInputCallRequest>.test,
      decode: .test, options: CallOptions(compressesRequests: compressed)
    ) { requests in
      for size in sizes {
        // What is not worth it is sent as it is.
        let expected = compressed ? BoolValue(value: size > 1024) : nil
        try await requests.write(.init(payload: .init(size: size), expectCompressed: expected))
      }
    }
    try expect(response.aggregatedPayloadSize, sizes.reduce(0, +))
  }

  fileprivate func download(compressed: BoolValue?) async throws {
    let sizes = [31415, 9, 2653, 58979]
    let responses = try await serverStreaming(
      "/grpc.testing.TestService/StreamingOutputCall",
      StreamingOutputCallRequest(responses: sizes.map { .init(size: $0, compressed: compressed) }),
      encode: .test, decode: MessageDecoder<PayloadResponse>.test)
    var seen: [Int] = []
    for try await response in responses { seen.append(response.payload.size) }
    try expect(seen, sizes)
  }

  fileprivate func duplex(
    _ options: CallOptions = CallOptions()
  ) async throws -> (requests: RequestWriter<StreamingOutputCallRequest>, responses: ResponseStream<PayloadResponse>) {
    try await bidirectional("/grpc.testing.TestService/FullDuplexCall", encode: .test, decode: .test, options: options)
  }
}
