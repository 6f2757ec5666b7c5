import Engines
import Glibc
import LogStore
import StateStore
import Supervision
import Testing
import Turns

@testable import Coordinator

@Suite("Child processes of a coordinator", .takesTurns, .timeLimit(.minutes(1)))
struct ChildrenTests {
  private func sleeper(_ lifetime: ChildLifetime) -> ChildSpecification {
    ChildSpecification(
      name: "sleeper", executable: "/bin/sh", arguments: ["-c", "echo up; exec sleep 600"], lifetime: lifetime,
      readiness: .line(prefix: "up"), policy: .init(restart: .never))
  }

  @Test("A child is in the state store with its process, and its output is in the log store")
  func kept() async throws {
    let bench = try Bench()
    try await bench.coordinator.children.start(sleeper(.diesWithUs))
    let child = try await bench.coordinator.children.waitUntilReady("sleeper")
    // Its process is journaled asynchronously, so wait for that.
    let process = "\"process\":\(try #require(child.status.process))"
    for try await _ in bench.store.updates(prefix: "children/sleeper") {
      let entry = try #require(try await bench.store.entry("children/sleeper", at: nil))
      if String(decoding: entry.value, as: UTF8.self).contains(process) { break }
    }
    bench.coordinator.logs.flush()
    var lines: [String] = []
    for try await record in try bench.coordinator.logs.read(LogQuery(streams: [.child("sleeper")])) {
      lines.append(record.message)
    }
    #expect(lines == ["up"])
    await bench.shutdown()
    #expect(kill(child.status.process ?? 0, 0) != 0, "it ended with its coordinator")
    try bench.done()
  }

  @Test("Processes of a session are in the state store until they are stopped, however they ended")
  func erased() async throws {
    let bench = try Bench()
    let launcher = SessionChildren(session: "session_a", bench.coordinator.children)
    func program(_ name: String, _ script: String) -> ChildProgram {
      ChildProgram(name: name, executable: "/bin/sh", arguments: ["-c", script])
    }
    func stored() async throws -> [String] {
      try await bench.store.entries(prefix: "children/", at: nil).entries.map(\.key)
    }
    try await launcher.start(program("engine", "exec sleep 600"))
    try await launcher.start(program("store", "exec sleep 600"))
    let store = try #require(await bench.coordinator.children.child("session_a/store")?.status.process)
    kill(store, SIGKILL)
    #expect(try await !launcher.waitUntilOver("store").isSuccess)
    #expect(try await stored() == ["children/session_a/engine", "children/session_a/store"])
    await launcher.stop("store")
    #expect(try await stored() == ["children/session_a/engine"])
    await launcher.stop("engine")
    #expect(try await stored().isEmpty)
    _ = try await launcher.run(program("compiler", "exit 0"))
    #expect(try await stored().isEmpty, "what runs once is forgotten when it is over")
    await bench.shutdown()
    try bench.done()
  }

  @Test("A child that outlived its coordinator and is no longer wanted is ended by the next one")
  func orphan() async throws {
    let before = try Bench()
    try await before.coordinator.children.start(sleeper(.outlivesUs))
    let process = try #require(try await before.coordinator.children.waitUntilReady("sleeper").status.process)
    await before.coordinator.children.stopAll(leavingOutliving: true)
    #expect(kill(process, 0) == 0)
    let after = try Bench(after: before)
    _ = try await after.coordinator.recover()
    #expect(try await after.store.entries(prefix: "children/", at: nil).entries.isEmpty)
    // It is a child of this process, which reaps it; in any case, it no longer runs.
    #expect(kill(process, 0) != 0 || isZombie(process))
    await after.shutdown()
    try after.done()
  }

  private func isZombie(_ process: Int32) -> Bool {
    guard let file = fopen("/proc/\(process)/stat", "r") else { return true }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 512)
    fgets(&text, 512, file)
    let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return line.split(separator: ")").last?.split(separator: " ").first == "Z"
  }
}
