import Synchronization
import Testing

/// Lets few test functions run at a time, of all suites that have this trait.
///
/// Without it all tests begin at once. Each step of a test that waits for something then stands in line behind hundreds
/// of others, and what takes milliseconds takes a minute: no bound on a wait means anything any more. A function has
/// its turn together with all its arguments. The time that it waits for its turn counts for no time limit.
public struct TakesTurns: SuiteTrait, TestTrait, TestScoping {
  /// Functions that run at a time: enough that some compute while others wait.
  public static let count = 4

  /// Whether the code that asks has its turn.
  @TaskLocal public static var isNow = false

  private static let turns = Turns(count)

  /// Whether its functions go before those that do not.
  let goesFirst: Bool

  /// Every function of a suite takes its turn, not the suite.
  public var isRecursive: Bool { true }

  /// Itself for functions; nothing for suites and for single arguments.
  public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
    test.isSuite || testCase != nil ? nil : self
  }

  /// Runs a function when it is its turn.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    // A suite in a suite has the trait twice.
    if Self.isNow { return try await function() }
    await Self.turns.take(goesFirst: goesFirst)
    defer { Self.turns.giveBack() }
    try await Self.$isNow.withValue(true) { try await function() }
  }
}

extension Trait where Self == TakesTurns {
  /// Few functions run at a time; for whatever waits for something or computes for more than a moment.
  public static var takesTurns: Self { TakesTurns(goesFirst: false) }

  /// The same for a suite that takes long, mostly waiting: it begins early, so that nothing is left to wait for at the
  /// end.
  public static var takesTurnsFirst: Self { TakesTurns(goesFirst: true) }
}

/// A semaphore: first come, first served, after those who go first.
private final class Turns: Sendable {
  private struct State {
    var free: Int
    var first: [CheckedContinuation<Void, Never>] = []
    var others: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Mutex<State>

  init(_ count: Int) { state = Mutex(State(free: count)) }

  func take(goesFirst: Bool) async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.free > 0 else {
          if goesFirst { state.first.append(continuation) } else { state.others.append(continuation) }
          return false
        }
        state.free -= 1
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  func giveBack() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      if !state.first.isEmpty { return state.first.removeFirst() }
      if !state.others.isEmpty { return state.others.removeFirst() }
      state.free += 1
      return nil
    }
    next?.resume()
  }
}
