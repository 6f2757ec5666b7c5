import StateStore
import Testing

extension StateStoreConformance {
  /// Current and earlier entries, prefixes, history, compaction, closing.
  static let readingChecks: [Check] = [
    Check(name: "prefixes are bytes, and keys are in the order of their bytes") { conformance in
      try await conformance.withStore { store in
        let keys = [
          "A", "a", "a%", "a%b", "a/", "a/b", "a/b/c", "a0", "a\\", "a_", "a_b", "ab", "b", "e\u{301}", "z", "\u{7f}",
          "\u{e9}", "\u{e9}t\u{e9}", "\u{ff}", "\u{ffff}", "\u{1f600}", "\u{10ffff}", "\u{10ffff}\u{10ffff}",
        ].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for key in keys.shuffled() { try await store.put(.put(key, bytes(key))) }
        for prefix in keys + ["", "a/b/", "c", "%", "_", "\u{10fffe}"] {
          let found = try await store.entries(prefix: prefix).entries
          #expect(
            found.map { Array($0.key.utf8) }
              == keys.filter { $0.utf8.starts(with: prefix.utf8) }.map { Array($0.utf8) },
            "prefix '\(prefix)'")
          #expect(found.allSatisfy { $0.value == Array($0.key.utf8) })
        }
      }
    },
    Check(name: "past states can be read at their revisions") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let first = try await store.put(.put("a", bytes("1")), .put("b", bytes("1")))
        let second = try await store.put(.put("a", bytes("2")))
        let third = try await store.put(.delete("a"), .put("c", bytes("3")))
        let fourth = try await store.put(.put("a", bytes("4")))
        #expect(try await store.entries(prefix: "", at: start) == StateSnapshot(revision: start, entries: []))
        #expect(try await store.entry("a", at: start) == nil)
        let old = StateEntry(key: "a", value: bytes("2"), created: first, modified: second)
        #expect(try await store.entry("a", at: second) == old)
        #expect(try await store.entries(prefix: "a", at: second) == StateSnapshot(revision: second, entries: [old]))
        #expect(try await store.entry("a", at: third) == nil)
        #expect(try await store.entries(prefix: "", at: third).entries.map(\.key) == ["b", "c"])
        #expect(try await store.entry("a", at: fourth) == (try await store.entry("a")))
        #expect(try await store.entries(prefix: "", at: fourth) == (try await store.entries(prefix: "")))
      }
    },
    Check(name: "a revision that is still to come cannot be read") { conformance in
      try await conformance.withStore { store in
        let newest = try await store.put(.put("a", bytes("1")))
        await expect(.invalidArgument) { _ = try await store.entry("a", at: newest + 1_000) }
        await expect(.invalidArgument) { _ = try await store.entries(prefix: "", at: newest + 1_000) }
        #expect(try await store.history(after: newest + 1_000, limit: 10).isEmpty)
      }
    },
    Check(name: "the history tells who did what, when and in which order") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let transactions = (0..<10).map { index in
          StateTransaction(
            id: "id-\(index)", author: "user \(index % 3)", summary: "step \(index)",
            changes: [.put("k", bytes("\(index)")), .put("l/\(index)", bytes("{}"))])
        }
        var revisions: [Revision] = []
        for transaction in transactions { revisions.append(try await store.commit(transaction)) }
        let all = try await store.history(after: start, limit: 100)
        #expect(all.map(\.revision) == revisions)
        #expect(all.map(\.id) == transactions.map(\.id))
        #expect(all.map(\.author) == transactions.map(\.author))
        #expect(all.map(\.summary) == transactions.map(\.summary))
        #expect(all.map(\.changes) == transactions.map(\.changes))
        #expect(all.allSatisfy { $0.timeMilliseconds > 1_600_000_000_000 && $0.timeMilliseconds < 9_000_000_000_000 })
        #expect(try await store.history(after: revisions[2], limit: 3).map(\.revision) == Array(revisions[3...5]))
        #expect(try await store.history(after: revisions[9], limit: 3).isEmpty)
        #expect(try await store.history(after: start, limit: 0).isEmpty)
        #expect(try await store.history(after: start, limit: -1).isEmpty)
        #expect(try await store.history(after: start, limit: .max).count == 10)
      }
    },
    Check(name: "compaction forgets what was overwritten or deleted before, and nothing else") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let first = try await store.put(.put("a", bytes("1")), .put("gone", bytes("1")), .put("still", bytes("1")))
        let second = try await store.put(.put("a", bytes("2")), .delete("gone"))
        let third = try await store.put(.put("a", bytes("3")), id: "third")
        let fourth = try await store.put(.put("a", bytes("4")), .put("b", bytes("4")))
        let atThird = try await store.entries(prefix: "", at: third)
        let now = try await store.entries(prefix: "")
        try await store.compact(before: third)

        #expect(try await store.entries(prefix: "", at: third) == atThird)
        #expect(try await store.entries(prefix: "") == now)
        #expect(try await store.entry("still", at: third)?.created == first)
        #expect(try await store.entry("gone", at: third) == nil)
        await expect(.compacted) { _ = try await store.entry("a", at: second) }
        await expect(.compacted) { _ = try await store.entries(prefix: "", at: second) }
        await expect(.compacted) { _ = try await store.history(after: start, limit: 10) }
        await expect(.compacted) { for try await _ in store.changes(prefix: "", after: start) { break } }
        #expect(try await store.history(after: third, limit: 10).map(\.revision) == [fourth])
        #expect(try await conformance.collect(store, after: third, count: 1).map(\.revision) == [fourth])
        #expect(try await store.put(.put("a", bytes("3")), id: "third") == third)
      }
    },
    Check(name: "compacting again, or less, is no error; compacting the future is") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")))
        let second = try await store.put(.put("a", bytes("2")))
        try await store.compact(before: second)
        try await store.compact(before: second)
        try await store.compact(before: first)
        await expect(.invalidArgument) { try await store.compact(before: second + 1_000) }
        #expect(try await store.text("a") == "2")
        let third = try await store.put(.delete("a"))
        try await store.compact(before: third)
        #expect(try await store.entry("a") == nil)
        let fourth = try await store.put(.put("a", bytes("4")))
        #expect(
          try await store.entry("a") == StateEntry(key: "a", value: bytes("4"), created: fourth, modified: fourth))
        try await store.compact(before: fourth)
        #expect(try await store.text("a") == "4")
      }
    },
    Check(name: "a closed store says so and ends its streams") { conformance in
      let store = try await conformance.make()
      let first = try await store.put(.put("a", bytes("1")))
      let ends = Task {
        try await within(conformance.patience, "the stream to end") {
          for try await _ in store.changes(prefix: "", after: first) {}
        }
      }
      let lease = try await store.grantLease(timeToLive: .seconds(60))
      await store.close()
      await store.close()
      try await ends.value
      await expect(.closed) { try await store.put(.put("a", bytes("2"))) }
      await expect(.closed) { _ = try await store.entry("a") }
      await expect(.closed) { _ = try await store.entries(prefix: "") }
      await expect(.closed) { _ = try await store.history(after: first, limit: 1) }
      await expect(.closed) { _ = try await store.grantLease(timeToLive: .seconds(60)) }
      await expect(.closed) { try await store.renewLease(lease) }
      await expect(.closed) { try await store.revokeLease(lease) }
      await expect(.closed) { try await store.compact(before: first) }
      for try await _ in store.changes(prefix: "", after: first) { Issue.record("a closed store has no changes") }
    },
  ]
}
