import CPlatform
import Foundation
import StateStore
import Testing
import Turns

@testable import Supervision

@Suite("A supervised child is started", .takesTurns) struct SupervisorStartTests {
  @Test("with its own arguments, environment and directory, and nothing else")
  func surroundings() async throws {
    setenv("SUPERVISION_SECRET", "must not pass", 1)
    setenv("SUPERVISION_SHARED", "passes", 1)
    try await Bench.run { bench in
      var child = try bench.shell(
        "a/b",
        #"env; echo "arguments $#: $1|$2"; echo "directory $(pwd)"; cat; echo problem >&2; echo up; exec sleep 1000"#,
        environment: ["OWN": "1 2\n3"])
      child.arguments += ["two words; $HOME `id`", ""]
      child.inheritedEnvironment = ["SUPERVISION_SHARED", "PATH"]
      let record = try await bench.serve(child)
      let output = bench.recorder.now.lines.filter { !$0.isError }.map(\.text)
      #expect(output.contains("arguments 2: two words; $HOME `id`|"))
      #expect(output.contains("directory \(bench.directory)"))
      #expect(output.contains("SUPERVISION_SHARED=passes"))
      #expect(output.contains("OWN=1 2"))
      #expect(output.contains("GSCOORDINATOR_CHILD=\(record.status.token)"))
      #expect(!output.contains { $0.contains("must not pass") })
      let names = Set(output.filter { $0.contains("=") }.map { String($0.split(separator: "=")[0]) })
      #expect(
        names.subtracting(["PWD", "_", "SHLVL", "OLDPWD"]) == [
          "SUPERVISION_SHARED", "PATH", "OWN", "GSCOORDINATOR_CHILD",
        ])
      try await bench.recorder.eventually("standard error is taken") {
        $0.lines.contains(.init(child: "a/b", text: "problem", isError: true))
      }
    }
  }

  @Test("in a session of its own, without inherited descriptors and with default signal handling")
  func isolation() async throws {
    // A descriptor that any child inherits unless it is closed.
    let leaked = open("/dev/null", O_RDONLY)
    defer { close(leaked) }
    try await Bench.run { bench in
      let record = try await bench.serve(
        bench.shell("s", "ls -l /proc/self/fd; grep Sig /proc/self/status; echo up; exec sleep 1000"))
      let process = try #require(record.status.process)
      let entry = try #require(ProcessTable.entry(process))
      #expect(entry.session == process)
      #expect(entry.parent == getpid())
      #expect(getpgid(process) == process)
      #expect(record.status.startTime == entry.startTime)
      let lines = bench.recorder.now.texts("s")
      let links = lines.filter { $0.contains(" -> ") }
      // The fourth is the directory that ls reads.
      #expect(links.count == 4, "\(links)")
      #expect(links.contains { $0.hasSuffix("0 -> /dev/null") })
      for mask in ["SigBlk", "SigIgn", "SigPnd"] {
        let line = try #require(lines.first { $0.hasPrefix(mask) })
        #expect(line.hasSuffix("0000000000000000"), "\(line)")
      }
    }
  }

  @Test("with its limits and its niceness")
  func limits() async throws {
    try await Bench.run { bench in
      var child = try bench.shell(
        "l",
        "ulimit -v; ulimit -n; ulimit -t; ulimit -c; ulimit -H -n; cut -d' ' -f19 /proc/self/stat; echo up; exec sleep 1000",
        limits: ChildLimits(memoryBytes: 512 << 20, processorSeconds: 100, openFiles: 64))
      child.niceness = 7
      try await bench.serve(child)
      #expect(bench.recorder.now.texts("l").prefix(6) == ["\(512 << 10)", "64", "100", "0", "64", "7"])
    }
  }

  @Test(
    "with the weight of its niceness among all sessions, where the kernel shares processors among them",
    .enabled("this kernel does not share processors among sessions") {
      let own = try? String(contentsOfFile: "/proc/self/autogroup", encoding: .utf8)
      return own?.contains("nice") == true
    })
  func groupWeight() async throws {
    try await Bench.run { bench in
      var child = try bench.shell("g", "echo up; exec sleep 1000")
      child.niceness = 7
      let record = try await bench.serve(child)
      let process = try #require(record.status.process)
      try await waitUntil("the weight is set") {
        (try? String(contentsOfFile: "/proc/\(process)/autogroup", encoding: .utf8))?.hasSuffix("nice 7\n") == true
      }
    }
  }

  @Test("with the original limit of descriptors, not the one raised by the coordinator")
  func descriptors() async throws {
    let given = platform_descriptor_limit()
    _ = platform_raise_descriptor_limit()
    try await Bench.run { bench in
      try await bench.serve(try bench.shell("d", "ulimit -n; echo up; exec sleep 1000"))
      #expect(bench.recorder.now.texts("d").first == "\(given)")
    }
  }

  @Test("A lack of descriptors is reported with the number and the remedy")
  func words() {
    let words = String(cString: platform_error_text(EMFILE))
    #expect(words.contains("\(platform_descriptor_limit())") && words.contains("ulimit -n"))
    #expect(String(cString: platform_error_text(ENFILE)).contains("fs.file-max"))
    #expect(String(cString: platform_error_text(ENOENT)) == "No such file or directory")
  }

  @Test(
    "or not at all, with the reason in words",
    arguments: [
      ("/no/such/file", "/", "could not be started: No such file or directory (/no/such/file)"),
      ("/etc/passwd", "/", "could not be started: Permission denied (/etc/passwd)"),
      (
        "/bin/sh", "/no/such/directory",
        "could not be started: No such file or directory (directory /no/such/directory)"
      ),
    ])
  func refusal(executable: String, directory: String, words: String) async throws {
    try await Bench.run { bench in
      let child = ChildSpecification(name: "x", executable: executable, directory: directory)
      let error = await #expect(throws: SupervisionError.self) { try await bench.supervisor.start(child) }
      #expect(error?.code == .notStarted)
      #expect(error?.message == "Child 'x' \(words).")
      // Both the intent and the outcome were journaled.
      #expect(bench.recorder.now.phases("x") == [.spawning, .exited])
      #expect(bench.recorder.now.records.last?.status.lastExit?.text == words)
    }
  }

  @Test(
    "only when the specification can be followed",
    arguments: [
      ChildSpecification(name: "", executable: "/bin/true"),
      ChildSpecification(name: "a\nb", executable: "/bin/true"),
      ChildSpecification(name: String(repeating: "n", count: 257), executable: "/bin/true"),
      ChildSpecification(name: "n", executable: "true"),
      ChildSpecification(name: "n", executable: "/bin/true", arguments: ["a\0b"]),
      ChildSpecification(name: "n", executable: "/bin/true", environment: ["A=B": "c"]),
    ])
  func specification(_ child: ChildSpecification) async throws {
    try await Bench.run { bench in
      let error = await #expect(throws: SupervisionError.self) { try await bench.supervisor.start(child) }
      #expect(error?.code == .invalidSpecification)
      #expect(bench.recorder.now.records.isEmpty)
    }
  }

  @Test("once under a name, and again when it is over")
  func names() async throws {
    try await Bench.run(maximumChildren: 2) { bench in
      let sleeper = ChildSpecification(name: "one", executable: "/bin/sleep", arguments: ["1000"])
      try await bench.supervisor.start(sleeper)
      let again = await #expect(throws: SupervisionError.self) { try await bench.supervisor.start(sleeper) }
      #expect(again?.code == .exists)
      var other = sleeper
      other.name = "two"
      try await bench.supervisor.start(other)
      other.name = "three"
      let third = await #expect(throws: SupervisionError.self) { try await bench.supervisor.start(other) }
      #expect(third?.code == .exhausted)
      await bench.supervisor.stop("one")
      // The child that ended makes room.
      try await bench.supervisor.start(other)
      #expect(await bench.supervisor.children().map(\.name) == ["three", "two"])
    }
  }

  @Test("after it was journaled, and not if that fails")
  func journalFirst() async throws {
    try await Bench.run { bench in
      bench.recorder.refuse(.spawning)
      let marker = bench.directory + "/ran"
      let child = try bench.shell("j", "echo > \(marker); echo up; exec sleep 1000")
      let error = await #expect(throws: SupervisionError.self) { try await bench.supervisor.start(child) }
      #expect(error?.message == "Child 'j' could not be started: the disk is full.")
      #expect(!FileManager.default.fileExists(atPath: marker))

      bench.recorder.refuse(.ready)
      try await bench.serve(child)
      try await waitUntil("the record says that it is not journaled") {
        await bench.supervisor.child("j")?.condition(.journaled)?.status == .false
      }
      bench.recorder.refuse(nil)
      await bench.supervisor.stop("j")
      let phases = bench.recorder.now.phases("j")
      #expect(phases.first == .exited, "the failed start")
      #expect(phases.last == .exited)
      #expect(await bench.supervisor.child("j")?.condition(.journaled)?.status == .true)
    }
  }
}
