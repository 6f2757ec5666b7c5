import Foundation
import StateStore
import Testing
import Turns

@Suite("Copy of a state in a file", .takesTurns)
struct StateExportTests {
  private let values: [(String, [UInt8])] =
    [("empty", []), ("binary", [0xff, 0, 0x0a, 0xfe]), ("text", bytes("{\"a\":\"line\\nbreak \u{1f600}\"}"))]
    + (0..<300).map { ("many/\($0)", bytes("\($0)")) }
    + (0..<3).map { ("large/\($0)", [UInt8](repeating: 0x62, count: 300_000)) }

  private func filledStore() async throws -> InMemoryStateStore {
    let store = InMemoryStateStore()
    for (key, value) in values { try await store.put(.put(key, value)) }
    try await store.put(.put("leader", bytes("{}")))
    return store
  }

  @Test("exporting to a file and importing gives the same state, without the leader")
  func roundTrip() async throws {
    try await withTemporaryFolder { folder in
      let path = folder.appending(path: "state.jsonl").path
      let store = try await filledStore()
      let written = try await StateExport.write(store, to: path)
      #expect(written.entries == values.count)
      #expect(try await store.newest() == written.revision)
      #expect(try StateExport.inspect(path) == written)
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state.jsonl"])
      let other = InMemoryStateStore()
      try await other.put(.put("leader", bytes("{}")))
      #expect(try await StateExport.restore(path, into: other, author: "operator") == written)
      let entries = try await other.entries(prefix: "").entries.filter { $0.key != "leader" }
      #expect(entries.map(\.key) == values.map(\.0).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
      let expected = Dictionary(uniqueKeysWithValues: values)
      #expect(entries.allSatisfy { $0.value == expected[$0.key] })
      #expect(try await other.history(after: 1, limit: 100).allSatisfy { $0.author == "operator" })
      await expect(.conflict) { _ = try await StateExport.restore(path, into: other, author: "operator") }
      await expect(.invalidArgument) { _ = try await StateExport.write(store, to: path) }
      await expect(.invalidArgument) { _ = try await StateExport.write(store, to: folder.path + "/no/state") }
    }
  }

  @Test("a truncated or changed file, or one of a newer version, is rejected before anything is imported")
  func damage() async throws {
    try await withTemporaryFolder { folder in
      let file = folder.appending(path: "state.jsonl")
      _ = try await StateExport.write(try await filledStore(), to: file.path)
      let good = try Data(contentsOf: file)
      let store = InMemoryStateStore()
      func expectRefusal(_ code: StateStoreError.Code, _ content: Data) async throws {
        try content.write(to: file)
        await expect(code) { _ = try await StateExport.restore(file.path, into: store, author: "operator") }
      }
      for length in [0, 1, 50, good.count / 2, good.count - 1] {
        try await expectRefusal(.damaged, good.prefix(length))
      }
      for _ in 0..<20 {
        var bad = good
        bad[Int.random(in: 0..<good.count)] ^= 1 << UInt8.random(in: 0..<7)
        if bad == good { continue }
        try bad.write(to: file)
        do {
          _ = try await StateExport.restore(file.path, into: store, author: "operator")
          Issue.record("a damaged file was accepted")
        } catch let error as StateStoreError {
          #expect([.damaged, .tooNew].contains(error.code), "\(error)")
        }
      }
      let newer = String(decoding: good, as: UTF8.self).replacing("\"version\":1", with: "\"version\":2")
      try await expectRefusal(.tooNew, Data(newer.utf8))
      try FileManager.default.removeItem(at: file)
      await expect(.invalidArgument) { _ = try StateExport.inspect(file.path) }
      #expect(try await store.entries(prefix: "").entries.isEmpty)
    }
  }

  @Test("a state moves from memory into etcd and back")
  func toEtcd() async throws {
    try await withEtcd { member in
      try await withTemporaryFolder { folder in
        let (there, back) = (folder.appending(path: "there").path, folder.appending(path: "back").path)
        let written = try await StateExport.write(try await filledStore(), to: there)
        let store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint]))
        _ = try await StateExport.restore(there, into: store, author: "operator")
        let again = try await StateExport.write(store, to: back)
        #expect(again.entries == written.entries)
        let lines = { (path: String) in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") }
        #expect(try lines(there).dropFirst().dropLast() == lines(back).dropFirst().dropLast())
        await store.close()
      }
    }
  }
}
