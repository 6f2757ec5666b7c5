import CPlatform
@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Waits for SIGINT or SIGTERM. The second one ends the process at once, for those who do not want to wait.
final class TerminationSignal: Sendable {
  private struct State {
    var received: Int32?
    var waiter: CheckedContinuation<Int32, Never>?
  }

  private let state = Mutex(State())
  private let sources: [any DispatchSourceSignal]

  /// Begins to listen. Signals are handled from here on.
  init() {
    platform_reset_signals()
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for (source, number) in zip(sources, [SIGINT, SIGTERM]) {
      source.setEventHandler { [weak self] in self?.receive(number) }
      source.activate()
    }
  }

  /// Acts as if the signal had come from outside.
  func raise(_ number: Int32) { receive(number) }

  private func receive(_ number: Int32) {
    let waiter = state.withLock { state in
      if state.received != nil { _exit(128 + number) }
      state.received = number
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: number)
  }

  /// Suspends until the first signal and returns its number.
  func wait() async -> Int32 {
    await withCheckedContinuation { continuation in
      let received = state.withLock { state in
        if state.received == nil { state.waiter = continuation }
        return state.received
      }
      if let received { continuation.resume(returning: received) }
    }
  }
}
