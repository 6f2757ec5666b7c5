import Logging
import Synchronization

/// Logs why handshakes fail, limited to a few lines per second, because any peer that can connect can fail at any rate.
final class RefusalLog: Sendable {
  private let logger: Logger
  private let budget = Mutex(LogBudget())

  init(_ logger: Logger) { self.logger = logger }

  func note(_ error: TLSError, peer: String) {
    guard let unsaid = budget.withLock({ $0.take(at: .now) }) else { return }
    var metadata: Logger.Metadata = ["peer": "\(peer)"]
    if unsaid > 0 { metadata["more_before"] = "\(unsaid)" }
    logger.warning("rejected a TLS connection: \(error)", metadata: metadata)
  }
}

/// A rate limit of log lines: a burst, then one per second. A pure value; the time is a parameter.
struct LogBudget {
  static let burst = 20
  private var lines = Double(burst)
  private var last: ContinuousClock.Instant?
  private var unsaid = 0

  /// Takes one line. Returns the number of lines suppressed since the last one; nil if this line must be suppressed too.
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
