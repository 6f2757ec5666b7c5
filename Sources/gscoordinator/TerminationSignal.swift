import CPlatform
@preconcurrency import Dispatch
import Glibc
import ServerConfiguration
import Synchronization

/// Waits for SIGINT or SIGTERM, which must be blocked: see `platform_hold_terminations`. A second signal ends the process at
/// once.
final class TerminationSignal: Sendable {
  private struct State {
    var received: Int32?
    var waiter: CheckedContinuation<Int32, Never>?
  }

  private let state = Mutex(State())
  private let source: any DispatchSourceRead

  /// Begins to listen; includes signals that arrived since they were blocked.
  /// - Throws: `ConfigurationError` when the process has no descriptor left.
  init() throws {
    signal(SIGPIPE, SIG_IGN)
    let descriptor = platform_termination_descriptor()
    guard descriptor >= 0 else {
      throw ConfigurationError("cannot listen for signals: \(String(cString: strerror(errno)))")
    }
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
    source.setEventHandler { [weak self] in
      let number = platform_read_termination(descriptor)
      if number != 0 { self?.receive(number) }
    }
    source.activate()
  }

  /// Ends the process in the way of a signal. Does nothing after the first signal.
  func raise(_ number: Int32) {
    guard state.withLock({ $0.received == nil }) else { return }
    receive(number)
  }

  private func receive(_ number: Int32) {
    let waiter = state.withLock { state in
      if state.received != nil { _exit(128 + number) }
      state.received = number
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: number)
  }

  /// Suspends until the first signal, and returns its number.
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
