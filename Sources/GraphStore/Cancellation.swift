import Synchronization

/// A flag that tells a running job to stop. Jobs look at it once per chunk of work.
public final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// A flag that is not raised.
  public init() {}

  /// Raises the flag; it is never lowered again.
  public func cancel() { flag.store(true, ordering: .relaxed) }

  /// Whether the flag has been raised.
  public var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// Throws `CancellationError` once the flag has been raised.
  public func check() throws {
    if isCancelled { throw CancellationError() }
  }
}
