import Foundation
import Testing

@testable import Cluster

@Suite("State store on SQLite")
struct SQLiteStateStoreTests {
  @Test("keeps what the protocol promises", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    let directory = try TemporaryDirectory()
    try await check.run(
      StateStoreConformance { try SQLiteStateStore(directory: directory.path + "/" + randomStateID()) })
  }
}

/// A directory that is removed with everything in it when nobody uses it any more.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/state-" + randomStateID()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
