import CZlib
import NIOCore
import TestSupport
import Testing
import Turns

@testable import GRPC

@Suite("Compressed messages", .takesTurns)
struct CompressionTests {
  private func services(_ service: inout GRPCService) {
    service.unary("Echo", decode: .bytes, encode: .bytes) { request, _ in request }
    service.synchronousUnary("Size", decode: .bytes, encode: .bytes) { request, _ in
      ByteBuffer(string: String(request.readableBytes))
    }
    service.bidirectional("Chat", decode: .bytes, encode: .bytes) { requests, writer, _ in
      for try await request in requests { try await writer.write(request) }
    }
    service.serverStreaming("Forced", decode: .bytes, encode: .bytes) { request, writer, context in
      context.compressesResponses = true
      for isCompressed in [true, false] { try await writer.write(request, compressing: isCompressed) }
      context.compressesResponses = false
      try await writer.write(request)
    }
  }

  /// Returns incompressible bytes.
  private func noise(_ count: Int) -> ByteBuffer {
    var random = SplitMix(seed: 7)
    return ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  /// Returns a compressed message with its prefix.
  private func framed(_ bytes: ByteBuffer) throws -> ByteBuffer {
    try #require(EncodedMessage(slices: [bytes]).compressed()).head
  }

  /// Returns the compression flags of the messages in a body.
  private func flags(_ body: ByteBuffer) -> [UInt8] {
    var body = body
    var flags: [UInt8] = []
    while let flag = body.readInteger(as: UInt8.self), let length = body.readInteger(as: UInt32.self) {
      flags.append(flag)
      body.moveReaderIndex(forwardBy: Int(length))
    }
    return flags
  }

  @Test("Every message arrives unchanged, compressed or not, in both directions")
  func roundTrip() async throws {
    let options = CallOptions(compressesRequests: true)
    try await Pair.run {
      services(&$0)
    } _: { pair async throws in
      for size in [0, 1, 1000, 1024, 40_000, 100_000, 3_000_000] {
        for message in [ByteBuffer(repeating: 5, count: size), noise(min(size, 200_000))] {
          #expect(try await pair.unary("Echo", message, options) == message)
          let (requests, responses) = try await pair.client.bidirectional(
            "/t.S/Chat", encode: .bytes, decode: .bytes, options: options)
          var iterator = responses.makeAsyncIterator()
          for isCompressed in [true, false] {
            try await requests.write(message, compressing: isCompressed)
            #expect(try await iterator.next() == message)
          }
          requests.finish()
          #expect(try await iterator.next() == nil)
        }
      }
    }
  }

  @Test("Responses are compressed if requests are, the client accepts gzip and it is worthwhile")
  func negotiation() async throws {
    try await Pair.run {
      services(&$0)
    } _: { pair async throws in
      let zeros = ByteBuffer(repeating: 0, count: 10_000)
      for (encoding, accepted, isCompressed) in [
        ("gzip", "identity,gzip", true), ("gzip", "identity, deflate, gzip", true), ("gzip", "gzip", true),
        ("gzip", "gzipped,zgzip", false), ("gzip", "identity", false), ("identity", "identity, gzip", false),
      ] {
        let call = try await RawCall.open(
          pair.address, path: "/t.S/Echo", extra: ["grpc-encoding": encoding, "grpc-accept-encoding": accepted])
        var plain = try EncodedMessage(slices: [zeros]).head
        plain.writeImmutableBuffer(zeros)
        await call.send(encoding == "gzip" ? try framed(zeros) : plain, end: true)
        let outcome = await call.outcome()
        #expect(outcome.fields.contains("grpc-encoding: gzip") == isCompressed, "\(accepted)")
        #expect(flags(outcome.body) == [isCompressed ? 1 : 0] && outcome.fields.contains("grpc-status: 0"))
        await call.close()
      }
    }
  }

  @Test("A handler selects compression for its call and for each message")
  func choice() async throws {
    try await Pair.run {
      services(&$0)
    } _: { pair async throws in
      for (accepted, expected) in [("gzip", [1, 0, 1]), ("identity", [0, 0, 0])] as [(String, [UInt8])] {
        let call = try await RawCall.open(
          pair.address, path: "/t.S/Forced", extra: ["grpc-encoding": "gzip", "grpc-accept-encoding": accepted])
        await call.send(try framed(ByteBuffer(repeating: 0, count: 5000)), end: true)
        #expect(flags(await call.outcome().body) == expected)
        await call.close()
      }
    }
  }

  /// Sends one message and returns the status of the call.
  private func status(
    _ pair: Pair, _ message: ByteBuffer, encoding: String? = "gzip"
  ) async throws -> [String] {
    let extra = encoding.map { ["grpc-encoding": $0] } ?? [:]
    let call = try await RawCall.open(pair.address, path: "/t.S/Size", extra: extra)
    await call.send(message, end: true)
    let outcome = await call.outcome()
    await call.close()
    return outcome.fields
  }

  @Test("A message may inflate up to the limit")
  func limit() async throws {
    var limits = ServerLimits()
    limits.maxMessageBytes = 1_000_000
    try await Pair.run(limits) {
      services(&$0)
    } _: { pair async throws in
      for (size, code) in [(1_000_000, 0), (1_000_001, 8), (100_000_000, 8)] {
        let bomb = try framed(ByteBuffer(repeating: 0, count: size))
        #expect(try await status(pair, bomb).contains("grpc-status: \(code)"))
      }
    }
  }

  @Test("The inflated size of a message is reserved before inflation, or the call fails")
  func budget() async throws {
    var limits = ServerLimits()
    limits.messageBudgetBytes = 1_000_000
    try await Pair.run(limits) {
      services(&$0)
    } _: { pair async throws in
      for (size, code) in [(1_000_000, 0), (1_000_001, 8), (900_000, 0)] {
        let message = try framed(ByteBuffer(repeating: 0, count: size))
        #expect(try await status(pair, message).contains("grpc-status: \(code)"))
      }
    }
  }

  @Test("A damaged message, a wrong size and a missing encoding are INTERNAL")
  func damaged() async throws {
    let whole = try framed(ByteBuffer(repeating: 9, count: 50_000))
    /// Returns a frame with other bytes.
    func frame(_ bytes: some Sequence<UInt8>) -> ByteBuffer {
      let bytes = Array(bytes)
      var frame = ByteBuffer(integer: UInt8(1))
      frame.writeInteger(UInt32(bytes.count))
      frame.writeBytes(bytes)
      return frame
    }
    let packed = Array(whole.readableBytesView.dropFirst(5))
    func changed(_ at: Int, _ byte: UInt8) -> [UInt8] {
      var bytes = packed
      bytes[bytes.count - at] = byte
      return bytes
    }
    try await Pair.run {
      services(&$0)
    } _: { pair async throws in
      #expect(try await status(pair, whole).contains("grpc-status: 0"))
      let broken: [[UInt8]] = [
        [], [1, 2, 3], Array(packed.dropLast()), Array(packed.dropLast(9)), packed + packed, packed + [0],
        changed(4, 0), changed(3, 0), changed(2, 1), changed(5, packed[packed.count - 5] ^ 1), changed(20, 0xff),
        changed(1, 0x7f), Array(repeating: 0, count: 100),
      ]
      for bytes in broken {
        #expect(try await status(pair, frame(bytes)).contains("grpc-status: 13"), "\(bytes.count)")
      }
      for encoding in [nil, "identity"] {
        #expect(try await status(pair, whole, encoding: encoding).contains("grpc-status: 13"))
      }
      #expect(pair.server.messageBudget.free == pair.server.messageBudget.bytes)
    }
  }

  @Test("A large message that has arrived completely and waits for room is not considered truncated")
  func lateRoom() async throws {
    var limits = ServerLimits()
    limits.messageBudgetBytes = 64_000
    try await Pair.run(limits) {
      services(&$0)
    } _: { pair async throws in
      var first = ByteBuffer(integer: UInt8(0))
      first.writeInteger(UInt32(60_000))
      let holder = try await RawCall.open(pair.address, path: "/t.S/Size")
      await holder.send(first)
      await holder.send(ByteBuffer(repeating: 1, count: 20_000))
      while pair.server.messageBudget.free == pair.server.messageBudget.bytes { await Task.yield() }
      let waiter = Task { try await pair.unary("Size", ByteBuffer(repeating: 2, count: 40_000)) }
      while !pair.server.messageBudget.isContended { await Task.yield() }
      // The end of the call has arrived after its message.
      try await Task.sleep(for: .milliseconds(200))
      await holder.send(ByteBuffer(repeating: 1, count: 40_000), end: true)
      #expect(try await waiter.value == ByteBuffer(string: "40000"))
      #expect(await holder.outcome().fields.contains("grpc-status: 0"))
      await holder.close()
    }
  }
}
