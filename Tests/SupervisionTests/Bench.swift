import Foundation
import StateStore
import Synchronization
import Testing

@testable import Supervision

/// A supervisor in a directory of its own, with a journal and a sink that record everything.
final class Bench: Sendable {
  let directory: String
  let supervisor: Supervisor
  let recorder = Recorder()

  /// Long enough for a busy machine.
  static let patience = Duration.seconds(60)

  init(controlGroups: ControlGroups? = nil, maximumChildren: Int = 1024, directory: String? = nil) throws {
    self.directory = try directory ?? makeTemporaryDirectory()
    let recorder = recorder
    supervisor = Supervisor(
      configuration: .init(
        directory: self.directory, controlGroups: controlGroups, maximumChildren: maximumChildren),
      journal: recorder
    ) { child, line, isError in recorder.took(.init(child: child, text: line, isError: isError)) }
  }

  /// Runs a test and ends everything it started; no process may be left.
  static func run(
    controlGroups: ControlGroups? = nil, maximumChildren: Int = 1024, _ body: (Bench) async throws -> Void
  ) async throws {
    let bench = try Bench(controlGroups: controlGroups, maximumChildren: maximumChildren)
    do { try await body(bench) } catch {
      await bench.close()
      throw error
    }
    await bench.close()
  }

  func close() async {
    await supervisor.stopAll()
    let left = ProcessTable.members(tokens: recorder.tokens).map(\.process.number)
    #expect(left.isEmpty, "processes are left")
    for process in recorder.processes { #expect(!isZombieOfOurs(process), "a zombie is left") }
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// A child that runs a shell script.
  func shell(
    _ name: String, _ script: String, environment: [String: String] = [:], limits: ChildLimits = ChildLimits(),
    lifetime: ChildLifetime = .diesWithUs, readiness: ChildSpecification.Readiness = .line(prefix: "up"),
    liveness: ChildSpecification.Liveness? = nil,
    policy: ChildLifecycle.Policy = .init(restart: .never, readinessDeadline: patience, termGrace: patience)
  ) throws -> ChildSpecification {
    let path = directory + "/" + UUID().uuidString + ".sh"
    try script.write(toFile: path, atomically: true, encoding: .utf8)
    return ChildSpecification(
      name: name, executable: "/bin/sh", arguments: [path], environment: environment, directory: directory,
      limits: limits, lifetime: lifetime, readiness: readiness, liveness: liveness, policy: policy)
  }

  /// Starts a child and waits until it is ready.
  @discardableResult
  func serve(_ specification: ChildSpecification) async throws -> ChildRecord {
    try await supervisor.start(specification)
    return try await supervisor.waitUntilReady(specification.name)
  }
}

/// Records what a supervisor journals and what its children write.
final class Recorder: ChildJournal, Sendable {
  struct Line: Sendable, Equatable {
    var child: String
    var text: String
    var isError: Bool
  }

  struct State: Sendable {
    var records: [ChildRecord] = []
    var lines: [Line] = []
    /// The phase in which journaling fails.
    var refusedPhase: ChildLifecycle.Phase?

    func texts(_ child: String) -> [String] { lines.filter { $0.child == child }.map(\.text) }
    func phases(_ child: String) -> [ChildLifecycle.Phase] {
      records.filter { $0.name == child }.map(\.status.phase)
    }
  }

  struct Refusal: Error, CustomStringConvertible { var description: String { "the disk is full" } }

  private let state = Mutex(State())

  var now: State { state.withLock { $0 } }
  var tokens: Set<String> { Set(now.records.map(\.status.token)) }
  var processes: Set<Int32> { Set(now.records.compactMap(\.status.process)) }

  func refuse(_ phase: ChildLifecycle.Phase?) { state.withLock { $0.refusedPhase = phase } }

  func record(_ child: ChildRecord) async throws {
    let refused = state.withLock { state in
      if state.refusedPhase == child.status.phase { return true }
      state.records.append(child)
      return false
    }
    if refused { throw Refusal() }
  }

  func erase(_ name: String) async throws { state.withLock { $0.records.removeAll { $0.name == name } } }

  func took(_ line: Line) { state.withLock { $0.lines.append(line) } }

  /// Returns when the condition holds for the recorded data.
  func eventually(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: (State) -> Bool
  ) async throws {
    try await waitUntil(what, sourceLocation) { condition(self.now) }
  }
}

/// Returns when the condition holds; fails if it does not within a minute.
func waitUntil(
  _ what: Comment, _ sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + Bench.patience
  while try await !condition() {
    try #require(ContinuousClock.now < end, what, sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(10))
  }
}

func makeTemporaryDirectory() throws -> String {
  let path = FileManager.default.temporaryDirectory.path + "/supervision-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

func isZombieOfOurs(_ process: Int32) -> Bool {
  guard let entry = ProcessTable.entry(process) else { return false }
  return entry.isZombie && entry.parent == getpid()
}

/// Returns whether the process exists and is not a zombie.
func lives(_ process: Int32) -> Bool { ProcessTable.entry(process).map { !$0.isZombie } ?? false }
