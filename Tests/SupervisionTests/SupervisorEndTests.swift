import Dispatch
import Foundation
import StateStore
import Testing
import Turns

@testable import Supervision

@Suite("A supervised child ends", .takesTurns) struct SupervisorEndTests {
  private func exit(of script: String, limits: ChildLimits = ChildLimits()) async throws -> ChildExit {
    var exit: ChildExit?
    try await Bench.run { bench in
      let child = try bench.shell("e", script, limits: limits, readiness: .started)
      try await bench.supervisor.start(child)
      exit = try await bench.supervisor.waitUntilOver("e").status.lastExit
    }
    return try #require(exit)
  }

  @Test("and its exit code and last lines are known")
  func code() async throws {
    let exit = try await exit(of: "for i in $(seq 100); do echo line $i; done; exit 3")
    #expect(exit.cause == .exited(code: 3))
    #expect(exit.lastLines == (81...100).map { "line \($0)" })
    #expect(exit.text.hasPrefix("exited with code 3; its last output:\n  line 81\n"))
  }

  @Test("by a signal, which is reported by name")
  func signal() async throws {
    #expect(try await exit(of: "kill -SEGV $$").text == "was killed by signal 11 (SIGSEGV)")
    #expect(try await exit(of: "kill -KILL $$").text == "was killed by signal 9 (SIGKILL)")
  }

  @Test("when it exceeds its memory limit")
  func memory() async throws {
    let eater = """
      import ctypes, os
      blocks = []
      try:
        while True: blocks.append(bytearray(16 << 20))
      except MemoryError:
        blocks = []
        print("out of memory", flush=True); os.abort()
      """
    let exit = try await exit(
      of: "exec python3 -c '\(eater)'", limits: ChildLimits(memoryBytes: 256 << 20))
    #expect(exit.lastLines == ["out of memory"])
    #expect(exit.cause == .diedUnderMemoryLimit(signal: SIGABRT, limitBytes: 256 << 20))
    #expect(exit.text.contains("probably because it ran out of memory (its address space is limited to 256 MiB)"))
  }

  @Test("when it exceeds its limit of processor time")
  func processorTime() async throws {
    let exit = try await exit(of: "while :; do :; done", limits: ChildLimits(processorSeconds: 1))
    // A shell may report SIGXCPU as an exit of its own; the kernel kills at the hard limit, in the same second.
    #expect(
      exit.cause == .processorTimeUsedUp(seconds: 1) || exit.cause == .killed(signal: SIGKILL), "\(exit.cause)")
  }

  @Test("by SIGTERM when it is stopped, which is not a failure")
  func stop() async throws {
    try await Bench.run { bench in
      let record = try await bench.serve(bench.shell("t", "echo up; exec sleep 1000"))
      await bench.supervisor.stop("t")
      #expect(!lives(record.status.process!))
      // A phase that was replaced before it was journaled may be missing.
      let phases = bench.recorder.now.phases("t")
      #expect(phases.first == .spawning)
      #expect(phases.suffix(2) == [.terminating, .exited])
      #expect(bench.recorder.now.records.last?.status.lastExit?.cause == .stopped(byForce: false))
      // A repeated stop is no error, and neither is that of an unknown child.
      await bench.supervisor.stop("t")
      await bench.supervisor.stop("nobody")
    }
  }

  @Test("by SIGKILL when it ignores SIGTERM, with its whole process group")
  func ignoresTerm() async throws {
    try await Bench.run { bench in
      var child = try bench.shell(
        "deaf", "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo up $!; while :; do sleep 1; done",
        readiness: .line(prefix: "up "))
      child.policy.termGrace = .milliseconds(200)
      let record = try await bench.serve(child)
      let grandchild = try #require(Int32(record.status.readyLine?.dropFirst(3) ?? ""))
      #expect(lives(grandchild))
      await bench.supervisor.stop("deaf")
      #expect(!lives(grandchild))
      #expect(bench.recorder.now.records.last?.status.lastExit?.cause == .stopped(byForce: true))
    }
  }

  @Test("together with descendants that went into sessions of their own")
  func otherSessions() async throws {
    try await Bench.run { bench in
      let child = try bench.shell(
        "forks",
        "setsid sh -c 'echo $$ > far; exec sleep 1000' & while [ ! -s far ]; do sleep 0.01; done; echo up; exec sleep 1000"
      )
      try await bench.serve(child)
      let text = try String(contentsOfFile: bench.directory + "/far", encoding: .utf8)
      let far = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
      #expect(ProcessTable.entry(far)?.session == far)
      await bench.supervisor.stop("forks")
      #expect(!lives(far))
    }
  }

  @Test("together with members of its session that dropped their environment")
  func withoutToken() async throws {
    try await Bench.run { bench in
      let child = try bench.shell(
        "bare",
        "env -i /bin/sh -c 'echo $$ > near; exec sleep 1000' & while [ ! -s near ]; do sleep 0.01; done; echo up; exit 5"
      )
      try await bench.supervisor.start(child)
      let over = try await bench.supervisor.waitUntilOver("bare")
      #expect(over.status.lastExit?.cause == .exited(code: 5))
      let text = try String(contentsOfFile: bench.directory + "/near", encoding: .utf8)
      #expect(!lives(try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))))
    }
  }

  @Test("only after its descendants have had the grace period, too")
  func graceOfDescendants() async throws {
    try await Bench.run { bench in
      let script = """
        setsid sh -c 'trap "sleep 0.3; echo tidy > tidied; exit" TERM; echo > trapped; while :; do sleep 0.05; done' &
        while [ ! -e trapped ]; do sleep 0.01; done
        echo up; exec sleep 1000
        """
      try await bench.serve(bench.shell("tidy", script))
      await bench.supervisor.stop("tidy")
      #expect(FileManager.default.fileExists(atPath: bench.directory + "/tidied"))
    }
  }

  @Test("at once and repeatedly, until it is in a crash loop; a new start is possible")
  func crashLoop() async throws {
    try await Bench.run { bench in
      var child = try bench.shell("crash", "echo no luck; exit 1", readiness: .started)
      child.policy = .init(
        restart: .onFailure, initialBackOff: .milliseconds(20), maximumBackOff: .milliseconds(80), crashLoopExits: 4)
      let start = ContinuousClock.now
      try await bench.supervisor.start(child)
      let over = try await bench.supervisor.waitUntilOver("crash")
      // 20, 40 and 80 ms between four processes.
      #expect(ContinuousClock.now - start >= .milliseconds(140))
      #expect(over.status.phase == .crashLooping)
      #expect(over.status.starts == 4)
      let condition = try #require(over.condition(.crashLooping))
      #expect(condition.status == .true)
      #expect(condition.message.contains("exited with code 1. Its last line: no luck"))
      #expect(Set(bench.recorder.now.records.map(\.status.token)).count == 4, "each start has its own token")
      try await bench.supervisor.start(bench.shell("crash", "echo up; exec sleep 1000"))
      try await bench.supervisor.waitUntilReady("crash")
    }
  }

  @Test("when it is stopped while it waits for a restart")
  func stopInBackOff() async throws {
    try await Bench.run { bench in
      var child = try bench.shell("w", "exit 1", readiness: .started)
      child.policy = .init(restart: .always, initialBackOff: .seconds(1000), maximumBackOff: .seconds(1000))
      try await bench.supervisor.start(child)
      try await bench.recorder.eventually("it waits") { $0.phases("w").contains(.waiting) }
      await bench.supervisor.stop("w")
      #expect(bench.recorder.now.phases("w").last == .exited)
    }
  }

  @Test("also for callers with an executor preference, such as calls of clients: all are resumed")
  func executorPreference() async throws {
    try await Bench.run { bench in
      // A caller that missed the end would wait for ever; without the second check, this affects one of the first few.
      for number in 0..<25 {
        let name = "e\(number)"
        try await bench.supervisor.start(bench.shell(name, "exec sleep 1000", readiness: .started))
        let watcher = Task(executorPreference: QueueExecutor.shared) { try await bench.supervisor.waitUntilOver(name) }
        await Task(executorPreference: QueueExecutor.shared) { await bench.supervisor.stop(name) }.value
        #expect(try await watcher.value.status.lastExit?.cause == .stopped(byForce: false))
      }
    }
  }

  @Test("in the order in which all are stopped: dependents before what they depend on")
  func order() async throws {
    try await Bench.run { bench in
      for name in ["store", "engine 1", "engine 2", "other"] {
        try await bench.serve(bench.shell(name, "echo up; exec sleep 1000"))
      }
      await bench.supervisor.stopAll(order: [["engine 1", "engine 2", "unknown"], ["store"]])
      let ends = bench.recorder.now.records.filter { $0.status.phase == .exited }.map(\.name)
      #expect(Set(ends[..<2]) == ["engine 1", "engine 2"])
      #expect(ends[2...] == ["store", "other"])
      let terms = bench.recorder.now.records.filter { $0.status.phase == .terminating }.map(\.name)
      let firstEndOfStore = bench.recorder.now.records.firstIndex {
        $0.name == "store" && $0.status.phase == .terminating
      }!
      let lastEndOfEngines = bench.recorder.now.records.lastIndex { $0.name.hasPrefix("engine") }!
      #expect(lastEndOfEngines < firstEndOfStore, "\(terms)")
      let error = await #expect(throws: SupervisionError.self) {
        try await bench.supervisor.start(.init(name: "late", executable: "/bin/true"))
      }
      #expect(error?.code == .closed)
    }
  }
}

/// Runs the jobs of tasks that prefer this executor on a queue, like an event loop.
private final class QueueExecutor: TaskExecutor {
  static let shared = QueueExecutor()
  private let queue = DispatchQueue(label: "tests.preferred")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
