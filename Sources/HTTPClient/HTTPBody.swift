/// The body of an answer, piece by piece, to be read once by one task.
///
/// Pieces have no meaningful boundaries. A server that sends faster than the task reads is stopped after some hundred
/// kilobytes. Cancelling the task, and dropping the body, end the exchange; a cancelled read throws `CancellationError`.
public struct HTTPBody: AsyncSequence, Sendable {
  /// A piece of the body, never empty.
  public typealias Element = [UInt8]

  let lease: Lease

  /// Ends the exchange when nobody holds it any more.
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

    /// The next piece, nil at the end.
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

    /// The next piece, nil at the end.
    public func next() async throws -> [UInt8]? { try await lease.next() }
  }

  /// Reads the pieces.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }

  /// The whole body, if it is not larger than `limit` bytes.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    var body: [UInt8] = []
    for try await piece in self {
      guard piece.count <= limit - body.count else {
        throw HTTPClientError(
          .tooLarge, "An answer is larger than allowed.", evidence: "\(lease.label), more than \(limit) bytes",
          hint: "Ask for less, or raise the limit of the request")
      }
      body += piece
    }
    return body
  }

  /// The body line by line, as servers write events of a watch. Lines end with LF, which is not part of them; a last
  /// line without one counts too.
  ///
  /// - Parameter limit: bound on the length of a line in bytes.
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
    /// Bytes of the buffer that are read already, and those that hold no LF.
    private var taken = 0
    private var searched = 0

    init(_ lines: HTTPLines) {
      pieces = lines.body.makeAsyncIterator()
      limit = lines.limit
    }

    /// The next line, nil at the end.
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
            .tooLarge, "A line of an answer is too long.",
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
