import Engines
import Synchronization

/// Processes that depend on each other: when one of them ends unexpectedly, the others are ended, too, and all waiting tasks
/// receive the same cause.
final class ProcessGroup: Sendable {
  /// A process and its description for messages.
  struct Member: Sendable {
    /// The name, among the session's processes.
    var name: String
    /// A description with an article.
    var what: String
  }

  private struct State {
    var failure: EngineError?
    var isClosing = false
    var onFailure: (@Sendable (EngineError) -> Void)?
    /// Wait for the ends of the processes. Stored, because processes end whenever they like, and `stop` ends the waits.
    var watchers: [Task<Void, Never>] = []
  }

  /// In the order of their start; they are ended in reverse order.
  private let members: [Member]
  private let launcher: any ChildLauncher
  /// The remedy after one of them has ended.
  private let hint: String
  private let state = Mutex(State())

  init(_ members: [Member], _ launcher: any ChildLauncher, hint: String) {
    (self.members, self.launcher, self.hint) = (members, launcher, hint)
  }

  /// Begins to supervise the processes, all of which must be running.
  func watch() {
    let tasks = members.map { member in
      Task { [weak self, launcher] in
        guard let end = try? await launcher.waitUntilOver(member.name) else { return }
        await self?.ended(member, end)
      }
    }
    state.withLock { $0.watchers = tasks }
  }

  private func ended(_ member: Member, _ end: ChildEnd) async {
    let failure = failure(member, end)
    let (isFirst, onFailure) = state.withLock { state -> (Bool, (@Sendable (EngineError) -> Void)?) in
      guard !state.isClosing, state.failure == nil else { return (false, nil) }
      state.failure = failure
      return (true, state.onFailure)
    }
    guard isFirst else { return }
    onFailure?(failure)
    for other in members.reversed() where other.name != member.name { await launcher.stop(other.name) }
  }

  private func failure(_ member: Member, _ end: ChildEnd) -> EngineError {
    EngineError(
      .engineFailure, "\(member.what) (\(member.name)) \(end.cause)", evidence: LastWords.text(end.lastLines),
      hint: hint)
  }

  /// Calls `body` when a process ends unexpectedly, at once if one has already. There is one such body; a later call replaces it.
  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) {
    let failure = state.withLock { state in
      state.onFailure = body
      return state.failure
    }
    if let failure { body(failure) }
  }

  /// Why the processes have ended; nil while they run.
  var failure: EngineError? { state.withLock { $0.failure } }

  /// Returns why a process ended, if one has ended or does so within `time`: a broken connection is noticed before the end.
  func failure(within time: Duration) async -> EngineError? {
    if let failure { return failure }
    return await withTaskGroup(of: EngineError?.self) { group in
      group.addTask { await self.firstEnd(ofFirst: self.members.count) }
      group.addTask {
        try? await Task.sleep(for: time)
        return nil
      }
      defer { group.cancelAll() }
      let outcome = await group.next() ?? nil
      // A failure recorded by the supervision is the true cause: the other processes were ended because of it.
      return failure ?? outcome
    }
  }

  /// Waits for the first of the first `count` processes to end; returns nil when the task is cancelled.
  func firstEnd(ofFirst count: Int) async -> EngineError? {
    await withTaskGroup(of: EngineError?.self) { [launcher] group in
      for member in members.prefix(count) {
        group.addTask {
          guard let end = try? await launcher.waitUntilOver(member.name) else { return nil }
          return self.failure(member, end)
        }
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// Ends the processes; from now on, their end is not a failure.
  func stop() async {
    let watchers = state.withLock { state in
      state.isClosing = true
      return state.watchers
    }
    for member in members.reversed() { await launcher.stop(member.name) }
    for watcher in watchers { watcher.cancel() }
  }
}
