/// The body of a response as a sequence of pieces, to be read once by one task.
///
/// The boundaries of pieces have no meaning. A server that sends faster than the task reads is paused after a few hundred
/// kilobytes. Cancelling the task, or releasing the body, ends the exchange; a cancelled read throws `CancellationError`.
public struct HTTPBody: AsyncSequence, Sendable {
  /// A piece of the body, never empty.
  public typealias Element = [UInt8]

  let lease: Lease

  /// Ends the exchange when the last reference to it is released.
  final class Lease: Sendable {
    let exchange: Exchange
    let loop: CurlLoop
    /// Method and URL.
    let label: String

    init(_ exchange: Exchange, _ loop: CurlLoop, _ label: String) {
      self.exchange = exchange
      self.loop = loop
      self.label = label
    }

    deinit { loop.submit(.cancel(exchange)) }

    /// Returns the next piece; nil at the end.
    func next() async throws -> [UInt8]? {
      let chunk = await withTaskCancellationHandler {
        await exchange.next { $0.takeChunk() }
      } onCancel: {
        exchange.ended(CancellationError())
        loop.submit(.cancel(exchange))
      }
      switch chunk {
      case .bytes(let bytes, let resume):
        if resume { loop.submit(.resume(exchange)) }
        return bytes
      case .end: return nil
      case .failed(let error): throw error
      }
    }
  }

  /// Reads the pieces.
  public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
    let lease: Lease

    /// Returns the next piece; nil at the end.
    /// - Throws: ``HTTPClientError``; `CancellationError` when the task is cancelled.
    public func next() async throws -> [UInt8]? { try await lease.next() }
  }

  /// Reads the pieces.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }

  /// Returns the whole body.
  /// - Throws: ``HTTPClientError`` with code `tooLarge` when it is larger than `limit` bytes, or another code when the exchange
  ///   fails; `CancellationError` when the task is cancelled.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    var body: [UInt8] = []
    for try await piece in self {
      guard piece.count <= limit - body.count else {
        throw HTTPClientError(
          .tooLarge, "A response is larger than the limit of its request.",
          evidence: "\(lease.label), more than \(limit) bytes",
          hint: "Request less data, or raise the limit of the request")
      }
      body += piece
    }
    return body
  }

  /// Returns the body line by line, as servers write the events of a watch. Lines end with LF, which is not part of them; a last
  /// line without LF is included.
  ///
  /// - Parameter limit: The maximum length of a line in bytes.
  public func lines(upTo limit: Int = 16 << 20) -> HTTPLines { HTTPLines(body: self, limit: limit) }
}

/// The lines of a body.
public struct HTTPLines: AsyncSequence, Sendable {
  /// A line without its end.
  public typealias Element = [UInt8]

  let body: HTTPBody
  let limit: Int

  /// Reads the lines.
  public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
    var pieces: HTTPBody.AsyncIterator
    let limit: Int
    private var buffer: [UInt8] = []
    /// The number of bytes of the buffer that were returned already, and the number known to contain no LF.
    private var taken = 0
    private var searched = 0

    init(_ lines: HTTPLines) {
      pieces = lines.body.makeAsyncIterator()
      limit = lines.limit
    }

    /// Returns the next line; nil at the end.
    /// - Throws: ``HTTPClientError``, with code `tooLarge` for a line longer than the limit; `CancellationError` when the task is
    ///   cancelled.
    public mutating func next() async throws -> [UInt8]? {
      while true {
        if let end = buffer[searched...].firstIndex(of: 0x0a) {
          defer { (taken, searched) = (end + 1, end + 1) }
          return Array(buffer[taken..<end])
        }
        buffer.removeFirst(taken)
        (taken, searched) = (0, buffer.count)
        guard buffer.count <= limit else {
          throw HTTPClientError(
            .tooLarge, "A line of a response is too long.",
            evidence: "\(pieces.lease.label), more than \(limit) bytes")
        }
        guard let piece = try await pieces.next() else {
          defer { (buffer, searched) = ([], 0) }
          return buffer.isEmpty ? nil : buffer
        }
        buffer += piece
      }
    }
  }

  /// Reads the lines.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
