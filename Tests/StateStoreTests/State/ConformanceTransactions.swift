import StateStore
import Testing

extension StateStoreConformance {
  /// Atomicity, conditions, ids, order.
  static let transactionChecks: [Check] = [
    Check(name: "an empty store has no entries and no history") { conformance in
      try await conformance.withStore { store in
        let snapshot = try await store.entries(prefix: "")
        #expect(snapshot.entries.isEmpty)
        #expect(try await store.entry("a") == nil)
        #expect(try await store.history(after: snapshot.revision, limit: 10).isEmpty)
      }
    },
    Check(name: "a transaction changes all its keys at one revision") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")), .put("b", bytes("2")), .put("c", bytes("3")))
        let second = try await store.put(.put("a", bytes("4")), .delete("b"))
        #expect(second > first)
        let snapshot = try await store.entries(prefix: "")
        #expect(snapshot.revision == second)
        #expect(
          snapshot.entries == [
            StateEntry(key: "a", value: bytes("4"), created: first, modified: second),
            StateEntry(key: "c", value: bytes("3"), created: first, modified: first),
          ])
      }
    },
    Check(name: "a condition that does not hold leaves everything as it was") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")))
        let failing: [[StateCondition]] = [
          [.absent("a")], [.present("b")], [.unchanged("a", since: first + 1)], [.unchanged("b", since: first)],
          [.unchanged("a", since: 0)], [.present("a"), .absent("b"), .absent("a")],
        ]
        for conditions in failing {
          await expect(.conflict) {
            try await store.put(.put("a", bytes("9")), .put("z", bytes("9")), .delete("a/b"), if: conditions)
          }
        }
        let after = try await store.entries(prefix: "")
        #expect(after.revision == first)
        #expect(after.entries == [StateEntry(key: "a", value: bytes("1"), created: first, modified: first)])
      }
    },
    Check(name: "conditions that hold are judged before the changes") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")), if: [.absent("a"), .absent("b")])
        let second = try await store.put(
          .delete("a"), .put("b", bytes("2")), if: [.present("a"), .absent("b"), .unchanged("a", since: first)])
        let third = try await store.put(
          .put("a", bytes("3")), if: [.absent("a"), .present("b"), .unchanged("b", since: second)])
        #expect(try await store.entry("a")?.created == third)
      }
    },
    Check(name: "a key that was deleted and made again is a new one") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")))
        try await store.put(.delete("a"))
        #expect(try await store.entry("a") == nil)
        let third = try await store.put(.put("a", bytes("1")))
        #expect(try await store.entry("a")?.created == third)
        await expect(.conflict) { try await store.put(.put("a", bytes("2")), if: [.unchanged("a", since: first)]) }
      }
    },
    Check(name: "deleting what is not there is no error") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.delete("nothing"), .put("a", bytes("1")))
        #expect(try await store.entries(prefix: "").entries.map(\.key) == ["a"])
        #expect(try await store.put(.delete("nothing")) > first)
      }
    },
    Check(name: "a transaction without changes judges its conditions and takes a place in the order") { conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")))
        await expect(.conflict) { try await store.put(if: [.absent("a")]) }
        let second = try await store.put(if: [.present("a")], summary: "looked at it")
        #expect(second > first)
        #expect(try await store.history(after: first, limit: 10).map(\.summary) == ["looked at it"])
      }
    },
    Check(name: "a repeated id changes nothing and returns the earlier revision, even when the conditions fail now") {
      conformance in
      try await conformance.withStore { store in
        let first = try await store.put(.put("a", bytes("1")), if: [.absent("a")], id: "once")
        let second = try await store.put(.put("a", bytes("2")))
        #expect(try await store.put(.put("a", bytes("1")), if: [.absent("a")], id: "once") == first)
        #expect(try await store.text("a") == "2")
        #expect(try await store.newest() == second)
      }
    },
    Check(name: "an id whose transaction failed is free") { conformance in
      try await conformance.withStore { store in
        await expect(.conflict) { try await store.put(.put("a", bytes("1")), if: [.present("a")], id: "again") }
        try await store.put(.put("a", bytes("2")), id: "again")
        #expect(try await store.text("a") == "2")
      }
    },
    Check(name: "the same transaction sent many times at once is applied once") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let transaction = StateTransaction(author: "tester", summary: "once", changes: [.put("a", bytes("1"))])
        let revisions = try await withThrowingTaskGroup(of: Revision.self) { group in
          for _ in 0..<16 { group.addTask { try await store.commit(transaction) } }
          return try await group.reduce(into: Set<Revision>()) { $0.insert($1) }
        }
        #expect(revisions.count == 1)
        #expect(try await store.history(after: start, limit: 100).count == 1)
      }
    },
    Check(name: "of many who want the same key one gets it") { conformance in
      try await conformance.withStore { store in
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
          for index in 0..<32 {
            group.addTask {
              do {
                try await store.put(.put("leader", bytes("\(index)")), if: [.absent("leader")])
                return true
              } catch let error as StateStoreError where error.code == .conflict {
                return false
              }
            }
          }
          return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(winners == 1)
      }
    },
    Check(name: "counting with compare-and-swap loses no step") { conformance in
      try await conformance.withStore { store in
        try await store.put(.put("count", bytes("0")))
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<8 { group.addTask { for _ in 0..<5 { try await increment(store) } } }
          try await group.waitForAll()
        }
        #expect(try await store.text("count") == "40")
      }
    },
    Check(name: "concurrent transactions get revisions of their own, in the order of the history") { conformance in
      try await conformance.withStore { store in
        let start = try await store.newest()
        let revisions = try await withThrowingTaskGroup(of: Revision.self) { group in
          for index in 0..<64 { group.addTask { try await store.put(.put("k/\(index)", bytes("v"))) } }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(revisions).count == 64)
        #expect(try await store.history(after: start, limit: 100).map(\.revision) == revisions.sorted())
      }
    },
  ]
}

/// Increments the number in `count`, retrying on conflicts.
private func increment(_ store: any StateStore) async throws {
  while true {
    let entry = try #require(try await store.entry("count"))
    let value = try #require(Int(String(decoding: entry.value, as: UTF8.self)))
    do {
      try await store.put(.put("count", bytes("\(value + 1)")), if: [.unchanged("count", since: entry.modified)])
      return
    } catch let error as StateStoreError where error.code == .conflict {
      continue
    }
  }
}
