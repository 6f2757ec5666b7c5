import Dispatch
import Testing

/// Runs test functions that compute for long without ever waiting on one thread of their own, one after the other.
///
/// Swift's own threads are as many as there are cores. A few such functions on them leave none for anything else: a test
/// that waits for an answer then waits until they have ended, and its patience is over before the answer had a chance.
public struct Computes: SuiteTrait, TestTrait, TestScoping {
  /// Every function of a suite runs there, not the suite.
  public var isRecursive: Bool { true }

  /// Itself for functions; nothing for suites and for single arguments.
  public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
    test.isSuite || testCase != nil ? nil : self
  }

  /// Runs a function, with all its arguments, on the thread for computing.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(ComputingThread.shared) { try await function() }
  }
}

extension Trait where Self == Computes {
  /// Runs beside all others on the one thread for computing; for what computes for seconds and waits for nothing.
  public static var computes: Self { Computes() }
}

private final class ComputingThread: TaskExecutor {
  static let shared = ComputingThread()
  private let queue = DispatchQueue(label: "tests.computing")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
