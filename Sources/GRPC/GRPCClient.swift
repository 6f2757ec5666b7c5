import NIOCore
import NIOPosix
import Transport

/// A gRPC client: one connection to one server. When the connection is lost, calls under way fail with UNAVAILABLE and
/// the next call connects again.
public final class GRPCClient: Sendable {
  private let connector: Connector
  private let limits: ClientLimits
  private let budget: MessageBudget

  /// A client that connects with its first call.
  ///
  /// - Parameter tls: puts TLS on a channel before it connects; runs on its event loop. nil: connections are plain.
  public init(
    to address: TransportAddress, limits: ClientLimits = ClientLimits(),
    tls: (@Sendable (any Channel) throws -> Void)? = nil,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    connector = Connector(address: address, limits: limits, tls: tls, group: group)
    self.limits = limits
    budget = MessageBudget(bytes: limits.messageBudgetBytes)
  }

  /// A client that is connected.
  ///
  /// - Parameter tls: puts TLS on a channel before it connects; runs on its event loop. nil: connections are plain.
  /// - Throws: UNAVAILABLE when the server cannot be reached.
  public static func connect(
    to address: TransportAddress, limits: ClientLimits = ClientLimits(),
    tls: (@Sendable (any Channel) throws -> Void)? = nil,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) async throws -> GRPCClient {
    let client = GRPCClient(to: address, limits: limits, tls: tls, group: group)
    _ = try await client.connector.connection()
    return client
  }

  // MARK: Calls

  /// One request, one response.
  ///
  /// - Parameter path: `/package.Service/Method`.
  /// - Throws: the call's `GRPCStatus`. When the surrounding task is cancelled, so is the call.
  public func unary<Request, Response>(
    _ path: String, _ request: Request, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> Response {
    let call = try await open(path, options, request: encode(request))
    return try await single(call, decode)
  }

  /// One request, one response, with the metadata of the response.
  public func unaryResponse<Request, Response>(
    _ path: String, _ request: Request, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> SingleResponse<Response> {
    let call = try await open(path, options, request: encode(request))
    let message = try await single(call, decode)
    return await SingleResponse(
      message: message, initialMetadata: call.initialMetadata(), trailingMetadata: call.trailingMetadata())
  }

  /// One request, many responses.
  public func serverStreaming<Request, Response>(
    _ path: String, _ request: Request, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> ResponseStream<Response> {
    ResponseStream(decode: decode, call: try await open(path, options, request: encode(request)))
  }

  /// Many requests, one response. The call is finished when `produce` returns and cancelled when it throws.
  public func clientStreaming<Request, Response>(
    _ path: String, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions(), produce: (RequestWriter<Request>) async throws -> Void
  ) async throws -> Response {
    let call = try await open(path, options, request: nil)
    do {
      try await produce(RequestWriter(encode: encode, call: call))
    } catch let status as GRPCStatus where status.code == .ok {
      // The server has answered without waiting for the rest.
    } catch {
      call.cancel()
      throw error
    }
    call.finishSending()
    return try await single(call, decode)
  }

  /// Many requests, many responses.
  public func bidirectional<Request, Response>(
    _ path: String, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> (requests: RequestWriter<Request>, responses: ResponseStream<Response>) {
    let call = try await open(path, options, request: nil)
    return (RequestWriter(encode: encode, call: call), ResponseStream(decode: decode, call: call))
  }

  private func single<Response>(_ call: CallHandle, _ decode: MessageDecoder<Response>) async throws -> Response {
    guard let bytes = try await call.next() else {
      throw GRPCStatus(.unimplemented, "The server answered OK without a message")
    }
    guard try await call.next() == nil else {
      throw GRPCStatus(.unimplemented, "The server sent more than one message")
    }
    return try decode(bytes)
  }

  /// Starts a call; with a request, also sends it as the only one.
  private func open(_ path: String, _ options: CallOptions, request: EncodedMessage?) async throws -> CallHandle {
    // A connection may have got its GOAWAY just now; one that gets it at once every time belongs to no healthy server.
    for _ in 0..<3 {
      let connection = try await connector.connection()
      if let call = try await start(path, options, request, connection) { return call }
      connector.forget(connection)
    }
    throw GRPCStatus(.unavailable, "The server ends every connection at once")
  }

  /// nil: the connection takes no more calls.
  private func start(
    _ path: String, _ options: CallOptions, _ request: EncodedMessage?, _ connection: Connector.Connection
  ) async throws -> CallHandle? {
    let (budget, limits, authority) = (budget, limits, connector.authority)
    return try await connection.handler.eventLoop.submit {
      let handler = connection.handler.value
      guard handler.isUsable else { return nil }
      let call = ClientCall(channel: handler, budget: budget, limits: limits)
      call.start(path: path, authority: authority, options: options)
      if let request {
        call.gate.take(request.count)
        call.sendRequest(request)
        call.finishSending()
      }
      return CallHandle(call)
    }.get()
  }

  /// Closes the connection; calls under way end with UNAVAILABLE, and no new ones can be made.
  public func close() async {
    await connector.close()
  }
}
