import Testing
import Turns

@testable import StateStore

@Suite("Changes between two revisions, and their authors", .takesTurns)
struct StateDiffTests {
  @Test("added, removed and changed keys are listed with the places in their values")
  func diff() async throws {
    let store = InMemoryStateStore()
    try await store.put(
      .put("sessions/a", bytes(#"{"status":{"phase":"connected","n":1},"conditions":[{"holds":true}]}"#)),
      .put("sessions/b", bytes("{}")), .put("sessions/same", bytes("1")), .put("steps/a", bytes("1")))
    let from = try await store.newest()
    let detached = try await store.put(
      .put("sessions/a", bytes(#"{"status":{"phase":"detached","n":1},"conditions":[{"holds":false},{}],"x":"y"}"#)),
      .put("steps/a", bytes("2")), summary: "connection lost")
    let removed = try await store.put(.delete("sessions/b"), .put("sessions/c", bytes("{\"new\":1}")))
    try await store.put(.put("sessions/d", []))
    try await store.put(.delete("sessions/d"))
    try await store.put(.put("sessions/late", []))
    let diff = try await StateDiff(store, prefix: "sessions/", from: from, to: removed + 2)

    #expect(diff.from == from && diff.to == removed + 2 && !diff.isCut)
    #expect(
      diff.keys == [
        StateDiff.Key(
          key: "sessions/a",
          change: .changed(
            [
              .init(path: "conditions[0].holds", old: "true", new: "false"),
              .init(path: "conditions[1]", old: nil, new: "{}"),
              .init(path: "status.phase", old: "\"connected\"", new: "\"detached\""),
              .init(path: "x", old: nil, new: "\"y\""),
            ], isCut: false), revision: detached),
        StateDiff.Key(key: "sessions/b", change: .removed(bytes("{}")), revision: removed),
        StateDiff.Key(key: "sessions/c", change: .added(bytes("{\"new\":1}")), revision: removed),
      ])
    #expect(diff.records.map(\.revision) == Array(detached...removed + 2))
    #expect(diff.records[0].summary == "connection lost" && diff.records[0].author == "tester")
    #expect(diff.records[0].changes.map(\.key) == ["sessions/a"])
    let phase = StateDiff.Difference(path: "status.phase", old: "\"connected\"", new: "\"detached\"")
    #expect(phase.description == "status.phase: \"connected\" → \"detached\"")
  }

  @Test("nothing differs from itself; a wrong order and compacted revisions are reported")
  func edges() async throws {
    let store = InMemoryStateStore()
    for index in 0..<5 { try await store.put(.put("a", bytes("\(index)"))) }
    let same = try await StateDiff(store, from: 5)
    #expect(same.keys.isEmpty && same.records.isEmpty && same.to == 5)
    await expect(.invalidArgument) { _ = try await StateDiff(store, from: 3, to: 2) }
    await expect(.invalidArgument) { _ = try await StateDiff(store, from: 3, to: 9) }
    try await store.compact(before: 3)
    await expect(.compacted) { _ = try await StateDiff(store, from: 2) }
    #expect(try await StateDiff(store, from: 3).records.map(\.revision) == [4, 5])
  }

  @Test("long differences are truncated, and that is reported")
  func bounds() async throws {
    let store = InMemoryStateStore()
    let members = (0..<30).map { "\"m\($0)\":\"\(String(repeating: "x", count: 300))\"" }.joined(separator: ",")
    try await store.put(.put("a", bytes("{}")))
    try await store.put(.put("a", bytes("{\(members)}")))
    for index in 0..<20 { try await store.put(.put("k/\(index)", bytes("1"))) }
    var bounds = StateDiff.Bounds()
    bounds.differencesOfKey = 10
    bounds.valueCharacters = 50
    bounds.records = 7
    bounds.keys = 5
    let diff = try await StateDiff(store, from: 1, bounds: bounds)
    #expect(diff.isCut && diff.records.count == 7 && diff.keys.count == 5)
    guard case .changed(let differences, isCut: true) = diff.keys[0].change else {
      Issue.record("\(diff.keys[0].change)")
      return
    }
    #expect(differences.count == 10 && differences.allSatisfy { $0.new!.count == 51 && $0.new!.hasSuffix("…") })
  }

  @Test("values that are not JSON are compared as a whole; names that look like paths are quoted")
  func oddValues() async throws {
    let cases: [(String, [UInt8], [UInt8], [StateDiff.Difference])] = [
      ("text", bytes("one"), bytes("two"), [.init(path: "", old: "\"one\"", new: "\"two\"")]),
      ("bytes", [0xff], [0xfe, 0xff], [.init(path: "", old: "1 bytes", new: "2 bytes")]),
      ("to JSON", [], bytes("{}"), [.init(path: "", old: "\"\"", new: "\"{}\"")]),
      (
        "names", bytes(#"{"a.b":1,"":2}"#), bytes(#"{"a.b":2,"":3}"#),
        [.init(path: "\"\"", old: "2", new: "3"), .init(path: "\"a.b\"", old: "1", new: "2")]
      ),
      ("kinds", bytes("[1]"), bytes("{}"), [.init(path: "", old: "[1]", new: "{}")]),
      ("space", bytes("{ }"), bytes("{}"), []),
      (
        "nesting", bytes(String(repeating: "[", count: 200_000)), bytes("1"),
        [.init(path: "", old: "\"" + String(repeating: "[", count: 199) + "…", new: "\"1\"")]
      ),
    ]
    for (name, old, new, expected) in cases {
      let (found, _) = JSONDifference.between(old, new, bound: 10, characters: 200)
      #expect(found == expected, "\(name)")
    }
  }
}
