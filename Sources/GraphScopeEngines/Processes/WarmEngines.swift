import Engines
import Synchronization

/// Sets of engines, each an object store and an analytical engine with one worker, that are started before a session requests
/// them. A set is unused when it is handed out, and is never reused after its session.
final class WarmEngines: Sendable {
  /// Starts the set with a name and returns when it is ready.
  typealias Start = @Sendable (_ name: String) async throws -> SessionProcesses
  /// Returns whether a set answers.
  typealias Probe = @Sendable (SessionProcesses) async -> Bool
  /// Receives a line about what happened.
  typealias Report = GraphScopeEngineFactory.Ahead.Report

  private struct State {
    var stock: WarmStock<SessionProcesses>
    var nextNumber = 1
    /// Stored, because it belongs to the factory, which has no call that lasts as long: `end` cancels it and waits for its end.
    var refilling: Task<Void, Never>?
  }

  private let state: Mutex<State>
  private let wishes: (stream: AsyncStream<Void>, source: AsyncStream<Void>.Continuation)
  private let start: Start
  private let probe: Probe
  private let report: Report

  /// Creates an empty pool.
  /// - Parameters:
  ///   - size: The number of sets to keep waiting.
  ///   - report: Receives lines about what happened.
  init(
    size: Int, start: @escaping Start,
    probe: @escaping Probe = { await EngineConnection.answers("127.0.0.1", $0.enginePort) },
    report: @escaping Report
  ) {
    state = Mutex(State(stock: WarmStock(size: size)))
    let (stream, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    wishes = (stream, source)
    (self.start, self.probe, self.report) = (start, probe, report)
  }

  /// The number of waiting sets.
  var count: Int { state.withLock { $0.stock.count } }

  /// Begins to start sets, one after the other.
  func begin() {
    let task = Task { await refill() }
    state.withLock { $0.refilling = task }
    wishes.source.yield()
  }

  /// Returns a set that answers, for a session of one worker; nil if there is none. The caller owns the set and must end it.
  func take() async -> SessionProcesses? {
    while let set = state.withLock({ $0.stock.take() }) {
      wishes.source.yield()
      if set.failure == nil, await probe(set) {
        state.withLock { $0.stock.served() }
        return set
      }
      report("engines that were started ahead do not answer and are being replaced", true)
      await discard(set)
    }
    return nil
  }

  /// Ends all waiting sets and starts no more.
  func end() async {
    let (task, sets) = state.withLock { ($0.refilling, $0.stock.close()) }
    wishes.source.finish()
    task?.cancel()
    for set in sets { await discard(set) }
    await task?.value
  }

  private func refill() async {
    for await _ in wishes.stream {
      while let pause = state.withLock({ $0.stock.pause }), !Task.isCancelled {
        do { try await startOne(after: pause) } catch is CancellationError { return } catch {
          state.withLock { $0.stock.failed() }
          report("engines could not be started ahead: \(error)", true)
        }
      }
    }
  }

  private func startOne(after pause: Duration) async throws {
    if pause > .zero { try await Task.sleep(for: pause) }
    let number = state.withLock { state in
      defer { state.nextNumber += 1 }
      return state.nextNumber
    }
    let set = try await start("warm-\(number)")
    guard state.withLock({ $0.stock.started(set, number: number) }) else { return await discard(set) }
    report("engines warm-\(number) wait for a session", false)
    set.whenFailed { [weak self] failure in self?.died(number, failure) }
  }

  private func died(_ number: Int, _ failure: EngineError) {
    guard let set = state.withLock({ $0.stock.remove(number) }) else { return }
    report("engines that were started ahead ended: \(failure)", true)
    // No caller waits for the death of an engine. The supervisor ends what is left when the coordinator ends.
    Task {
      await discard(set)
      wishes.source.yield()
    }
  }

  private func discard(_ set: SessionProcesses) async {
    await set.stop()
    EngineDirectories.remove(set.commands.directory)
  }
}
