import ArgumentParser
import Coordinator
import Foundation
import LogStore
import Testing
import Turns

@testable import OperatorCLI

@Suite("The logs command", .takesTurns)
struct LogsCommandTests {
  private let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func query(_ arguments: [String]) throws -> LogQuery { try Logs.parse(arguments).query(at: now) }

  @Test("Without options all records are selected")
  func everything() throws { #expect(try query([]) == LogQuery()) }

  @Test("Options narrow the query")
  func options() throws {
    var expected = LogQuery(streams: [.events, .audit])
    expected.session = "s"
    expected.step = "t"
    expected.child = "c"
    expected.object = "session/s"
    expected.pattern = "a|b"
    expected.minimumLevel = .warning
    expected.tail = 5
    expected.since = 1_800_000_000_000 - 600_000
    expected.until = 1_764_000_000_250
    let arguments = [
      "--events", "--audit", "--session", "s", "--step", "t", "--child", "c", "--object", "session/s", "--grep", "a|b",
      "--level", "Warning", "--tail", "5", "--since", "10m", "--until", "2025-11-24T16:00:00.250Z",
    ]
    #expect(try query(arguments) == expected)
  }

  @Test(
    "Times are instants or durations",
    arguments: [
      ("0s", 1_800_000_000_000), ("90s", 1_799_999_910_000), ("2h", 1_799_992_800_000), ("7d", 1_799_395_200_000),
      ("2027-01-15T08:00:00Z", 1_800_000_000_000), ("2027-01-15T10:00:00+02:00", 1_800_000_000_000),
    ] as [(String, Int64)])
  func times(text: String, milliseconds: Int64) throws {
    #expect(try Logs.time(text, option: "--since", at: now) == milliseconds)
  }

  @Test(
    "Other values are rejected with an example",
    arguments: ["", "10", "m", "-5m", "1.5h", "nand", "infs", "yesterday", "99999999999999d", "2027-13-45T99:00:00Z"])
  func badTimes(text: String) {
    let error = #expect(throws: ValidationError.self) { try Logs.time(text, option: "--since", at: now) }
    #expect(error?.message.contains("2026-11-24T10:00:00Z") == true)
  }

  @Test(
    "Invalid options are rejected",
    arguments: [["--tail", "-1"], ["--follow", "--until", "1m"], ["--tail", "x"]])
  func refused(arguments: [String]) { #expect(throws: (any Error).self) { try Logs.parse(arguments) } }

  @Test("An unknown level is rejected with the list of levels")
  func badLevel() {
    let error = #expect(throws: ValidationError.self) { try query(["--level", "loud"]) }
    #expect(error?.message.contains("notice") == true)
  }

  @Test("The directory is that of the option, of the workspace, or of the only temporary workspace")
  func directories() throws {
    let root = NSTemporaryDirectory() + "gscoordinator-logs-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for directory in ["w/logs", "gscoordinator-\(getuid())/1/logs"] {
      try FileManager.default.createDirectory(atPath: root + "/" + directory, withIntermediateDirectories: true)
    }
    let environment = ["TMPDIR": root]
    func directory(_ arguments: [String]) throws -> String {
      try Logs.parse(arguments).resolveDirectory(environment: environment)
    }
    #expect(try directory(["--directory", root]) == root)
    #expect(try directory(["--workspace", root + "/w"]) == root + "/w/logs")
    #expect(try directory([]) == root + "/gscoordinator-\(getuid())/1/logs")
    #expect(throws: ValidationError.self) { try directory(["--workspace", root + "/none"]) }
    try FileManager.default.createDirectory(
      atPath: root + "/gscoordinator-\(getuid())/2/logs", withIntermediateDirectories: true)
    let error = #expect(throws: ValidationError.self) { try directory([]) }
    #expect(error?.message.contains("--directory") == true)
  }

  @Test("A record is one line without terminal control sequences")
  func lines() {
    var record = LogRecord(
      timeMilliseconds: 1_800_000_000_007, level: .error, message: "a\nb\u{1b}[31m\u{9b}1m\u{7f}\u{202e}\u{2028}é")
    record.session = "s\r"
    record.revision = 3
    #expect(record.consoleLine == "2027-01-15T08:00:00.007Z error a b [31m 1m   é session=s  revision=3")
    #expect(!record.jsonLine.contains("\n"))
    record.timeMilliseconds = -1
    #expect(record.consoleLine.hasPrefix("1969-12-31T23:59:59.999Z "))
    for time in [Int64.min, .max] {
      record.timeMilliseconds = time
      #expect(!record.consoleLine.isEmpty)
    }
  }
}
