import Synchronization

/// Delays the producers of one stream while its peer does not read.
///
/// A producer enters with the size of its message before queuing it; framed bytes leave. A producer that finds at least the high
/// watermark of bytes waits until they have fallen to half of it. At most the watermark plus one message per producer is
/// therefore queued.
final class OutboundGate: Sendable {
  private struct State {
    var waitingBytes = 0
    var producers: [(ticket: UInt64, bytes: Int, continuation: CheckedContinuation<Void, any Error>)] = []
    var nextTicket: UInt64 = 0
    var closed: GRPCStatus?
  }
  private let state = Mutex(State())
  private let high: Int

  init(highWatermark: Int) { high = highWatermark }

  /// The number of waiting producers.
  var waitingProducers: Int { state.withLock { $0.producers.count } }

  /// Adds bytes, after waiting for room.
  ///
  /// - Throws: the status with which the gate was closed; `CancellationError` if the producer's task is cancelled.
  func enter(_ bytes: Int) async throws {
    let ticket: UInt64? = try state.withLock { state in
      if let closed = state.closed { throw closed }
      if state.producers.isEmpty && state.waitingBytes < high {
        state.waitingBytes += bytes
        return nil
      }
      state.nextTicket += 1
      return state.nextTicket
    }
    guard let ticket else { return }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        wait(ticket, bytes, continuation)
      }
    } onCancel: {
      cancel(ticket)
    }
  }

  /// Adds bytes without waiting.
  func take(_ bytes: Int) {
    state.withLock { $0.waitingBytes += bytes }
  }

  private func wait(_ ticket: UInt64, _ bytes: Int, _ continuation: CheckedContinuation<Void, any Error>) {
    let outcome: Result<Void, any Error>? = state.withLock { state in
      if let closed = state.closed { return .failure(closed) }
      if Task.isCancelled { return .failure(CancellationError()) }
      if state.producers.isEmpty && state.waitingBytes < high {
        state.waitingBytes += bytes
        return .success(())
      }
      state.producers.append((ticket, bytes, continuation))
      return nil
    }
    if let outcome { continuation.resume(with: outcome) }
  }

  private func cancel(_ ticket: UInt64) {
    let continuation = state.withLock { state in
      state.producers.firstIndex { $0.ticket == ticket }.map { state.producers.remove(at: $0).continuation }
    }
    continuation?.resume(throwing: CancellationError())
  }

  /// Removes bytes that were framed.
  func leave(_ bytes: Int) {
    let ready = state.withLock { state in
      state.waitingBytes -= bytes
      var ready: [CheckedContinuation<Void, any Error>] = []
      while state.waitingBytes <= high / 2, !state.producers.isEmpty {
        let producer = state.producers.removeFirst()
        state.waitingBytes += producer.bytes
        ready.append(producer.continuation)
      }
      return ready
    }
    for continuation in ready { continuation.resume() }
  }

  /// Closes the gate at the end of the stream: all waiting and later producers fail with the status.
  func close(_ status: GRPCStatus) {
    let producers = state.withLock { state in
      if state.closed == nil { state.closed = status }
      defer { state.producers = [] }
      return state.producers
    }
    for producer in producers { producer.continuation.resume(throwing: status) }
  }
}
