import Logging
import Synchronization

/// Says why handshakes fail, but never more than a few times a second: whoever can connect can fail as often as he likes.
final class RefusalLog: Sendable {
  private let logger: Logger
  private let budget = Mutex(LogBudget())

  init(_ logger: Logger) { self.logger = logger }

  func note(_ error: TLSError, peer: String) {
    guard let unsaid = budget.withLock({ $0.take(at: .now) }) else { return }
    var metadata: Logger.Metadata = ["peer": "\(peer)"]
    if unsaid > 0 { metadata["more_before"] = "\(unsaid)" }
    logger.warning("a TLS connection is refused: \(error)", metadata: metadata)
  }
}

/// So many lines at once, then one a second. A pure value: time comes in.
struct LogBudget {
  static let burst = 20
  private var lines = Double(burst)
  private var last: ContinuousClock.Instant?
  private var unsaid = 0

  /// Takes a line. Returns how many were not said since the last one that was; nil: this one must not be said either.
  mutating func take(at now: ContinuousClock.Instant) -> Int? {
    if let last { lines = min(Double(Self.burst), lines + max(0, (now - last) / .seconds(1))) }
    last = now
    guard lines >= 1 else {
      unsaid += 1
      return nil
    }
    lines -= 1
    defer { unsaid = 0 }
    return unsaid
  }
}
