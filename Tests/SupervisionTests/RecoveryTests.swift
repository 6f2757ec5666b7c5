import Foundation
import StateStore
import Support
import Testing
import Turns

@testable import Supervision

@Suite("When the coordinator is killed", .takesTurns) struct RecoveryTests {
  /// Reports readiness once its start is journaled, then counts; a descendant in another session does nothing.
  private static let counter = """
    setsid sleep 1000 &
    echo $$ > "$1.process"; echo $! > "$1.far"
    while ! grep -Eq '"(starting|adopted)"' "$2"; do sleep 0.02; done
    echo up
    i=0; while :; do i=$((i+1)); echo "$1 $i"; sleep 0.05; done
    """

  private func prepare(_ children: [(String, ChildLifetime)]) throws -> String {
    let directory = try makeTemporaryDirectory()
    try Self.counter.write(toFile: directory + "/counter.sh", atomically: true, encoding: .utf8)
    let list = children.map { name, lifetime in
      """
      {"name": "\(name)", "executable": "/bin/sh", "lifetime": "\(lifetime)",
       "arguments": ["\(directory)/counter.sh", "\(directory)/\(name)", "\(directory)/journal.json"]}
      """
    }
    try "[\(list.joined(separator: ","))]".write(
      toFile: directory + "/children.json", atomically: true, encoding: .utf8)
    return directory
  }

  private func number(_ path: String) throws -> Int32 {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  private func records(_ directory: String) throws -> [String: ChildRecord] {
    let data = try Data(contentsOf: URL(fileURLWithPath: directory + "/journal.json"))
    return try JSONDecoder().decode([String: ChildRecord].self, from: data)
  }

  /// Runs a test with children of its own; none of their processes may be left, and none is, even after a failure.
  private func withChildren(_ children: [(String, ChildLifetime)], _ body: (String) async throws -> Void) async throws {
    let directory = try prepare(children)
    var failure: (any Error)?
    do { try await body(directory) } catch { failure = error }
    var tokens = Set(((try? records(directory)) ?? [:]).values.map(\.status.token))
    for number in counters(directory) { if let token = ProcessTable.token(number) { tokens.insert(token) } }
    let left = ProcessTable.members(tokens: tokens)
    for (_, process) in left { process.signal(SIGKILL) }
    #expect(left.isEmpty, "processes were left")
    try FileManager.default.removeItem(atPath: directory)
    if let failure { throw failure }
  }

  /// The processes that run the script; session leaders only, because a fork of one briefly has the same command line.
  private func counters(_ directory: String) -> [Int32] {
    ProcessTable.processes().filter { number in
      guard ProcessTable.entry(number)?.session == number else { return false }
      let line = ProcessTable.readFile("/proc/\(number)/cmdline", limit: 4096) ?? []
      return String(decoding: line, as: UTF8.self).contains(directory + "/counter.sh")
    }
  }

  @Test("children that die with it are gone; the others live and are adopted, followed and stopped")
  func adoption() async throws {
    try await withChildren([("mortal", .diesWithUs), ("survivor", .outlivesUs)]) { directory in
      let first = try Host(directory)
      try await first.expect("ready")
      let survivor = try number(directory + "/survivor.process")
      let mortal = try number(directory + "/mortal.process")
      let farFromMortal = try number(directory + "/mortal.far")
      try await first.expect("line survivor output \(directory)/survivor 3")
      first.kill()
      try await waitUntil("the kernel has ended the one") { !lives(mortal) }
      #expect(lives(survivor))

      let second = try Host(directory)
      try await second.expect("adopted survivor \(survivor)")
      try await second.expect { $0.hasPrefix("ended mortal ended with an unknown status") }
      #expect(!lives(farFromMortal), "what the kernel does not end is found by its token")
      try await second.expect { $0.hasPrefix("started mortal ") }
      try await second.expect("ready")
      // Its output continues; nothing was missed in between.
      try await second.expect { $0.hasPrefix("line survivor output \(directory)/survivor ") }
      let numbers = (first.lines + second.lines).compactMap { line -> Int? in
        guard line.hasPrefix("line survivor output \(directory)/survivor ") else { return nil }
        return Int(line.split(separator: " ").last!)
      }
      #expect(Set(numbers) == Set(1...numbers.max()!))
      #expect(lives(survivor))

      try second.tell("stop")
      try await second.expect("over")
      try await second.end()
      #expect(!lives(survivor))
      #expect(!lives(try number(directory + "/survivor.far")))
      let journal = try records(directory)
      #expect(journal.values.allSatisfy { $0.status.phase == .exited })
      #expect(journal["survivor"]?.status.lastExit?.cause == .stopped(byForce: false))
    }
  }

  @Test("or ends on purpose, children that outlive it keep running")
  func leaving() async throws {
    try await withChildren([("mortal", .diesWithUs), ("survivor", .outlivesUs)]) { directory in
      let first = try Host(directory)
      try await first.expect("ready")
      try first.tell("leave")
      try await first.expect("over")
      try await first.end()
      #expect(!lives(try number(directory + "/mortal.process")))
      #expect(!lives(try number(directory + "/mortal.far")))
      #expect(lives(try number(directory + "/survivor.process")))
      let second = try Host(directory)
      try await second.expect { $0.hasPrefix("adopted survivor") }
      try await second.expect("ready")
      try second.tell("stop")
      try await second.end()
    }
  }

  @Test(
    "anywhere between intent and readiness, no child is lost and none runs twice",
    arguments: [
      "before-spawning", "after-spawning", "before-starting", "after-starting", "before-ready", "after-ready",
    ],
    ChildLifetime.allCases)
  func everyPoint(failpoint: String, lifetime: ChildLifetime) async throws {
    try await withChildren([("child", lifetime)]) { directory in
      let first = try Host(directory, failpoint: failpoint)
      try await first.end()
      let firstTokens = Set(((try? records(directory)) ?? [:]).values.map(\.status.token))
      let orphan = ProcessTable.members(tokens: firstTokens).map(\.process.number)

      let second = try Host(directory)
      try await second.expect("ready")
      let process = try number(directory + "/child.process")
      let token = try #require(try records(directory)["child"]?.status.token)
      // All counting processes belong to the recorded start.
      #expect(counters(directory) == [process])
      #expect(ProcessTable.token(process) == token)
      #expect(ProcessTable.members(tokens: firstTokens.subtracting([token])).isEmpty, "an orphan is left")
      let wasAdopted = second.lines.contains { $0.hasPrefix("adopted") }
      #expect(
        wasAdopted
          == (lifetime == .outlivesUs && ["after-starting", "before-ready", "after-ready"].contains(failpoint)))
      if wasAdopted { #expect(orphan.contains(process)) } else { #expect(!orphan.contains(process)) }
      try second.tell("stop")
      try await second.end()
    }
  }

  @Test("an unrelated process with a reused id is left alone")
  func stranger() async throws {
    try await Bench.run { bench in
      let stranger = ChildSpecification(name: "stranger", executable: "/bin/sleep", arguments: ["1000"])
      let number = try #require(try await bench.supervisor.start(stranger).status.process)
      var record = ChildRecord(.init(name: "old", executable: "/bin/sleep", lifetime: .outlivesUs), nowMilliseconds: 0)
      record.status.phase = .ready
      record.status.token = randomStateID()
      record.status.process = number
      record.status.startTime = ProcessTable.entry(number)?.startTime
      record.status.bootID = ProcessTable.bootID
      // Even id, start time and boot are equal: only the token differs.
      let recovery = await bench.supervisor.recover([record]) { _ in
        ChildSpecification(name: "old", executable: "/bin/sleep", lifetime: .outlivesUs)
      }
      #expect(recovery.adopted.isEmpty)
      #expect(recovery.ended.map(\.name) == ["old"])
      #expect(lives(number))
      #expect(bench.recorder.now.phases("old") == [.exited])
    }
  }

  @Test("a child that is no longer wanted is ended, and the exit cause of an adopted one is reported as unknown")
  func unwantedAndAdopted() async throws {
    let directory = try makeTemporaryDirectory()
    let earlier = try Bench(directory: directory)
    for name in ["wanted", "unwanted"] {
      try await earlier.serve(earlier.shell(name, "echo up; exec sleep 1000", lifetime: .outlivesUs))
    }
    try await earlier.recorder.eventually("both are journaled") {
      $0.phases("wanted").last == .ready && $0.phases("unwanted").last == .ready
    }
    // The earlier supervisor continues in this process; it only observes that both end.
    let records = ["wanted", "unwanted"].map { name in earlier.recorder.now.records.last { $0.name == name }! }
    let later = try Bench(directory: directory)
    let wanted = try later.shell("wanted", "", lifetime: .outlivesUs)
    let recovery = await later.supervisor.recover(records) { $0.name == "wanted" ? wanted : nil }
    #expect(recovery.adopted.map(\.name) == ["wanted"])
    #expect(recovery.ended.map(\.name) == ["unwanted"])
    #expect(!lives(records[1].status.process!))
    #expect(await later.supervisor.child("wanted")?.status.phase == .ready)
    kill(records[0].status.process!, SIGKILL)
    let over = try await later.supervisor.waitUntilOver("wanted")
    #expect(over.status.lastExit?.text.hasPrefix("ended with an unknown status") == true)
    await later.close()
    await earlier.close()
  }
}

@Suite("Many children", .takesTurns) struct ManyChildrenTests {
  @Test("leave no descriptor, process or zombie behind")
  func nothingLeft() async throws {
    let host = try Host(arguments: ["spawn", "200"])
    try await host.end()
    #expect(host.lines.contains("processes 0"))
    #expect(host.lines.contains("zombies 0"))
    let descriptors = try #require(host.lines.first { $0.hasPrefix("descriptors") }).split(separator: " ")
    #expect(descriptors[1] == descriptors[2])
  }
}
