import HTTP2
import NIOCore
import NIOPosix
import Transport

/// A call made manually over HTTP/2, for behaviour that gRPC clients do not have.
struct RawCall: Sendable {
  struct Outcome: Sendable {
    var fields: [String] = []
    var headerLists = 0
    var body = ByteBuffer()
  }

  private final class Stream: ByteBufferStream {
    var outcome = Outcome()
    var reads = true
    let headers: EventLoopPromise<Void>
    let end: EventLoopPromise<Outcome>

    override init(channel: HTTP2ChannelHandler) {
      headers = channel.eventLoop.makePromise()
      end = channel.eventLoop.makePromise()
      super.init(channel: channel)
    }
    override func receiveHeader(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
      outcome.fields.append(String(decoding: name, as: UTF8.self) + ": " + String(decoding: value, as: UTF8.self))
    }
    override func receiveHeadersEnd() {
      outcome.headerLists += 1
      headers.succeed()
    }
    override func receiveData(_ bytes: UnsafeRawBufferPointer) {
      outcome.body.writeBytes(bytes)
      if reads { consume(bytes.count) }
    }
    override func closed(_ code: HTTP2Error.Code) {
      super.closed(code)
      headers.succeed()
      end.succeed(outcome)
    }
  }

  private let connection: NIOLoopBound<HTTP2ChannelHandler>
  private let stream: NIOLoopBound<Stream>

  static func open(
    _ address: TransportAddress, path: String, method: String = "POST", contentType: String = "application/grpc",
    extra: [String: String] = [:], reads: Bool = true
  ) async throws -> RawCall {
    let connection = try await Dialer.connect(
      address, group: MultiThreadedEventLoopGroup.singleton, http2Limits: HTTP2Limits(), limits: ConnectionLimits()
    ) {}
    return try await open(connection, path, method, contentType, extra, reads)
  }

  /// Opens another call on the connection of `other`.
  static func open(on other: RawCall, path: String, extra: [String: String] = [:]) async throws -> RawCall {
    try await open(other.connection, path, "POST", "application/grpc", extra, true)
  }

  private static func open(
    _ connection: NIOLoopBound<HTTP2ChannelHandler>, _ path: String, _ method: String, _ contentType: String,
    _ extra: [String: String], _ reads: Bool
  ) async throws -> RawCall {
    try await connection.eventLoop.submit {
      let stream = Stream(channel: connection.value)
      stream.reads = reads
      var headers = HTTP2Headers()
      headers.add(":method", method)
      headers.add(":scheme", "http")
      headers.add(":path", path)
      headers.add(":authority", "test")
      headers.add("te", "trailers")
      headers.add("content-type", contentType)
      for (name, value) in extra { headers.add(name, value) }
      try connection.value.request(stream, headers, body: true)
      return RawCall(connection: connection, stream: NIOLoopBound(stream, eventLoop: connection.eventLoop))
    }.get()
  }

  func send(_ bytes: ByteBuffer, end: Bool = false) async {
    try? await connection.eventLoop.submit {
      stream.value.send(bytes)
      if end { stream.value.finishBody(trailers: false) }
    }.get()
  }

  func untilHeaders() async {
    try? await connection.eventLoop.flatSubmit { stream.value.headers.futureResult }.get()
  }

  /// Returns everything that the server has sent, when the stream has ended.
  func outcome() async -> Outcome {
    (try? await connection.eventLoop.flatSubmit { stream.value.end.futureResult }.get()) ?? Outcome()
  }

  func close() async {
    try? await connection.eventLoop.submit { connection.value.close() }.get()
  }
}
