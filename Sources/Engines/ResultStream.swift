import NIOCore

/// A large result that is fetched from its engine while it is sent on, so that it is never in memory as a whole. For one
/// reader.
public struct ResultStream: Sendable {
  /// A piece of the result.
  public struct Piece: Sendable {
    /// The bytes, where they arrived.
    public var bytes: ByteBuffer
    /// Whether no piece follows.
    public var isLast: Bool

    /// A piece.
    public init(bytes: ByteBuffer, isLast: Bool) {
      self.bytes = bytes
      self.isLast = isLast
    }
  }

  private let fetch: @Sendable () async throws -> Piece?

  /// A stream of what `fetch` returns, up to nil.
  public init(_ fetch: @escaping @Sendable () async throws -> Piece?) { self.fetch = fetch }

  /// The next piece; nil after the last.
  /// - Throws: `EngineError` when the engine fails meanwhile.
  public func next() async throws -> Piece? { try await fetch() }
}
