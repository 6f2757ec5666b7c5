/// How a client connects to servers.
public struct HTTPClientConfiguration: Sendable {
  /// Time for name resolution, connecting and the TLS handshake.
  public var connectTimeout = Duration.seconds(10)
  /// The maximum number of requests open at the same time, including streams. Requests beyond it fail at once.
  public var maximumOpenRequests = 256
  /// Path of a Unix socket, at most 107 bytes, to connect to instead of the host and port of each URL.
  public var unixSocket: String?
  /// Which servers to trust and how the client authenticates.
  public var tls = TLS()

  /// TLS options. Files are PEM.
  public struct TLS: Sendable {
    /// Certificates of the authorities to trust; nil for those of the system.
    public var authorityFile: String?
    /// The client's certificate.
    public var certificateFile: String?
    /// The private key of the client's certificate.
    public var keyFile: String?
    /// Whether to verify the server's certificate. Turn off in tests only.
    public var verifiesServer = true

    /// Creates options that trust the system's authorities and use no client certificate.
    public init() {}
  }

  /// Creates the default configuration.
  public init() {}
}

/// An HTTP client based on libcurl: one thread for any number of exchanges, with connections reused between requests.
///
/// It uses HTTP/1.1, so that a slowly read stream has a connection of its own and blocks no other request. It follows no
/// redirects and uses no proxy. Keep a reference to the client while its streams are read.
public final class HTTPClient: Sendable {
  private let loop: CurlLoop

  /// Creates a client with a thread of its own.
  ///
  /// - Throws: ``HTTPClientError`` when the library or the thread cannot be started.
  public init(_ configuration: HTTPClientConfiguration = HTTPClientConfiguration()) throws(HTTPClientError) {
    loop = try CurlLoop(configuration)
  }

  deinit { loop.stop() }

  /// Ends all exchanges with ``HTTPClientError/Code/closed`` and stops the thread.
  public func close() { loop.stop() }

  /// Sends a request and returns the complete response.
  ///
  /// - Throws: ``HTTPClientError``; `CancellationError` when the task is cancelled.
  public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let stream = try await stream(request)
    return HTTPResponse(head: stream.head, body: try await stream.body.collect(upTo: request.maximumBodyByteCount))
  }

  /// Sends a request and returns as soon as the header of the response has arrived.
  ///
  /// - Throws: ``HTTPClientError``; `CancellationError` when the task is cancelled.
  public func stream(_ request: HTTPRequest) async throws -> HTTPStream {
    try Task.checkCancellation()
    let exchange = Exchange()
    loop.submit(.start(request, exchange))
    let body = HTTPBody(lease: HTTPBody.Lease(exchange, loop, request.label))
    let head = await withTaskCancellationHandler {
      await exchange.next { $0.takeHead() }
    } onCancel: {
      exchange.ended(CancellationError())
      loop.submit(.cancel(exchange))
    }
    return HTTPStream(head: try head.get(), body: body)
  }
}
