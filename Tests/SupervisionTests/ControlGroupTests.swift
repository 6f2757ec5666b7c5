import Foundation
import StateStore
import Testing
import Turns

@testable import Supervision

/// These run on a directory that only looks like cgroup v2: few machines let tests write to the real one.
@Suite("Control groups", .takesTurns) struct ControlGroupTests {
  private func makeRoot() throws -> String {
    let root = try makeTemporaryDirectory()
    try "cpu memory pids".write(toFile: root + "/cgroup.controllers", atomically: true, encoding: .utf8)
    return root
  }

  private func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  @Test("limit a child, which joins before it executes")
  func limits() async throws {
    let root = try makeRoot()
    defer { try? FileManager.default.removeItem(atPath: root) }
    let groups = try ControlGroups(directory: root)
    #expect(read(root + "/cgroup.subtree_control") == "+memory +cpu +pids")
    try await Bench.run(controlGroups: groups) { bench in
      let record = try await bench.serve(
        bench.shell(
          "g", "ulimit -v; echo up; exec sleep 1000",
          limits: ChildLimits(memoryBytes: 64 << 20, processors: 1.5, processes: 10)))
      let group = root + "/" + record.status.token
      #expect(read(group + "/memory.max") == "\(64 << 20)")
      #expect(read(group + "/cpu.max") == "150000 100000")
      #expect(read(group + "/pids.max") == "10")
      #expect(read(group + "/cgroup.procs") == "\(record.status.process!)")
      // The group limits memory, not the address space.
      #expect(bench.recorder.now.texts("g").first == "unlimited")

      try "low 0\noom 2\noom_kill 1\n".write(toFile: group + "/memory.events", atomically: true, encoding: .utf8)
      kill(record.status.process!, SIGKILL)
      let over = try await bench.supervisor.waitUntilOver("g")
      #expect(
        over.status.lastExit?.text
          == "was killed by the kernel because it ran out of memory (its limit is 64 MiB); its last output:\n  unlimited\n  up"
      )
      #expect(read(group + "/cgroup.kill") == "1")
    }
  }

  @Test("are found in a delegated group, which the coordinator leaves to its children")
  func delegation() throws {
    let root = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: root) }
    let own = root + "/system.slice/gscoordinator.service"
    try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    try "cpu memory pids".write(toFile: own + "/cgroup.controllers", atomically: true, encoding: .utf8)
    let membership = root + "/membership"
    try "9:name=systemd:/\n0::/system.slice/gscoordinator.service\n".write(
      toFile: membership, atomically: true, encoding: .utf8)
    let groups = try ControlGroups.delegated(root: root, membership: membership)
    #expect(groups.directory == own)
    #expect(read(own + "/coordinator/cgroup.procs") == "\(getpid())")
  }

  @Test("are rejected with the reason if there are none")
  func absent() throws {
    let root = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: root) }
    let error = #expect(throws: SupervisionError.self) { try ControlGroups(directory: root) }
    #expect(error?.code == .file)
    #expect(throws: SupervisionError.self) {
      try ControlGroups.delegated(root: root, membership: "/no/such/file")
    }
  }

  @Test("that cannot be created prevent a child from being started")
  func refused() async throws {
    let root = try makeRoot()
    let groups = try ControlGroups(directory: root)
    try FileManager.default.removeItem(atPath: root)
    try await Bench.run(controlGroups: groups) { bench in
      let error = await #expect(throws: SupervisionError.self) {
        try await bench.supervisor.start(.init(name: "n", executable: "/bin/true"))
      }
      #expect(error?.message.contains(root) == true)
    }
  }
}
