import Foundation
import StateStore
import Synchronization
import TestSupport
import Testing
import Turns

@testable import Supervision

@Suite("A supervised child is ready", .takesTurns) struct SupervisorReadinessTests {
  private static func policy(deadline: Duration) -> ChildLifecycle.Policy {
    .init(restart: .never, readinessDeadline: deadline, termGrace: Bench.patience)
  }

  @Test("when its port accepts connections")
  func port() async throws {
    let port = try freePort()
    try await Bench.run { bench in
      let script = """
        import socket, time, os
        while not os.path.exists("go"): time.sleep(0.01)
        s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", \(port))); s.listen(); time.sleep(1000)
        """
      let child = ChildSpecification(
        name: "p", executable: "/usr/bin/env", arguments: ["python3", "-c", script], directory: bench.directory,
        readiness: .port(port), policy: Self.policy(deadline: Bench.patience))
      #expect(try await bench.supervisor.start(child).status.phase == .starting)
      _ = FileManager.default.createFile(atPath: bench.directory + "/go", contents: nil)
      #expect(try await bench.supervisor.waitUntilReady("p").status.phase == .ready)
      #expect(portAccepts(port))
      try await bench.recorder.eventually("it is journaled") { $0.phases("p").last == .ready }
    }
  }

  @Test("when its file appears")
  func file() async throws {
    try await Bench.run { bench in
      let path = bench.directory + "/socket"
      let child = try bench.shell("f", "read x < go; echo > \(path); exec sleep 1000", readiness: .file(path))
      mkfifo(bench.directory + "/go", 0o600)
      #expect(try await bench.supervisor.start(child).status.phase == .starting)
      try "go\n".write(toFile: bench.directory + "/go", atomically: false, encoding: .utf8)
      try await bench.supervisor.waitUntilReady("f")
    }
  }

  @Test("when it reports so in a line, which is kept")
  func line() async throws {
    try await Bench.run { bench in
      let child = try bench.shell(
        "l", "echo not up yet; echo listening on 127.0.0.1:4711 >&2; exec sleep 1000",
        readiness: .line(prefix: "listening on "))
      #expect(try await bench.serve(child).status.readyLine == "listening on 127.0.0.1:4711")
    }
  }

  @Test("when a probe succeeds")
  func probe() async throws {
    let asked = Mutex(0)
    try await Bench.run { bench in
      let probe: ChildSpecification.Probe = {
        asked.withLock {
          $0 += 1
          return $0 == 3
        }
      }
      try await bench.serve(bench.shell("q", "exec sleep 1000", readiness: .probe(probe)))
      #expect(asked.withLock { $0 } == 3)
    }
  }

  @Test("or ended, if it is not ready in time; waiting callers get the reason")
  func deadline() async throws {
    try await Bench.run { bench in
      let child = try bench.shell(
        "never", "echo still loading; exec sleep 1000", readiness: .file("/no/such/file"),
        policy: Self.policy(deadline: .milliseconds(1500)))
      try await bench.supervisor.start(child)
      let error = await #expect(throws: SupervisionError.self) { try await bench.supervisor.waitUntilReady("never") }
      #expect(
        error?.message
          == "Child 'never' is not ready: it did not become ready within 1.5 s; its last output:\n  still loading.")
    }
  }

  @Test("and waiting for it ends with the task that waits")
  func cancellation() async throws {
    try await Bench.run { bench in
      try await bench.supervisor.start(bench.shell("w", "exec sleep 1000", readiness: .file("/no/such/file")))
      let waiting = Task { try await bench.supervisor.waitUntilReady("w") }
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
    }
  }

  @Test("no longer when a probe fails, and again when one succeeds")
  func unresponsive() async throws {
    let isHealthy = Mutex(true)
    try await Bench.run { bench in
      var child = try bench.shell("h", "echo up; exec sleep 1000")
      child.liveness = .init(every: .milliseconds(20)) { isHealthy.withLock { $0 } }
      child.policy.probeFailuresTolerated = .max - 1
      let first = try await bench.serve(child)
      isHealthy.withLock { $0 = false }
      try await bench.recorder.eventually("it is unresponsive") { $0.phases("h").last == .unresponsive }
      isHealthy.withLock { $0 = true }
      try await bench.recorder.eventually("it is ready") { $0.phases("h").last == .ready }
      #expect(await bench.supervisor.child("h")?.status.process == first.status.process)
    }
  }

  @Test("no longer when too many probes fail: it is restarted")
  func liveness() async throws {
    let isHealthy = Mutex(true)
    try await Bench.run { bench in
      var child = try bench.shell("h", "echo up; exec sleep 1000")
      child.liveness = .init(every: .milliseconds(100)) { isHealthy.withLock { $0 } }
      child.policy = .init(
        restart: .onFailure, initialBackOff: .milliseconds(1), backOffFactor: 1, crashLoopExits: 1000,
        readinessDeadline: Bench.patience,
        termGrace: Bench.patience, probeFailuresTolerated: 2)
      let first = try await bench.serve(child)
      isHealthy.withLock { $0 = false }
      // A starved probe may have ended an earlier process: what counts is the one that was just ready.
      try await bench.recorder.eventually("it was ended and started again") {
        guard let last = $0.records.last, let process = last.status.process else { return false }
        return process != first.status.process && last.status.lastExit?.cause == .notAlive(failures: 3)
      }
      isHealthy.withLock { $0 = true }
      try await bench.recorder.eventually("another process is ready") {
        guard let last = $0.records.last else { return false }
        return last.status.phase == .ready && last.status.process != first.status.process
      }
      #expect(!lives(first.status.process!))
    }
  }

  @Test("no longer when a probe does not answer at all")
  func silentProbe() async throws {
    try await Bench.run { bench in
      var child = try bench.shell("silent", "echo up; exec sleep 1000")
      child.liveness = .init(every: .milliseconds(20)) {
        try? await Task.sleep(for: .seconds(1000))
        return false
      }
      child.policy = .init(restart: .never, readinessDeadline: Bench.patience, probeFailuresTolerated: 1)
      try await bench.supervisor.start(child)
      let over = try await bench.supervisor.waitUntilOver("silent")
      #expect(over.status.lastExit?.cause == .notAlive(failures: 2))
    }
  }
}
