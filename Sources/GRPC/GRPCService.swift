import NIOCore

/// The methods of one gRPC service, with their handlers, decoders and encoders.
///
/// A handler runs on the event loop of its connection, from start to end: a call does not switch threads. A handler that blocks
/// or computes for long must move that work elsewhere (`Task.detached`, a thread pool). Handlers throw `GRPCStatus`; any other
/// error that is not `GRPCStatusConvertible` is sent to the client as UNKNOWN, without its text.
public struct GRPCService: Sendable {
  /// The full name, such as `gs.rpc.CoordinatorService`.
  public let name: String
  private(set) var methods: [RegisteredMethod] = []
  /// The maximum message size, in bytes, of the methods added afterwards, if it is less than that of the server. A longer message
  /// ends its call with RESOURCE_EXHAUSTED before it is received or, if it is compressed, before it is decompressed.
  public var maxRequestBytes = Int.max

  /// Creates a service without methods: all calls fail with UNIMPLEMENTED.
  public init(name: String) { self.name = name }

  /// Adds a method with one request and one response whose handler is called directly on the event loop, without a task. Intended
  /// for handlers that take microseconds.
  public mutating func synchronousUnary<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (Request, ServerContext) throws -> Response
  ) {
    register(method, .synchronous { bytes, context in try encode(handler(decode(bytes), context)) })
  }

  /// Adds a method with one request and one response.
  public mutating func unary<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) {
    register(method, .unary { bytes, context in try encode(await handler(decode(bytes), context)) })
  }

  /// Adds a method with one request and a stream of responses.
  public mutating func serverStreaming<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (Request, ResponseWriter<Response>, ServerContext) async throws -> Void
  ) {
    register(
      method,
      .serverStreaming { bytes, sink, context in
        try await handler(decode(bytes), ResponseWriter(encode: encode, sink: sink), context)
      })
  }

  /// Adds a method with a stream of requests and one response.
  public mutating func clientStreaming<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (RequestStream<Request>, ServerContext) async throws -> Response
  ) {
    register(
      method,
      .streaming { source, sink, context in
        let response = try await handler(RequestStream(decode: decode, source: source), context)
        try await sink.send(encode(response))
      })
  }

  /// Adds a method with a stream of requests and a stream of responses, interleaved in any way.
  public mutating func bidirectional<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (RequestStream<Request>, ResponseWriter<Response>, ServerContext) async throws -> Void
  ) {
    register(
      method,
      .streaming { source, sink, context in
        try await handler(
          RequestStream(decode: decode, source: source), ResponseWriter(encode: encode, sink: sink), context)
      })
  }

  private mutating func register(_ method: String, _ handler: MethodHandler) {
    methods.append(RegisteredMethod(path: "/\(name)/\(method)", maxRequestBytes: maxRequestBytes, handler: handler))
  }
}

/// The handler of a method, with its message types erased. Four forms cover the four kinds of calls.
enum MethodHandler: Sendable {
  case synchronous(@Sendable (ByteBuffer, ServerContext) throws -> EncodedMessage)
  case unary(@Sendable (ByteBuffer, ServerContext) async throws -> EncodedMessage)
  case serverStreaming(@Sendable (ByteBuffer, ResponseSink, ServerContext) async throws -> Void)
  case streaming(@Sendable (RequestSource, ResponseSink, ServerContext) async throws -> Void)
}

/// A method with its path.
final class RegisteredMethod: Sendable {
  let path: String
  let pathBytes: [UInt8]
  let maxRequestBytes: Int
  let handler: MethodHandler

  init(path: String, maxRequestBytes: Int, handler: MethodHandler) {
    self.path = path
    self.maxRequestBytes = maxRequestBytes
    pathBytes = Array(path.utf8)
    self.handler = handler
  }
}

/// Looks up methods by the bytes of their path without creating strings or hashes: by length, then by comparison.
struct MethodTable: Sendable {
  private var byLength: [[RegisteredMethod]] = []

  /// Builds the table. If a path is registered twice, the last method is used.
  init(_ services: [GRPCService]) {
    for method in services.flatMap(\.methods) {
      let length = method.pathBytes.count
      while byLength.count <= length { byLength.append([]) }
      byLength[length].removeAll { $0.pathBytes == method.pathBytes }
      byLength[length].append(method)
    }
  }

  func find(_ path: UnsafeBufferPointer<UInt8>) -> RegisteredMethod? {
    guard path.count < byLength.count else { return nil }
    return byLength[path.count].first { method in
      method.pathBytes.withUnsafeBufferPointer { $0.elementsEqual(path) }
    }
  }
}
