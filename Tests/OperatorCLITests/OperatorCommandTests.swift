import AdminEndpoint
import ArgumentParser
import Coordinator
import Foundation
import HTTPServing
import JSON
import LogStore
import Objects
import StateStore
import Synchronization
import Testing
import Turns
import Wire
import Yams

@testable import OperatorCLI

@Suite("The operators' commands against a running endpoint", .takesTurns, .timeLimit(.minutes(2)))
struct OperatorCommandTests {
  @Test("get shows objects as a table")
  func table() async throws {
    try await OperatorFixture.run { fixture async throws in
      try await fixture.put(.session, "long-name")
      try await fixture.put(.session, "b", phase: "detached", owner: "uid 1000")
      let lines = try await fixture.output(OperatorGet.parse(["sessions"]).run)
      #expect(
        lines == [
          "NAME        STATUS      OWNER      AGE",
          "b           detached    uid 1000   1m30s",
          "long-name   connected   uid 0      1m30s",
        ])
      #expect(try await fixture.output(OperatorGet.parse(["session", "b"]).run).count == 2)
      #expect(try await fixture.output(OperatorGet.parse(["sess/b"]).run).count == 2)
      #expect(try await fixture.output(OperatorGet.parse(["jobs"]).run) == ["No jobs found."])
      let owned = try await fixture.output(OperatorGet.parse(["sessions", "--owner", "uid 1000"]).run)
      #expect(owned.count == 2)
    }
  }

  @Test("get -o wide adds members of the kind, conditions and the revision")
  func wide() async throws {
    try await OperatorFixture.run { fixture async throws in
      try await fixture.put(.session, "a", phase: "detached")
      let lines = try await fixture.output(OperatorGet.parse(["sessions", "-o", "wide"]).run)
      #expect(
        lines == [
          "NAME   STATUS     OWNER   AGE     ENGINE     CONDITIONS      REVISION",
          "a      detached   uid 0   1m30s   embedded   !Ready(Phase)   1",
        ])
    }
  }

  @Test("get shows whole objects as JSON and YAML, and lists over all pages")
  func documents() async throws {
    try await OperatorFixture.run { fixture async throws in
      for number in 1000..<1600 { try await fixture.put(.session, "s\(number)") }
      let json = try await fixture.output(OperatorGet.parse(["sessions", "-o", "json"]).run).joined(separator: "\n")
      let list = try JSONValue(parsing: json)
      #expect(list["items"]?.elements?.count == 600)
      #expect(list["revision"] == .integer(600) && list["continue"] == nil)
      let object = list["items"]?.elements?[0]
      #expect(object?["createdMilliseconds"] == .integer(OperatorFixture.now - 90_000))
      let yaml = try await fixture.output(OperatorGet.parse(["sessions", "s1000", "-o", "yaml"]).run).joined()
      let document = try #require(try Yams.load(yaml: yaml) as? [String: Any])
      #expect(document["name"] as? String == "s1000")
      #expect((document["status"] as? [String: Any])?["phase"] as? String == "connected")
      #expect(document["createdMilliseconds"] as? Int == Int(OperatorFixture.now - 90_000))
    }
  }

  @Test("get --at shows a past revision")
  func past() async throws {
    try await OperatorFixture.run { fixture async throws in
      let first = try await fixture.put(.session, "a", phase: "connected")
      try await fixture.put(.session, "a", phase: "closed")
      let lines = try await fixture.output(OperatorGet.parse(["sessions", "--at", "\(first)"]).run)
      #expect(lines.last?.contains("connected") == true)
      #expect(try await fixture.output(OperatorGet.parse(["sessions", "a"]).run).last?.contains("closed") == true)
      try await fixture.store.compact(before: 2)
      let error = await #expect(throws: OperatorError.self) {
        _ = try await fixture.output(OperatorGet.parse(["sessions", "a", "--at", "\(first)"]).run)
      }
      #expect(error?.description.hasPrefix("COMPACTED: ") == true)
    }
  }

  @Test("get --watch shows existing objects and then every change")
  func watch() async throws {
    try await OperatorFixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      let lines = LineCollector()
      let client = try fixture.client()
      let task = Task { try await OperatorGet.parse(["sessions", "--watch"]).run(client, lines.console) }
      #expect(
        await lines.next(2) == ["NAME   STATUS      OWNER   AGE", "a      connected   uid 0   1m30s"])
      try await fixture.put(.session, "b", phase: "detached")
      #expect(await lines.next(1) == ["b      detached    uid 0   1m30s"])
      try await fixture.delete(.session, "a")
      #expect(await lines.next(1) == ["a      Deleted     -       -"])
      await fixture.stop()
      let error = await #expect(throws: OperatorError.self) { try await task.value }
      #expect(error?.description.contains("ended the watch") == true)
    }
  }

  @Test("get --watch -o json writes a line for every change")
  func watchJSON() async throws {
    try await OperatorFixture.run { fixture async throws in
      let lines = LineCollector()
      let client = try fixture.client()
      let task = Task { try await OperatorGet.parse(["sessions/a", "-w", "-o", "json"]).run(client, lines.console) }
      #expect(await lines.next(1) == [#"{"type":"snapshot","revision":0}"#])
      try await fixture.put(.session, "a")
      let line = try JSONValue(parsing: try #require(await lines.next(1).first))
      #expect(line["type"]?.text == "put" && line["object"]?["name"]?.text == "a")
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test("describe shows everything about an object, including its events")
  func describe() async throws {
    try await OperatorFixture.run { fixture async throws in
      try await fixture.put(.session, "a", phase: "detached")
      var event = LogRecord(timeMilliseconds: OperatorFixture.now - 61_000, level: .warning, message: "its client left")
      event.object = "session/a"
      event.reason = "Detached"
      var other = event
      other.object = "session/ab"
      fixture.plane.events.withLock { $0 = [event, other] }
      let lines = try await fixture.output(OperatorDescribe.parse(["session", "a"]).run)
      #expect(
        lines == [
          "Name:      a",
          "Kind:      session",
          "Owner:     uid 0",
          "Created:   2023-11-14T22:11:50.000Z (1m30s ago)",
          "Revision:  1",
          "Spec:",
          "  engine: embedded",
          "Status:",
          "  phase: detached",
          "Conditions:",
          "  TYPE    STATUS   REASON   AGE   MESSAGE",
          "  Ready   false    Phase    5s    it is detached",
          "Events:",
          "  AGE    LEVEL     REASON     MESSAGE",
          "  1m1s   warning   Detached   its client left",
        ])
    }
  }

  @Test("events shows events of an object, since a time, and follows them")
  func events() async throws {
    try await OperatorFixture.run { fixture async throws in
      #expect(try await fixture.output(OperatorEvents.parse([]).run) == ["No events found."])
      var old = LogRecord(timeMilliseconds: OperatorFixture.now - 3_600_000, level: .notice, message: "old")
      old.object = "session/a"
      var new = LogRecord(timeMilliseconds: OperatorFixture.now - 1000, level: .error, message: "new\u{1b}[2J")
      (new.object, new.reason) = ("job/b", "Failed")
      fixture.plane.events.withLock { [old, new] in $0 = [old, new] }
      let all = try await fixture.output(OperatorEvents.parse([]).run)
      #expect(all.count == 3)
      #expect(all[2] == "2023-11-14T22:13:19.000Z   error    Failed   job/b       new\u{fffd}[2J")
      let recent = try await fixture.output(OperatorEvents.parse(["--since", "10m"]).run)
      #expect(recent.count == 2)
      let one = try await fixture.output(OperatorEvents.parse(["--object", "sessions/a", "-o", "json"]).run)
      #expect(try JSONValue(parsing: one.joined())["items"]?.elements?.map { $0["message"]?.text } == ["old"])

      let lines = LineCollector()
      let client = try fixture.client()
      let task = Task { try await OperatorEvents.parse(["--follow"]).run(client, lines.console) }
      #expect(await lines.next(3).last?.hasSuffix("new\u{fffd}[2J") == true)
      fixture.plane.happens(old)
      #expect(await lines.next(1).first?.hasSuffix("   old") == true)
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test("history and diff show changes and their authors")
  func history() async throws {
    try await OperatorFixture.run { fixture async throws in
      #expect(try await fixture.output(OperatorHistory.parse([]).run) == ["No transactions found."])
      let first = try await fixture.put(.session, "a")
      try await fixture.put(.session, "a", phase: "closed", author: "uid 7")
      let last = try await fixture.delete(.session, "b")
      let history = try await fixture.output(OperatorHistory.parse(["--after", "1"]).run)
      #expect(history.count == 3)
      #expect(history[1].hasPrefix("2 ") && history[1].hasSuffix("uid 7    put a     +sessions/a"))
      let diff = try await fixture.output(OperatorDiff.parse(["\(first)"]).run)
      #expect(diff.prefix(3) == ["Between revisions \(first) and \(last):", "~ sessions/a", diff[2]])
      #expect(diff.contains(#"    status.phase: "connected" → "closed""#))
      #expect(diff.contains("    conditions[0].holds: true → false"))
      #expect(diff.last?.hasPrefix("    by uid 7: put a (revision 2, ") == true)
      let nothing = try await fixture.output(OperatorDiff.parse(["2", "3"]).run)
      #expect(nothing == ["Nothing changed between revisions 2 and 3."])
    }
  }

  @Test("The commands find the coordinator of a workspace by its Unix socket")
  func workspaceSocket() async throws {
    try await OperatorFixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      for arguments in [
        ["sessions", "--workspace", fixture.workspace],
        ["sessions", "--address", "unix:\(fixture.workspace)/admin.sock"],
        ["sessions", "--address", fixture.addresses[0].description],
      ] {
        let command = try OperatorGet.parse(arguments)
        let lines = LineCollector()
        try await command.run(command.options.client(), lines.console)
        #expect(lines.all.count == 2)
      }
    }
  }

  @Test("If there is no answer, the error contains the address and a remedy")
  func nobody() async throws {
    try await OperatorFixture.run { fixture async throws in
      await fixture.stop()
      for address in fixture.addresses {
        let client = try OperatorClient(address)
        let error = await #expect(throws: OperatorError.self) { try await client.get("/healthz") }
        #expect(error?.description.contains("no coordinator answers at \(address)") == true)
        #expect(error?.description.contains("--address") == true)
        if case .tcp(let host, let port) = address {
          #expect(error?.description.contains("\(host) port \(port)") == true, "the reason that libcurl states")
        }
      }
    }
  }

  @Test("An error of the endpoint is shown with its hint")
  func refusals() async throws {
    try await OperatorFixture.run { fixture async throws in
      let error = await #expect(throws: OperatorError.self) {
        _ = try await fixture.output(OperatorGet.parse(["session", "none"]).run)
      }
      #expect(error?.description.hasPrefix("NOT_FOUND: there is no session 'none'. ") == true)
    }
  }
}
