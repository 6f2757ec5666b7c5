import Foundation
import StateStore
import Synchronization
import Testing
import Turns

@testable import Supervision

@Suite("The output of supervised children", .takesTurns) struct SupervisorOutputTests {
  @Test("is read to its end, including output just before the exit")
  func complete() async throws {
    try await Bench.run { bench in
      for lifetime in ChildLifetime.allCases {
        let child = try bench.shell(
          "\(lifetime)", "seq 20000; printf 'no newline'", lifetime: lifetime, readiness: .started)
        try await bench.supervisor.start(child)
        try await bench.supervisor.waitUntilOver("\(lifetime)")
        #expect(bench.recorder.now.texts("\(lifetime)") == (1...20000).map(String.init) + ["no newline"])
      }
    }
  }

  @Test("is split into lines if it has none, and does not delay other children")
  func endless() async throws {
    try await Bench.run { bench in
      try await bench.supervisor.start(
        bench.shell("endless", "exec cat /dev/zero | tr '\\0' 'x'", readiness: .started))
      try await bench.recorder.eventually("long lines come") { $0.texts("endless").count > 20 }
      try await bench.serve(bench.shell("beside", "echo up; exec sleep 1000"))
      await bench.supervisor.stop("endless")
      #expect(bench.recorder.now.texts("endless").dropLast().allSatisfy { $0.utf8.count == 64 * 1024 })
    }
  }

  @Test("may be closed by a child that lives on")
  func closed() async throws {
    try await Bench.run { bench in
      let child = try bench.shell("mute", "exec >&- 2>&-; echo > quiet; exec sleep 1000", readiness: .started)
      let record = try await bench.supervisor.start(child)
      try await waitUntil("it has closed its output") {
        FileManager.default.fileExists(atPath: bench.directory + "/quiet")
      }
      #expect(lives(record.status.process!))
      #expect(await bench.supervisor.child("mute")?.status.phase == .ready)
    }
  }

  @Test("is repaired if it is not UTF-8")
  func repaired() async throws {
    try await Bench.run { bench in
      try await bench.serve(bench.shell("raw", "printf '\\377\\376x\\n'; echo up; exec sleep 1000"))
      #expect(bench.recorder.now.texts("raw").first == "\u{FFFD}\u{FFFD}x")
    }
  }
}

@Suite("Output in a file", .takesTurns) struct FileOutputTests {
  private final class Lines: Sendable {
    private let list = Mutex<[String]>([])
    var all: [String] { list.withLock { $0 } }
    func take(_ line: String) { list.withLock { $0.append(line) } }
  }

  private func append(_ text: String, to path: String) throws {
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  private func read(_ path: String, savesPosition: Bool = true) async throws -> [String] {
    let lines = Lines()
    try await onSupervisionThread {
      try FileOutput(path: path, isError: false, savesPosition: savesPosition) { line, _ in lines.take(line) }.finish()
    }
    return lines.all
  }

  @Test("is read from the last complete line on, or again if positions are not saved")
  func position() async throws {
    let directory = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/output"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    try append("one\ntwo\n", to: path)
    #expect(try await read(path, savesPosition: false) == ["one", "two"])
    #expect(try await read(path) == ["one", "two"])
    try append("three\n", to: path)
    #expect(try await read(path) == ["three"])
    // An invalid position starts from the beginning.
    try Data("-77".utf8).write(to: URL(fileURLWithPath: path + ".position"))
    #expect(try await read(path) == ["one", "two", "three"])
    try Data("99999999".utf8).write(to: URL(fileURLWithPath: path + ".position"))
    #expect(try await read(path) == ["one", "two", "three"])
  }

  @Test("releases the storage of read output and loses nothing")
  func release() async throws {
    let directory = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/output"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    let block = String(repeating: String(repeating: "x", count: 1023) + "\n", count: 1024)
    for _ in 0..<40 { try append(block, to: path) }
    #expect(try await read(path).count == 40 * 1024)
    var status = stat()
    stat(path, &status)
    #expect(Int64(status.st_blocks) * 512 < FileOutput.keptBytes + 1 << 20, "\(status.st_blocks) blocks")
    try append("last\n", to: path)
    #expect(try await read(path) == ["last"])
  }

  @Test("is skipped if the reader is too far behind, and that is reported")
  func skip() async throws {
    let directory = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/output"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    truncate(path, off_t(FileOutput.backlogBytes) + 10 << 20)
    try append("\nlast\n", to: path)
    let lines = try await read(path)
    #expect(lines.first?.hasSuffix("were skipped: they were written faster than they could be read]") == true)
    #expect(lines.last == "last")
    #expect(lines.count < 100)
  }

  private func onSupervisionThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await OnThread().run(body)
  }

  private actor OnThread {
    nonisolated var unownedExecutor: UnownedSerialExecutor { SupervisionThread.shared.asUnownedSerialExecutor() }
    func run(_ body: () throws -> Void) throws { try body() }
  }
}
