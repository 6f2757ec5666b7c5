import Foundation
import Synchronization
import Testing

@testable import Supervision

/// A running `supervision-host`, which is built together with the tests.
final class Host: Sendable {
  private struct Life {
    var text = ""
    var lines: [String] = []
    var isOver = false
  }

  private let process: Process
  private let input = Pipe()
  private let life = Mutex(Life())

  /// Supervises the children of `children.json` in a directory.
  convenience init(_ directory: String, failpoint: String? = nil) throws {
    try self.init(arguments: [directory], failpoint: failpoint)
  }

  init(arguments: [String], failpoint: String? = nil) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process = Process()
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
      .appendingPathComponent("supervision-host")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
    process.environment?["SUPERVISION_FAILPOINT"] = failpoint
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let reading = output.fileHandleForReading
    Thread.detachNewThread { [self] in
      // Returns the available data; empty data means the end.
      while case let data = reading.availableData, !data.isEmpty { took(String(decoding: data, as: UTF8.self)) }
      life.withLock { $0.isOver = true }
    }
  }

  private func took(_ text: String) {
    life.withLock { life in
      life.text += text
      var parts = life.text.split(separator: "\n", omittingEmptySubsequences: false)
      life.text = String(parts.removeLast())
      life.lines += parts.map(String.init)
    }
  }

  /// The lines it has written.
  var lines: [String] { life.withLock { $0.lines } }

  /// Returns when it has written a matching line.
  func expect(sourceLocation: SourceLocation = #_sourceLocation, _ matches: (String) -> Bool) async throws {
    try await waitUntil("the host says what is expected; it said \(lines)", sourceLocation) {
      if lines.contains(where: matches) { return true }
      try #require(!life.withLock { $0.isOver }, "the host ended; it said \(lines)", sourceLocation: sourceLocation)
      return false
    }
  }

  /// Returns when it has written this line.
  func expect(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    try await expect(sourceLocation: sourceLocation) { $0 == line }
  }

  func tell(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data((text + "\n").utf8)) }

  func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

  /// Returns when it has ended.
  func end() async throws {
    try await waitUntil("the host ends; it said \(lines)") { !process.isRunning && life.withLock { $0.isOver } }
  }

  deinit { if process.isRunning { kill() } }
}
