import GRPC
import NIOCore
import Synchronization

/// The service that the interoperability tests call. Messages are raw bytes; requests say in ASCII what to do.
enum EchoService {
  /// Handlers that are running, and those whose cancellation was seen.
  static let running = Atomic<Int>(0)
  static let cancelled = Atomic<Int>(0)

  static func make() -> GRPCService {
    var service = GRPCService(name: "test.Echo")
    service.synchronousUnary("Sync", decode: .bytes, encode: .bytes) { request, _ in request }
    service.unary("Unary", decode: .bytes, encode: .bytes) { request, context in
      try context.mirrorMetadata()
      return request
    }
    service.unary("Size", decode: .bytes, encode: .bytes) { request, _ in
      ByteBuffer(string: String(request.readableBytes))
    }
    service.unary("Fail", decode: .bytes, encode: .bytes) { request, context in
      try context.mirrorMetadata()
      throw GRPCStatus(.failedPrecondition, String(buffer: request))
    }
    service.unary("Crash", decode: .bytes, encode: .bytes) { _, _ -> ByteBuffer in throw Secret() }
    service.unary("Hang", decode: .bytes, encode: .bytes) { request, _ in
      try await counted { try await Task.sleep(for: .seconds(3600)) }
      return request
    }
    service.unary("Peer", decode: .bytes, encode: .bytes) { _, context in ByteBuffer(string: "\(context.peer)") }
    service.unary("Counters", decode: .bytes, encode: .bytes) { _, _ in
      ByteBuffer(string: "\(running.load(ordering: .relaxed)) \(cancelled.load(ordering: .relaxed))")
    }
    service.serverStreaming("Produce", decode: .bytes, encode: .bytes) { request, writer, _ in
      // "count size"
      let words = String(buffer: request).split(separator: " ").compactMap { Int($0) }
      let message = ByteBuffer(repeating: 120, count: words[1])
      try await counted {
        for _ in 0..<words[0] { try await writer.write(message) }
      }
    }
    service.clientStreaming("Sum", decode: .bytes, encode: .bytes) { requests, _ in
      var total = 0
      for try await request in requests { total += request.readableBytes }
      return ByteBuffer(string: String(total))
    }
    service.bidirectional("Chat", decode: .bytes, encode: .bytes) { requests, writer, context in
      try context.mirrorMetadata()
      try await counted {
        for try await request in requests { try await writer.write(request) }
      }
    }
    return service
  }

  struct Secret: Error { let text = "the password is 1234" }

  private static func counted(_ body: () async throws -> Void) async throws {
    running.wrappingAdd(1, ordering: .relaxed)
    defer { running.wrappingSubtract(1, ordering: .relaxed) }
    do {
      try await body()
    } catch {
      cancelled.wrappingAdd(1, ordering: .relaxed)
      throw error
    }
  }
}

extension ServerContext {
  /// Sends metadata that begins with `x-` back, as initial and as trailing metadata.
  fileprivate func mirrorMetadata() throws {
    var initial = Metadata()
    var trailing = Metadata()
    for entry in metadata.entries where entry.name.hasPrefix("x-") {
      switch entry.value {
      case .text(let text):
        try initial.add("initial-" + entry.name, text)
        try trailing.add("trailing-" + entry.name, text)
      case .binary(let bytes):
        try initial.add("initial-" + entry.name, bytes: bytes)
        try trailing.add("trailing-" + entry.name, bytes: bytes)
      }
    }
    setInitialMetadata(initial)
    setTrailingMetadata(trailing)
  }
}
