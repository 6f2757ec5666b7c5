/// A large result that is fetched from its engine in pieces while it is sent, so that it is never in memory as a whole. Supports
/// one reader.
public struct ResultStream: Sendable {
  /// A piece of the result.
  public struct Piece: Sendable {
    /// The bytes, in the buffer that received them.
    public var bytes: any ResultBytes
    /// Whether this is the last piece.
    public var isLast: Bool

    /// Creates a piece.
    public init(bytes: any ResultBytes, isLast: Bool) {
      self.bytes = bytes
      self.isLast = isLast
    }
  }

  private let fetch: @Sendable () async throws -> Piece?

  /// Creates a stream of the pieces that `fetch` returns, until it returns nil.
  public init(_ fetch: @escaping @Sendable () async throws -> Piece?) { self.fetch = fetch }

  /// Returns the next piece; nil after the last.
  /// - Throws: `EngineError` when the engine fails.
  public func next() async throws -> Piece? { try await fetch() }
}

/// Bytes that stay in the buffer in which an engine received them.
public protocol ResultBytes: Sendable {
  /// The buffer that holds the bytes. An endpoint that knows its type sends it without a copy; others copy the bytes.
  var buffer: any Sendable { get }

  /// The number of bytes.
  var byteCount: Int { get }

  /// Calls `body` with the bytes.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
}
