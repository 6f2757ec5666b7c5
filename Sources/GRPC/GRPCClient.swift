import NIOCore
import NIOPosix
import Transport

/// A gRPC client: one connection to one server. If the connection is lost, calls in progress fail with UNAVAILABLE and the next
/// call reconnects. Calls with a single request that the server has not begun, because it was shutting down or at its limit of
/// streams, are made again.
public final class GRPCClient: Sendable {
  private let connector: Connector
  private let limits: ClientLimits
  private let budget: MessageBudget

  /// Creates a client that connects with its first call.
  ///
  /// - Parameter tls: adds TLS to a channel before it connects; runs on its event loop. nil: no TLS.
  public init(
    to address: TransportAddress, limits: ClientLimits = ClientLimits(),
    tls: (@Sendable (any Channel) throws -> Void)? = nil,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    connector = Connector(address: address, limits: limits, tls: tls, group: group)
    self.limits = limits
    budget = MessageBudget(bytes: limits.messageBudgetBytes)
  }

  /// Creates a client and connects it.
  ///
  /// - Parameter tls: adds TLS to a channel before it connects; runs on its event loop. nil: no TLS.
  /// - Throws: UNAVAILABLE if the server cannot be reached.
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

  /// Makes a call with one request and one response, and returns the response.
  ///
  /// - Parameter path: `/package.Service/Method`.
  /// - Throws: the call's `GRPCStatus`. If the surrounding task is cancelled, so is the call.
  public func unary<Request, Response>(
    _ path: String, _ request: Request, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> Response {
    let call = try await open(path, options, request: encode(request))
    return try await single(call, decode)
  }

  /// Makes a call with one request and one response, and returns the response with its metadata. See `unary`.
  public func unaryResponse<Request, Response>(
    _ path: String, _ request: Request, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> SingleResponse<Response> {
    let call = try await open(path, options, request: encode(request))
    let message = try await single(call, decode)
    return await SingleResponse(
      message: message, initialMetadata: call.initialMetadata(), trailingMetadata: call.trailingMetadata())
  }

  /// Makes a call with one request and a stream of responses.
  public func serverStreaming<Request, Response>(
    _ path: String, _ request: Request, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions()
  ) async throws -> ResponseStream<Response> {
    ResponseStream(decode: decode, call: try await open(path, options, request: encode(request)))
  }

  /// Makes a call with a stream of requests and one response. The requests end when `produce` returns; the call is cancelled if
  /// it throws.
  public func clientStreaming<Request, Response>(
    _ path: String, encode: MessageEncoder<Request>, decode: MessageDecoder<Response>,
    options: CallOptions = CallOptions(), produce: (RequestWriter<Request>) async throws -> Void
  ) async throws -> Response {
    let call = try await open(path, options, request: nil)
    do {
      try await produce(RequestWriter(encode: encode, call: call))
    } catch let status as GRPCStatus where status.code == .ok {
      // The server has responded without waiting for the remaining requests.
    } catch {
      call.cancel()
      throw error
    }
    call.finishSending()
    return try await single(call, decode)
  }

  /// Makes a call with a stream of requests and a stream of responses.
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

  /// Starts a call. If `plain` is given, sends it as the only request.
  private func open(_ path: String, _ options: CallOptions, request plain: EncodedMessage?) async throws -> CallHandle {
    let request = options.compressesRequests ? await plain?.compressedIfWorthIt() : plain
    let deadline = options.timeout.map { ContinuousClock.now + $0 }
    let begin: CallHandle.Begin = { try await self.begin(path, options, request, by: deadline) }
    return CallHandle(
      try await begin(), compresses: options.compressesRequests, beginAgain: request == nil ? nil : begin)
  }

  private func begin(
    _ path: String, _ options: CallOptions, _ request: EncodedMessage?, by deadline: ContinuousClock.Instant?
  ) async throws -> BegunCall {
    // The connection may just have received GOAWAY. A server that sends GOAWAY at once on every connection is not healthy.
    for _ in 0..<3 {
      let connection = try await connector.connection(by: deadline, isPatient: options.waitsForReady)
      var options = options
      options.timeout = deadline.map { ContinuousClock.now.duration(to: $0) }
      if let call = try await start(path, options, request, connection) { return call }
      connector.forget(connection)
    }
    throw GRPCStatus(.unavailable, "The server closes every connection immediately")
  }

  /// Starts a call on a connection. Returns nil if the connection accepts no more calls.
  private func start(
    _ path: String, _ options: CallOptions, _ request: EncodedMessage?, _ connection: Connector.Connection
  ) async throws -> BegunCall? {
    let (budget, limits, scheme, authority) = (budget, limits, connector.scheme, connector.authority)
    return try await connection.handler.eventLoop.submit {
      let handler = connection.handler.value
      guard handler.isUsable else { return nil }
      let call = ClientCall(channel: handler, budget: budget, limits: limits)
      call.start(path: path, scheme: scheme, authority: authority, options: options)
      if let request {
        call.gate.take(request.count)
        call.sendRequest(request)
        call.finishSending()
      }
      return BegunCall(call)
    }.get()
  }

  /// Closes the connection. Calls in progress end with UNAVAILABLE; no new calls can be made.
  public func close() async {
    await connector.close()
  }
}
