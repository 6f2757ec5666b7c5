import Engines

/// Runs `body`, and cancels it when it takes longer than `time`.
/// - Throws: `late` if it took longer; the errors of `body`; `CancellationError`.
func within<Result: Sendable>(
  _ time: Duration, orElse late: EngineError, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Result.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: time)
      throw late
    }
    defer { group.cancelAll() }
    guard let result = try await group.next() else { throw late }
    return result
  }
}
