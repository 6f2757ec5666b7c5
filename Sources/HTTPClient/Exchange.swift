import Synchronization

/// The state that the two sides of an exchange share: curl's thread adds what arrives, one task removes it.
final class Exchange: Sendable {
  private struct Shared {
    var state = TransferState()
    /// Counts events, so that a task does not wait for an event that has just happened.
    var events = 0
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let shared = Mutex(Shared())

  func receivedHead(_ head: HTTPResponseHead) { signal { $0.receivedHead(head) } }

  func received(_ bytes: UnsafeRawBufferPointer) -> TransferState.Receipt { signal { $0.received(bytes) } }

  func ended(_ error: (any Error)?) { signal { $0.ended(error) } }

  private func signal<R>(_ event: (inout TransferState) -> R) -> R {
    let (result, waiter) = shared.withLock { shared in
      let result = event(&shared.state)
      shared.events += 1
      defer { shared.waiter = nil }
      return (result, shared.waiter)
    }
    waiter?.resume()
    return result
  }

  /// Waits until `take` returns a value. Only one task may wait at a time.
  func next<T: Sendable>(_ take: @Sendable (inout TransferState) -> T?) async -> T {
    while true {
      let (found, seen) = shared.withLock { (take(&$0.state), $0.events) }
      if let found { return found }
      await withCheckedContinuation { continuation in
        let isLate = shared.withLock { shared in
          guard shared.events == seen else { return true }
          precondition(shared.waiter == nil, "two tasks read the same body")
          shared.waiter = continuation
          return false
        }
        if isLate { continuation.resume() }
      }
    }
  }
}
