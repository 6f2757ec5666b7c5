import AdminEndpoint
import ArgumentParser
import Foundation
import HTTPServing
import JSON
import Objects
import ServerConfiguration
import Support
import Testing
import Turns
import Wire
import Yams

@testable import OperatorCLI

@Suite("Arguments and output of the operators' commands", .takesTurns)
struct OperatorTextTests {
  @Test("Addresses are host:port or unix:path")
  func addresses() throws {
    #expect(try HTTPAddress(parsing: "localhost:80") == .tcp(host: "localhost", port: 80))
    #expect(try HTTPAddress(parsing: "[::1]:8080") == .tcp(host: "::1", port: 8080))
    #expect(try HTTPAddress(parsing: "unix:/a/b.sock") == .unix(path: "/a/b.sock"))
    for text in ["", "a", "a:", "a:0", "a:70000", ":1", "unix:", "a/b:1", "a?b:1", "u@h:1", "a b:1", "http://a:1"] {
      #expect(throws: ConfigurationError.self, "\(text)") { try HTTPAddress(parsing: text) }
    }
  }

  @Test("The default address is the socket in the workspace, which depends on the port by default")
  func defaultAddress() throws {
    var settings = Settings()
    settings.set(.workspace, to: "/w", from: .flag)
    #expect(try defaultAdminAddress(settings) == .unix(path: "/w/admin.sock"))
    let home = try defaultAdminAddress(Settings(), environment: ["HOME": "/home/u"])
    #expect(home == .unix(path: "/home/u/.local/state/gscoordinator/port-63800/admin.sock"))
    settings = Settings()
    settings.set(.port, to: "0", from: .flag)
    #expect(throws: ConfigurationError.self) { try defaultAdminAddress(settings, environment: ["HOME": "/home/u"]) }
    #expect(throws: OperatorError.self) { try OperatorClient(.unix(path: "/" + String(repeating: "w", count: 107))) }
  }

  @Test("A workspace whose path is too long for a socket has one at a fixed other path")
  func longWorkspace() {
    let workspace = "/" + String(repeating: "w", count: 100)
    for length in 85...110 {
      let workspace = "/" + String(repeating: "v", count: length)
      guard case .unix(let path) = HTTPAddress.socket(ofWorkspace: workspace) else { return #expect(Bool(false)) }
      #expect(path.utf8.count <= HTTPAddress.maximumPathBytes)
    }
    guard case .unix(let path) = HTTPAddress.socket(ofWorkspace: workspace) else { return #expect(Bool(false)) }
    #expect(path.utf8.count < 108 && path.hasPrefix("/tmp/gscoordinator-"))
    #expect(HTTPAddress.socket(ofWorkspace: workspace) == .unix(path: path))
    #expect(HTTPAddress.socket(ofWorkspace: workspace + "x") != .unix(path: path))
  }

  @Test("A workspace is kept for a port, and temporary if it could not be found again")
  func workspaces() {
    var settings = Settings()
    #expect(WorkspaceChoice(settings, environment: ["XDG_STATE_HOME": "/s"]) == .kept("/s/gscoordinator/port-63800"))
    #expect(
      WorkspaceChoice(settings, environment: ["TMPDIR": "/t"]) == .temporary(below: "/t/gscoordinator-\(getuid())"))
    settings.set(.port, to: "../../etc", from: .flag)
    #expect(WorkspaceChoice(settings, environment: ["HOME": "/h", "TMPDIR": "/t"]).path == nil)
    settings.set(.port, to: "5000", from: .client)
    let own = WorkspaceChoice(settings, environment: ["HOME": "/h", "TMPDIR": "/t"])
    #expect(own == .temporary(below: "/t/gscoordinator-\(getuid())"))
    settings.set(.workspace, to: "/w", from: .file("f"))
    #expect(WorkspaceChoice(settings, environment: ["HOME": "/h"]) == .kept("/w"))
  }

  /// The parent command of these subcommands.
  private struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(
      subcommands: OperatorCommands.single, groupedSubcommands: OperatorCommands.groups)
  }

  @Test(
    "Invalid arguments are rejected before any request",
    arguments: [
      ["get", "sesions"], ["get", "sessions", "--watch", "--at", "1"], ["get", "sessions", "--at", "-1"],
      ["get", "sessions", "a", "--owner", "x"], ["get", "sessions", "-o", "xml"], ["get"], ["describe"],
      ["close"], ["close", "session"], ["close", "a", "b"], ["close", "step", "a"], ["close", "steps/a/1"],
      ["cancel", "step"], ["cancel", "a/1", "b/2"], ["cancel", "session", "a"],
      ["scale", "step", "a", "--workers", "2"],
      ["get", "sessions", "--engine", "embedded"], ["history", "--threads", "2"], ["state", "repair", "--socket", "x"],
      ["describe", "session", "a", "--at", "-1"],
      ["events", "--since", "10"], ["events", "--since", "-1m"], ["events", "--since", "99999999999999999999d"],
      ["events", "--limit", "0"], ["history", "--after", "-1"], ["history", "--limit", "1001"], ["diff"],
      ["diff", "-1"], ["diff", "5", "4"],
    ])
  func refusedArguments(arguments: [String]) throws {
    #expect(throws: (any Error).self) {
      let command = try Root.parseAsRoot(arguments)
      // The kind is resolved when the command runs.
      if let get = command as? OperatorGet { _ = try get.object.resolve() }
    }
  }

  @Test("A kind has plural, singular and short names; for others the nearest is suggested")
  func kinds() throws {
    for name in ["sessions", "Session", "SESS"] {
      #expect(try OperatorGet.parse([name]).object.resolve().kind == .session)
    }
    #expect(try OperatorGet.parse(["gs/x/y"]).object.resolve() == (.graphService, "x/y"))
    #expect(try OperatorGet.parse(["step", "a/1"]).object.resolve() == (.step, "a/1"))
    let error = #expect(throws: RequestError.self) { try OperatorGet.parse(["sesions"]).object.resolve() }
    #expect(error?.description.contains("'sessions'") == true)
  }

  @Test(
    "Ages are shown in their two largest units",
    arguments: [
      (0, "0s"), (59, "59s"), (60, "1m"), (61, "1m1s"), (3599, "59m59s"), (3600, "1h"), (3661, "1h1m"),
      (86399, "23h59m"), (86400, "1d"), (100_000, "1d3h"), (31_536_000, "365d"), (-5, "0s"),
    ] as [(Int64, String)])
  func ages(seconds: Int64, text: String) {
    #expect(OperatorTime.age(1_000_000 - seconds * 1000, now: 1_000_000) == text)
  }

  @Test("Invalid times are shown as empty")
  func extremeTimes() {
    #expect(OperatorTime.text(0) == "1970-01-01T00:00:00.000Z")
    #expect(OperatorTime.text(1_700_000_000_123) == "2023-11-14T22:13:20.123Z")
    #expect(OperatorTime.text(Int64.min) == "" && OperatorTime.text(Int64.max) == "" && OperatorTime.text(nil) == "")
    #expect(OperatorTime.age(Int64.min, now: Int64.max) == "0s")
    #expect(OperatorTime.age(nil, now: 5) == "")
  }

  @Test(
    "An amount is shown with its unit, which is removed from its name",
    arguments: [
      ("leaseMilliseconds", "600000", "lease", "10m"), ("leaseMilliseconds", "250", "lease", "250ms"),
      ("leaseMilliseconds", "1500", "lease", "1.5s"), ("leaseMilliseconds", "9000000", "lease", "2h30m"),
      ("sinceMilliseconds", "1700000000123", "since", "2023-11-14T22:13:20.123Z"),
      ("memoryBytes", "1610612736", "memory", "1.5 GiB"), ("diskBytes", "0", "disk", "0 bytes"),
      ("cpuMillicores", "1500", "cpu", "1.5 cores"), ("sharePercent", "12.5", "share", "12.5%"),
      ("sharePercent", "100", "share", "100%"), ("workers", "4", "workers", "4"),
      ("leaseMilliseconds", "\"long\"", "leaseMilliseconds", "long"), ("leaseMilliseconds", "null", "lease", ""),
      ("Bytes", "5", "Bytes", "5"), ("leaseMilliseconds", "-9223372036854775808", "lease", "-106751991167d7h"),
    ])
  func units(key: String, json: String, name: String, text: String) throws {
    let value = try JSONValue(parsing: json)
    #expect(ObjectUnit(key: key).name(of: value) == name)
    #expect(value.cell(key: key) == text)
  }

  @Test("A command names its object with or without the kind")
  func words() throws {
    for words in [["a"], ["session", "a"], ["sessions", "a"], ["session/a"]] {
      #expect(try ObjectWords(words, of: .session).name == "a", "\(words)")
    }
    for words in [["a/1"], ["step", "a/1"], ["steps/a/1"]] {
      #expect(try ObjectWords(words, of: .step).name == "a/1", "\(words)")
    }
    let error = #expect(throws: ValidationError.self) { try ObjectWords(["step", "a/1"], of: .session) }
    #expect(error?.message.contains("gscoordinator get sessions") == true)
  }

  @Test("Durations have a unit")
  func lengths() {
    #expect(OperatorTime.milliseconds("90s") == 90_000)
    #expect(OperatorTime.milliseconds("10m") == 600_000)
    #expect(OperatorTime.milliseconds("2h") == 7_200_000)
    #expect(OperatorTime.milliseconds("7d") == 604_800_000)
    for text in ["", "s", "10", "-1s", "1.5h", "1w", "9223372036854775807d"] {
      #expect(OperatorTime.milliseconds(text) == nil, "\(text)")
    }
  }

  @Test("Stored text cannot move the cursor, end a line or reverse text")
  func harmless() {
    let hostile = "a\u{1b}[31m\r\nb\u{7f}\u{9b}c\u{202e}d\u{2028}e\u{200f}"
    #expect(hostile.harmless() == "a\u{fffd}[31m\u{fffd}\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}")
    #expect("grün 漢字 👍".harmless() == "grün 漢字 👍")
    var table = TextTable(["A", "B"])
    let lines = table.lines([[hostile, String(repeating: "x", count: 500)], ["", ""]])
    #expect(lines.allSatisfy { line in !line.unicodeScalars.contains { $0.value < 0x20 } })
    #expect(lines[1].hasSuffix("…") && lines[1].count < 240)
    #expect(lines[2].hasPrefix("- "))
  }

  @Test("An object with any contents is shown safely in every format")
  func hostileObject() throws {
    let text =
      "{\"name\":\"a\\u001b]0;x\\u0007\",\"kind\":7,\"owner\":[1],\"createdMilliseconds\":\"x\","
      + "\"spec\":{\"k\\n\":{\"deep\":[[1,{}],{\"l\":\"\\u202e\"}]}},\"status\":null,\"conditions\":[1,{\"type\":\"T\"}]}"
    let object = try JSONValue(parsing: text)
    let columns = ObjectColumns([object], of: .session, isWide: true)
    var table = TextTable(columns.titles)
    let description = ObjectDescription(object, events: [.null, .object([])], now: 0).lines
    let json = try #require(try OutputFormat.json.document(object))
    let yaml = try #require(try OutputFormat.yaml.document(object))
    let shown =
      table.lines([columns.row(object, now: 0)]) + description + json.split(separator: "\n").map(String.init)
      + yaml.split(separator: "\n").map(String.init)
    for line in shown { #expect(line.harmless() == line, "\(line.debugDescription)") }
    #expect(try JSONValue(parsing: json) == object)
  }

  @Test("YAML distinguishes strings from other values that look the same")
  func yaml() throws {
    let value = JSONValue.object([
      (
        "text",
        .array(["1", "true", "null", "~", "1e3", "0x10", "", " a", "a: b", "- c", "2020-01-01"].map { .string($0) })
      ),
      ("numbers", .array([.integer(1), .double(1.5), .double(1e300)])), ("flag", .bool(true)), ("none", .null),
      ("empty", .object([])), ("list", .array([])), ("123", .string("line\nline")),
    ])
    let text = try #require(try OutputFormat.yaml.document(value))
    let loaded = try #require(try Yams.load(yaml: text) as? [String: Any])
    let texts = try #require(loaded["text"] as? [Any])
    #expect(
      texts.compactMap { $0 as? String }
        == ["1", "true", "null", "~", "1e3", "0x10", "", " a", "a: b", "- c", "2020-01-01"])
    #expect(loaded["numbers"] as? [Double] == [1, 1.5, 1e300] || (loaded["numbers"] as? [Any])?.count == 3)
    #expect(loaded["flag"] as? Bool == true && loaded["none"] is NSNull && loaded["123"] as? String == "line\nline")
    #expect((loaded["empty"] as? [String: Any])?.isEmpty == true && (loaded["list"] as? [Any])?.isEmpty == true)
  }

  @Test("A watch prints rows after the first table, and nothing before it")
  func watchView() throws {
    var view = WatchView(.session, output: .table)
    let object = try JSONValue(parsing: #"{"name":"abc","status":{"phase":"up"},"createdMilliseconds":0}"#)
    func line(_ type: String, _ object: JSONValue?) -> JSONValue {
      .object([("type", .string(type))] + (object.map { [("object", $0)] } ?? []))
    }
    #expect(try view.take(line("put", object), now: 1000) == [])
    #expect(try view.take(line("snapshot", object), now: 1000) == [])
    #expect(
      try view.take(line("snapshot", nil), now: 1000) == ["NAME   STATUS   OWNER   AGE", "abc    up       -       1s"])
    #expect(try view.take(line("delete", object), now: 2000) == ["abc    Deleted   -       2s"])
    #expect(try view.take(line("unheard of", object), now: 2000) == [])
  }

  @Test("A difference shows added, removed and changed keys, with places and authors")
  func diffText() throws {
    let difference = try JSONValue(
      parsing: """
        {"from":1,"to":9,"isCut":true,"items":[
        {"type":"added","key":"jobs/n"},{"type":"removed","key":"jobs/o","revision":4},
        {"type":"changed","key":"jobs/c","isCut":true,"differences":[
        {"path":"x.y","old":"1","new":"2"},{"path":"x.gone","old":"true"},{"path":"","new":"[1]\\u001b"}]}],
        "transactions":[
        {"revision":4,"timeMilliseconds":0,"author":"a","summary":"s","changes":[{"type":"delete","key":"jobs/o"}]}]}
        """)
    #expect(
      DiffText(difference).lines == [
        "Between revisions 1 and 9:", "+ jobs/n", "- jobs/o", "    by a: s (revision 4, 1970-01-01T00:00:00.000Z)",
        "~ jobs/c", "    x.y: 1 → 2", "    x.gone: true → nothing", "    value: nothing → [1]\u{fffd}",
        "    … and more",
        "… and more: select some with --prefix or a smaller range of revisions.",
      ])
  }
}
