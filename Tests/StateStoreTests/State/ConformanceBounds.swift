import StateStore
import Testing

extension StateStoreConformance {
  /// Hostile keys and values, and limits.
  static let boundChecks: [Check] = [
    Check(name: "keys that cannot be are refused everywhere, and nothing is applied") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")))
        let tooLong = String(repeating: "k", count: conformance.limits.keyBytes + 1)
        for key in ["", "a\0b", "\0", tooLong] {
          await expect(.invalidArgument) { try await store.put(.put("b", bytes("1")), .put(key, bytes("1"))) }
          await expect(.invalidArgument) { try await store.put(.delete(key)) }
          await expect(.invalidArgument) { try await store.put(.put("b", bytes("1")), if: [.absent(key)]) }
          await expect(.invalidArgument) { _ = try await store.entry(key) }
        }
        for prefix in ["a\0", tooLong] {
          await expect(.invalidArgument) { _ = try await store.entries(prefix: prefix) }
        }
        #expect(try await store.newest() == first)
        #expect(try await store.entries(prefix: "").entries.map(\.key) == ["a"])
      }
    },
    Check(name: "a key as long as can be is kept") { conformance in
      try await conformance.withStore { store in
        let key = String(repeating: "\u{1f600}", count: conformance.limits.keyBytes / 4)
        try await store.put(.put(key, bytes("1")))
        #expect(try await store.text(key) == "1")
        #expect(try await store.entries(prefix: key).entries.count == 1)
      }
    },
    Check(name: "values are bytes: empty, NUL and what is not UTF-8 come back as they were") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let values: [[UInt8]] = [
          [], [0], [0, 1, 0], [0xff, 0xfe, 0xc0, 0x80], Array(0...255), bytes("{\"a\":\"\\u0000\"}"),
        ]
        for (index, value) in values.enumerated() { try await store.put(.put("v/\(index)", value)) }
        #expect(try await store.entries(prefix: "v/").entries.map(\.value) == values)
        #expect(try await store.entry("v/0")?.value == [])
        let seen = try await conformance.collect(store, prefix: "v/", after: start, count: values.count)
        #expect(seen.map(\.changes) == values.enumerated().map { [.put("v/\($0)", $1)] })
      }
    },
    Check(name: "large values are kept up to the bound, and refused above it") { conformance in
      try await conformance.withStore { store in
        let generous = min(conformance.limits.valueBytes, conformance.limits.transactionBytes - 65_536)
        let value = [UInt8](repeating: 0x61, count: generous)
        let first = try await store.put(.put("large", value))
        #expect(try await store.entry("large")?.value == value)
        let tooLarge = [UInt8](repeating: 0x61, count: conformance.limits.valueBytes + 1)
        await expect(.invalidArgument) { try await store.put(.put("large", tooLarge)) }
        await expect(.invalidArgument) {
          try await store.put(.put("x", value), .put("y", value), .put("z", [0x61]))
        }
        #expect(try await store.newest() == first)
      }
    },
    Check(name: "a transaction has a bounded number of changes and conditions, and no key twice") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let bound = conformance.limits.changes
        func changes(_ count: Int) -> [StateChange] { (0..<count).map { .put("k/\($0)", bytes("\($0)")) } }
        await expect(.invalidArgument) {
          _ = try await store.commit(
            StateTransaction(author: "tester", summary: "too many", changes: changes(bound + 1)))
        }
        await expect(.invalidArgument) {
          let conditions = (0...conformance.limits.conditions).map { StateCondition.absent("c/\($0)") }
          _ = try await store.commit(
            StateTransaction(author: "tester", summary: "too many", conditions: conditions, changes: []))
        }
        await expect(.invalidArgument) { try await store.put(.put("a", bytes("1")), .delete("a")) }
        await expect(.invalidArgument) { try await store.put(.put("a", bytes("1")), .put("a", bytes("2"))) }
        #expect(try await store.newest() == start)
        _ = try await store.commit(StateTransaction(author: "tester", summary: "as many", changes: changes(bound)))
        #expect(try await store.entries(prefix: "k/").entries.count == bound)
        #expect(try await store.history(after: start, limit: 1).first?.changes.count == bound)
      }
    },
    Check(name: "ids, authors and summaries are bounded text") { conformance in
      try await conformance.withStore { store in
        let long = String(repeating: "x", count: 1_000_000)
        let bad = [
          ("", "tester", "test"), (long, "tester", "test"), ("i\0", "tester", "test"), ("i", "", "test"),
          ("i", long, "test"), ("i", "tester", long), ("i", "tester", "a\0b"),
        ]
        for (id, author, summary) in bad {
          await expect(.invalidArgument) {
            _ = try await store.commit(
              StateTransaction(id: id, author: author, summary: summary, changes: [.put("a", bytes("1"))]))
          }
        }
        let odd = StateTransaction(
          id: "'; drop table x; --", author: "M\u{fc}ller \u{1f600}", summary: "\"quoted\" \\ line\nbreak",
          changes: [.put("'\"", bytes("1"))])
        let revision = try await store.commit(odd)
        let record = try #require(try await store.history(after: revision - 1, limit: 1).first)
        #expect(record.id == odd.id && record.author == odd.author && record.summary == odd.summary)
      }
    },
  ]
}
