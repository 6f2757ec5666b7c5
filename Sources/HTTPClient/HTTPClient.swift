/// How a client connects.
public struct HTTPClientConfiguration: Sendable {
  /// Time for resolving the name, connecting and the TLS handshake.
  public var connectTimeout = Duration.seconds(10)
  /// Requests open at the same time, streams included. Beyond it requests fail at once.
  public var maximumOpenRequests = 256
  /// Path of a Unix socket to connect to, whatever the host and port of a request's URL; at most 107 bytes.
  public var unixSocket: String?
  /// How servers are trusted and how the client shows who it is.
  public var tls = TLS()

  /// TLS options. Files are PEM.
  public struct TLS: Sendable {
    /// Certificates of the authorities to trust; those of the system if nil.
    public var authorityFile: String?
    /// The client's certificate.
    public var certificateFile: String?
    /// The key of the client's certificate.
    public var keyFile: String?
    /// Whether the server must prove who it is. Off only for tests.
    public var verifiesServer = true

    /// The system's authorities and no certificate.
    public init() {}
  }

  /// The defaults.
  public init() {}
}

/// An HTTP client on libcurl: one thread, any number of exchanges, connections kept for the next request.
///
/// It speaks HTTP/1.1, so that a stream whose reader is slow has a connection of its own and stops nobody else. It
/// follows no redirects and uses no proxy. Keep the client for as long as its streams are read.
public final class HTTPClient: Sendable {
  private let loop: CurlLoop

  /// A client with a thread of its own.
  ///
  /// - Throws: ``HTTPClientError`` when the library or the thread cannot be started.
  public init(_ configuration: HTTPClientConfiguration = HTTPClientConfiguration()) throws(HTTPClientError) {
    loop = try CurlLoop(configuration)
  }

  deinit { loop.stop() }

  /// Ends all exchanges with ``HTTPClientError/Code/closed`` and stops the thread.
  public func close() { loop.stop() }

  /// Sends a request and reads the whole answer.
  ///
  /// - Throws: ``HTTPClientError``, or `CancellationError` when the task is cancelled.
  public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let stream = try await stream(request)
    return HTTPResponse(head: stream.head, body: try await stream.body.collect(upTo: request.maximumBodyByteCount))
  }

  /// Sends a request and returns as soon as the header of the answer is there.
  ///
  /// - Throws: ``HTTPClientError``, or `CancellationError` when the task is cancelled.
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
