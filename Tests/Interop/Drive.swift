import ArgumentParser
import GRPC
import NIOCore
import Transport

/// Runs our client against a server that serves test.Echo, and prints what it saw, one `key=value` per line.
struct Drive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Calls test.Echo at an address.")
  @Option(help: "host:port or unix:path.") var address: String
  @Argument(
    help: "What to do: unary, metadata, fail, missing, timeout, cancel, produce, sum, chat, big, many, refused.")
  var scenario: String

  func run() async throws {
    let client = try await GRPCClient.connect(to: target)
    do {
      try await play(client)
    } catch let status as GRPCStatus {
      report("code", status.code.rawValue)
      report("message", status.message)
    }
    await client.close()
  }

  private var target: TransportAddress {
    if address.hasPrefix("unix:") { return .unix(path: String(address.dropFirst(5))) }
    let parts = address.split(separator: ":")
    return .tcp(host: String(parts[0]), port: Int(parts[1]) ?? 0)
  }

  private func play(_ client: GRPCClient) async throws {
    switch scenario {
    case "unary": report("reply", String(buffer: try await call(client, "Unary", "hello")))
    case "metadata": try await metadata(client)
    case "fail": _ = try await call(client, "Fail", "grün % 日本\n")
    case "missing": _ = try await call(client, "Missing", "")
    case "timeout": _ = try await call(client, "Hang", "", CallOptions(timeout: .milliseconds(300)))
    case "cancel": try await cancel(client)
    case "produce": try await produce(client)
    case "sum": try await sum(client)
    case "chat": try await chat(client)
    case "big": try await big(client)
    case "many": try await many(client)
    default: throw ValidationError("no scenario \(scenario)")
    }
  }

  private func call(
    _ client: GRPCClient, _ method: String, _ text: String, _ options: CallOptions = CallOptions()
  ) async throws -> ByteBuffer {
    try await client.unary(
      "/test.Echo/\(method)", ByteBuffer(string: text), encode: .bytes, decode: .bytes, options: options)
  }

  private func metadata(_ client: GRPCClient) async throws {
    var options = CallOptions()
    try options.metadata.add("x-text", "plain value")
    try options.metadata.add("x-bytes-bin", bytes: [0, 255, 1])
    let response = try await client.unaryResponse(
      "/test.Echo/Unary", ByteBuffer(string: "m"), encode: .bytes, decode: .bytes, options: options)
    report("initial", response.initialMetadata["initial-x-text"] ?? "")
    report("trailing", response.trailingMetadata["trailing-x-text"] ?? "")
    report("binary", response.trailingMetadata.binaries("trailing-x-bytes-bin"))
  }

  private func cancel(_ client: GRPCClient) async throws {
    let (requests, responses) = try await client.bidirectional("/test.Echo/Chat", encode: .bytes, decode: .bytes)
    try await requests.write(ByteBuffer(string: "one"))
    var iterator = responses.makeAsyncIterator()
    report("first", String(buffer: try await iterator.next() ?? ByteBuffer()))
    responses.cancel()
    do {
      _ = try await iterator.next()
    } catch let status as GRPCStatus {
      report("code", status.code.rawValue)
    }
  }

  private func produce(_ client: GRPCClient) async throws {
    var count = 0
    var bytes = 0
    let responses = try await client.serverStreaming(
      "/test.Echo/Produce", ByteBuffer(string: "1000 5000"), encode: .bytes, decode: .bytes)
    for try await response in responses {
      count += 1
      bytes += response.readableBytes
    }
    report("count", count)
    report("bytes", bytes)
  }

  private func sum(_ client: GRPCClient) async throws {
    let message = ByteBuffer(repeating: 7, count: 100_000)
    let total = try await client.clientStreaming("/test.Echo/Sum", encode: .bytes, decode: .bytes) { requests in
      for _ in 0..<200 { try await requests.write(message) }
    }
    report("total", String(buffer: total))
  }

  private func chat(_ client: GRPCClient) async throws {
    let (requests, responses) = try await client.bidirectional("/test.Echo/Chat", encode: .bytes, decode: .bytes)
    var iterator = responses.makeAsyncIterator()
    for word in ["a", "bb", "ccc"] {
      try await requests.write(ByteBuffer(string: word))
      report("reply", String(buffer: try await iterator.next() ?? ByteBuffer()))
    }
    requests.finish()
    report("end", try await iterator.next() == nil)
  }

  private func big(_ client: GRPCClient) async throws {
    let message = ByteBuffer(repeating: 1, count: 300_000_000)
    let reply = try await client.unary("/test.Echo/Unary", message, encode: .bytes, decode: .bytes)
    report("bytes", reply.readableBytes)
    report("same", reply == message)
  }

  private func many(_ client: GRPCClient) async throws {
    let replies = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<1000 {
        group.addTask { try await call(client, "Unary", "hello").readableBytes }
      }
      return try await group.reduce(0, +)
    }
    report("bytes", replies)
  }

  private func report(_ key: String, _ value: some Any) {
    print("\(key)=\(value)")
  }
}
