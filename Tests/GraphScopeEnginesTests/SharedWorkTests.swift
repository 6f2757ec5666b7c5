import Synchronization
import Testing
import Turns

@testable import GraphScopeEngines

@Suite("Shared work", .takesTurns, .timeLimit(.minutes(1)))
struct SharedWorkTests {
  private let shared = SharedWork<Int>()
  private let begun = AsyncStream.makeStream(of: Int.self)
  private let count = Counter()

  /// Work that ends on request, or when it is cancelled.
  private func work(_ end: AsyncStream<Void>) async throws -> Int {
    let number = count.next()
    begun.continuation.yield(number)
    for await _ in end { return number }
    begun.continuation.yield(-number)
    throw CancellationError()
  }

  private func waiter(_ end: AsyncStream<Void>) -> Task<Int, any Error> {
    Task { try await shared.value(of: "a") { try await work(end) } }
  }

  @Test("It is begun once for all waiting tasks, and anew when it is over")
  func once() async throws {
    var events = begun.stream.makeAsyncIterator()
    let (end, source) = AsyncStream.makeStream(of: Void.self)
    let first = waiter(end)
    #expect(await events.next() == 1)
    let others = (0..<5).map { _ in waiter(end) }
    while waiting < 6 { await Task.yield() }
    source.yield()
    #expect(try await first.value == 1)
    for other in others { #expect(try await other.value == 1) }
    #expect(try await shared.value(of: "a") { 7 } == 7)
    await #expect(throws: Failure.self) { try await shared.value(of: "a") { throw Failure() } }
  }

  @Test("A cancelled task stops waiting; the work continues for the others, and is cancelled when there are none")
  func cancelled() async throws {
    var events = begun.stream.makeAsyncIterator()
    let (end, _) = AsyncStream.makeStream(of: Void.self)
    let (first, second) = (waiter(end), waiter(end))
    #expect(await events.next() == 1)
    while waiting < 2 { await Task.yield() }
    first.cancel()
    await #expect(throws: CancellationError.self) { try await first.value }
    #expect(waiting == 1)
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    #expect(await events.next() == -1, "nobody waits for it any more")
    #expect(try await shared.value(of: "a") { 7 } == 7, "what is abandoned is not joined")
  }

  @Test("A task that is cancelled before it waits begins nothing")
  func early() async throws {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await shared.value(of: "a") { 1 }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(waiting == 0)
  }

  private var waiting: Int { shared.waiterCount(of: "a") }
  private struct Failure: Error {}

  private final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
      value.withLock { value in
        value += 1
        return value
      }
    }
  }
}
