import CPlatform
import Foundation
import StateStore
import Testing
import Turns

@testable import Supervision

/// Only root may start programs as other users.
let mayBeOthers = geteuid() == 0 && platform_lacking_capabilities() == 0

@Suite("A child that runs as another user", .takesTurns, .enabled(if: mayBeOthers, "needs root"))
struct ChildUserTests {
  /// Not in the user database.
  private static let user = ChildUser(number: 61_231, group: 61_232, groups: [61_232, 61_233])

  private func another(_ bench: Bench, _ script: String) throws -> ChildSpecification {
    var child = try bench.shell("s", script)
    child.user = Self.user
    // The directory of the script is accessible only to the user of the tests.
    child.arguments = ["-c", script]
    child.directory = "/"
    return child
  }

  @Test("is that user permanently: ids, groups, no capability, no way to gain one")
  func identity() async throws {
    try await Bench.run { bench in
      let record = try await bench.serve(
        another(bench, "cat /proc/self/status; echo up; cat /etc/shadow; exec sleep 1000"))
      #expect(record.spec.user == 61_231)
      let lines = bench.recorder.now.texts("s").map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
      func field(_ name: String) -> [String]? { lines.first { $0.first == name + ":" }.map { Array($0.dropFirst()) } }
      #expect(field("Uid") == Array(repeating: "61231", count: 4))
      #expect(field("Gid") == Array(repeating: "61232", count: 4))
      #expect(field("Groups") == ["61232", "61233"])
      for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(field(set) == ["0000000000000000"], "\(set)") }
      #expect(field("NoNewPrivs") == ["1"])
      try await bench.recorder.eventually("it may not read what is root's") { state in
        state.lines.contains { $0.isError && $0.text.contains("Permission denied") }
      }
      #expect(geteuid() == 0, "we are who we were")
    }
  }

  @Test("is found by its token and ended, and dies with the coordinator")
  func supervision() async throws {
    try await Bench.run { bench in
      let record = try await bench.serve(another(bench, "setsid sleep 1000 & echo up; exec sleep 1000"))
      let process = try #require(record.status.process)
      #expect(ProcessTable.token(process) == record.status.token)
      #expect(ProcessTable.members(tokens: [record.status.token]).count == 2)
      await bench.supervisor.stop("s")
      #expect(ProcessTable.members(tokens: [record.status.token]).isEmpty)
    }
  }

  @Test("opens its standard output by name, and has only the descriptors passed to it")
  func descriptors() async throws {
    let path = NSTemporaryDirectory() + "given-\(UUID().uuidString)"
    try "given".write(toFile: path, atomically: false, encoding: .utf8)
    chmod(path, 0o644)
    defer { unlink(path) }
    let given = open(path, O_RDONLY | O_CLOEXEC)
    let other = open(path, O_RDONLY | O_CLOEXEC)
    defer { for descriptor in [given, other] { close(descriptor) } }
    try await Bench.run { bench in
      var child = try another(
        bench, "ls /proc/$$/fd; cat /proc/$$/fd/\(given); echo; echo up >/dev/stdout; exec sleep 1000")
      child.descriptors = [given]
      try await bench.serve(child)
      let lines = bench.recorder.now.texts("s")
      #expect(lines.contains("given"))
      #expect(Set(lines.prefix { $0 != "given" }) == ["0", "1", "2", "\(given)"])
    }
  }

  @Test("fails to start if the user may not run the program or enter the directory, with the reason")
  func refusals() async throws {
    try await Bench.run { bench in
      var child = try another(bench, "")
      child.directory = bench.directory
      chmod(bench.directory, 0o700)
      let error = await #expect(throws: SupervisionError.self) { try await bench.supervisor.start(child) }
      #expect(error?.description.contains("as the user 61231") == true, "\(String(describing: error))")
    }
  }
}

@Suite("Files used as another user", .enabled(if: mayBeOthers, "needs root"))
struct OtherUsersFilesTests {
  @Test("are opened with that user's rights, and afterwards with the process's own")
  func rights() throws {
    let path = NSTemporaryDirectory() + "rights-\(UUID().uuidString)"
    try "x".write(toFile: path, atomically: false, encoding: .utf8)
    chmod(path, 0o600)
    defer { unlink(path) }
    var user = platform_user(user: 61_231, group: 61_232, groups: nil, group_count: 0)
    #expect(platform_files_as(&user) == 0)
    #expect(platform_files_as(&user) == 0)
    let refused = open(path, O_RDONLY)
    let code = errno
    platform_files_as_ourselves()
    #expect(open(path, O_RDONLY) < 0, "the outer one still counts")
    platform_files_as_ourselves()
    #expect(refused < 0 && code == EACCES)
    let descriptor = open(path, O_RDONLY)
    #expect(descriptor >= 0)
    close(descriptor)
  }
}
