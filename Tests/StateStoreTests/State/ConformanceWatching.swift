import StateStore
import Testing

extension StateStoreConformance {
  /// Streams of changes.
  static let watchingChecks: [Check] = [
    Check(name: "a watch delivers what is there and what comes, each once and in order") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        var revisions: [Revision] = []
        for index in 0..<10 { revisions.append(try await store.put(.put("k/\(index)", bytes("\(index)")))) }
        async let seen = conformance.collect(store, prefix: "k/", after: start, count: 40)
        for index in 10..<40 { revisions.append(try await store.put(.put("k/\(index)", bytes("\(index)")))) }
        let records = try await seen
        #expect(records.map(\.revision) == revisions)
        #expect(records.map(\.changes) == (0..<40).map { [.put("k/\($0)", bytes("\($0)"))] })
        #expect(records.allSatisfy { $0.author == "tester" && $0.summary == "test" })
      }
    },
    Check(name: "many watchers see what many writers do, all the same") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let watchers = (0..<4).map { _ in Task { try await conformance.collect(store, after: start, count: 60) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for writer in 0..<6 {
            group.addTask { for index in 0..<10 { try await store.put(.put("w\(writer)", bytes("\(index)"))) } }
          }
          try await group.waitForAll()
        }
        let history = try await store.history(after: start, limit: 100)
        #expect(history.count == 60)
        for watcher in watchers { #expect(try await watcher.value == history) }
      }
    },
    Check(name: "a watch begins behind its revision") { conformance in
      try await conformance.withStore { store in
        try await store.put(.put("a", bytes("1")))
        let second = try await store.put(.put("a", bytes("2")))
        let third = try await store.put(.put("a", bytes("3")))
        #expect(try await conformance.collect(store, after: second, count: 1).map(\.revision) == [third])
      }
    },
    Check(name: "a watch with a prefix sees its own keys, in records that have others too") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        try await store.put(.put("b/1", bytes("x")))
        try await store.put(.put("a/1", bytes("1")), .put("b/1", bytes("2")), .put("a/2", bytes("3")))
        try await store.put(.put("a", bytes("x")), .put("a0", bytes("x")))
        try await store.put(.delete("a/1"), .delete("b/1"))
        let records = try await conformance.collect(store, prefix: "a/", after: start, count: 2)
        #expect(
          records.map(\.changes) == [[.put("a/1", bytes("1")), .put("a/2", bytes("3"))], [.delete("a/1")]])
      }
    },
    Check(name: "a slow watcher misses nothing") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        try await within(conformance.patience, "all records") {
          var iterator = store.changes(prefix: "k", after: start).makeAsyncIterator()
          var seen: [Revision] = []
          var written: [Revision] = []
          for round in 0..<20 {
            for index in 0..<10 { written.append(try await store.put(.put("k\(index)", bytes("\(round)")))) }
            seen.append(try #require(try await iterator.next()).revision)
          }
          while seen.count < written.count { seen.append(try #require(try await iterator.next()).revision) }
          #expect(seen == written)
        }
      }
    },
    Check(name: "a watch ends when its task is cancelled, and others go on") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let cancelled = Task {
          var count = 0
          for try await _ in store.changes(prefix: "", after: start) { count += 1 }
          return count
        }
        let other = Task { try await conformance.collect(store, after: start, count: 2) }
        try await store.put(.put("a", bytes("1")))
        cancelled.cancel()
        let count = try await within(conformance.patience, "the cancelled watch to end") {
          do { return try await cancelled.value } catch is CancellationError { return 0 }
        }
        #expect(count <= 1)
        try await store.put(.put("a", bytes("2")))
        #expect(try await other.value.count == 2)
      }
    },
  ]
}
