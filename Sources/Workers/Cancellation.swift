import Synchronization

/// A flag that asks a running job to stop. Jobs check it once per chunk of work.
public final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Creates a flag that is not raised.
  public init() {}

  /// Raises the flag. It is never lowered again.
  public func cancel() { flag.store(true, ordering: .relaxed) }

  /// Whether the flag has been raised.
  public var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// Throws `CancellationError` if the flag has been raised.
  public func check() throws {
    if isCancelled { throw CancellationError() }
  }
}
