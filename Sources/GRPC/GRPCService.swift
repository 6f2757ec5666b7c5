import NIOCore

/// The methods of one gRPC service, each with the code that decodes, handles and encodes it.
///
/// A handler runs on the event loop of its connection, from its start to its end: a call costs no change of threads, and
/// one that computes for long or blocks must leave the loop for that (`Task.detached`, a pool of its own). Handlers throw `GRPCStatus`; any other error that is
/// not `GRPCStatusConvertible` reaches the client as UNKNOWN without its text.
public struct GRPCService: Sendable {
  /// The full name, such as `gs.rpc.CoordinatorService`.
  public let name: String
  private(set) var methods: [RegisteredMethod] = []

  /// A service without methods: they all answer UNIMPLEMENTED.
  public init(name: String) { self.name = name }

  /// One request, one response, answered at once on the event loop: no task is made. For handlers of microseconds.
  public mutating func synchronousUnary<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (Request, ServerContext) throws -> Response
  ) {
    register(method, .synchronous { bytes, context in try encode(handler(decode(bytes), context)) })
  }

  /// One request, one response.
  public mutating func unary<Request, Response>(
    _ method: String, decode: MessageDecoder<Request>, encode: MessageEncoder<Response>,
    handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) {
    register(method, .unary { bytes, context in try encode(await handler(decode(bytes), context)) })
  }

  /// One request, many responses.
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

  /// Many requests, one response.
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

  /// Many requests, many responses, in any interleaving.
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
    methods.append(RegisteredMethod(path: "/\(name)/\(method)", handler: handler))
  }
}

/// The code behind a method, with its message types erased. Four forms are enough for the four kinds of calls.
enum MethodHandler: Sendable {
  case synchronous(@Sendable (ByteBuffer, ServerContext) throws -> EncodedMessage)
  case unary(@Sendable (ByteBuffer, ServerContext) async throws -> EncodedMessage)
  case serverStreaming(@Sendable (ByteBuffer, ResponseSink, ServerContext) async throws -> Void)
  case streaming(@Sendable (RequestSource, ResponseSink, ServerContext) async throws -> Void)
}

/// A method and its path.
final class RegisteredMethod: Sendable {
  let path: String
  let pathBytes: [UInt8]
  let handler: MethodHandler

  init(path: String, handler: MethodHandler) {
    self.path = path
    pathBytes = Array(path.utf8)
    self.handler = handler
  }
}

/// Finds methods by the bytes of their path, without making a string or a hash: by length, then by comparison.
struct MethodTable: Sendable {
  private var byLength: [[RegisteredMethod]] = []

  /// A path that is registered twice keeps its last method.
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
