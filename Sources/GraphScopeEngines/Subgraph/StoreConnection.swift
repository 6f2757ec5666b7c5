import Engines
import JSON
import NIOCore
import NIOPosix
import Wire

/// A connection to a session's object store over its Unix socket, in vineyard's own protocol: JSON texts, each preceded by its
/// length in eight bytes, one request at a time. Used for the metadata of objects; it transfers no data.
final class StoreConnection {
  private let writer: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private var reader: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

  /// The version of the protocol; the store accepts all versions 0.24.
  private static let version = "0.24.2"

  private init(
    _ reader: NIOAsyncChannelInboundStream<ByteBuffer>, _ writer: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) {
    (self.reader, self.writer) = (reader.makeAsyncIterator(), writer)
  }

  /// Connects for the duration of `body`.
  /// - Throws: `EngineError` when no store listens or it rejects the connection; the errors of `body`.
  static func open<Result: Sendable>(
    _ socket: String, _ body: (StoreConnection) async throws -> Result
  ) async throws -> Result {
    let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    do {
      channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .withConnectedSocket(try StoreSocket.connect(socket)) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(StoreMessageDecoder()))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
          }
        }
    } catch { throw broken("\(error)") }
    return try await channel.executeThenClose { inbound, outbound in
      let store = StoreConnection(inbound, outbound)
      _ = try await store.request(
        "register_request",
        [
          ("version", .string(version)), ("store_type", .integer(1)), ("session_id", .integer(0)),
          ("username", .string("")), ("password", .string("")),
        ])
      return try await body(store)
    }
  }

  /// Sends a request and returns the answer.
  /// - Throws: `EngineError` with the store's message when it rejects the request or has ended; `CancellationError`.
  @discardableResult
  func request(_ type: String, _ members: [(key: String, value: JSONValue)]) async throws -> JSONValue {
    let text = JSONValue.object([("type", .string(type))] + members).encoded
    var message = ByteBuffer()
    message.writeInteger(UInt64(text.utf8.count), endianness: .little)
    message.writeString(text)
    let bytes: ByteBuffer?
    do {
      try await writer.write(message)
      bytes = try await reader.next()
    } catch {
      try Task.checkCancellation()
      throw Self.broken("\(error)")
    }
    try Task.checkCancellation()
    guard let bytes else { throw Self.broken("it closed the connection") }
    guard let answer = try? JSONValue(parsing: String(buffer: bytes)) else {
      throw Self.broken("its answer to \(type) is not JSON")
    }
    if case .integer(let code)? = answer["code"], code != 0 {
      throw EngineError(
        .engineFailure, "the session's object store rejected \(type) (\(code)): \(answer["message"]?.text ?? "")")
    }
    return answer
  }

  private static func broken(_ why: String) -> EngineError {
    EngineError(
      .engineFailure, "the session's object store does not answer: \(why)",
      hint: "Close the session and connect again")
  }
}

/// Splits the received bytes into messages.
private struct StoreMessageDecoder: ByteToMessageDecoder {
  typealias InboundOut = ByteBuffer

  /// The maximum size of a message in bytes.
  private static let maximum = 1 << 20

  mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    guard let count = buffer.getInteger(at: buffer.readerIndex, endianness: .little, as: UInt64.self) else {
      return .needMoreData
    }
    guard count <= Self.maximum else {
      throw EngineError(
        .engineFailure,
        "the session's object store announced a message of \(count) bytes, which is too large")
    }
    guard buffer.readableBytes >= 8 + Int(count) else { return .needMoreData }
    buffer.moveReaderIndex(forwardBy: 8)
    if let message = buffer.readSlice(length: Int(count)) { context.fireChannelRead(wrapInboundOut(message)) }
    return .continue
  }

  mutating func decodeLast(
    context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
  ) throws -> DecodingState {
    try decode(context: context, buffer: &buffer)
  }
}
