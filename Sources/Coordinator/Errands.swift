import Synchronization

/// Work that events cause and that no caller waits for. It is performed by child tasks of `Coordinator.run`, so that none of it
/// outlives the coordinator.
final class Errands: Sendable {
  typealias Errand = @Sendable () async -> Void

  private let (stream, source) = AsyncStream.makeStream(of: Errand.self)

  /// Begins `errand` concurrently; does nothing after `finish`.
  func begin(_ errand: @escaping Errand) { source.yield(errand) }

  /// Accepts no more work.
  func finish() { source.finish() }

  /// Performs all work, each in a child task, until `finish` and the end of the last one. Call this once.
  func perform() async {
    await withDiscardingTaskGroup { group in
      for await errand in stream { group.addTask(operation: errand) }
    }
  }
}
