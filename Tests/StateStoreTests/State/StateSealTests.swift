import Foundation
import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("The seal of a store", .takesTurns)
struct StateSealTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/state.seal" }

  init() throws { directory = try TemporaryDirectory() }

  private func seal(_ revision: Revision) -> StateSeal {
    StateSeal(identity: "abcdefghijklmnop", revision: revision, durable: 1)
  }

  @Test("records are read again and continued")
  func notes() throws {
    #expect(try StateSealFile.read(path) == .none)
    let file = try StateSealFile(creating: path, seal(1))
    #expect(try StateSealFile.read(path) == .seal(seal(1)))
    for revision in Revision(2)...9 { file.note(revision) }
    file.note(5)
    #expect(try StateSealFile.read(path) == .seal(seal(9)))
    file.noteDurable(7)
    #expect(file.seal.durable == 7)
    let next = try StateSealFile(reopening: path, file.seal)
    next.note(10, isDurable: true)
    #expect(try StateSealFile.read(path) == .seal(StateSeal(identity: "abcdefghijklmnop", revision: 10, durable: 10)))
  }

  @Test("a flipped bit costs one record; with both slots lost, or truncated, the seal is damaged")
  func damage() throws {
    let file = try StateSealFile(creating: path, seal(1))
    file.note(2)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for byte in 0..<96 {
      for slot in [0, 512] {
        var data = whole
        data[slot + byte] ^= 1 << UInt8(byte % 8)
        try data.write(to: URL(fileURLWithPath: path))
        #expect(try StateSealFile.read(path) == .seal(seal(slot == 0 ? 2 : 1)), "byte \(byte) of slot \(slot)")
        data[512 - slot + byte] ^= 1
        try data.write(to: URL(fileURLWithPath: path))
        #expect(try StateSealFile.read(path) == .damaged)
      }
    }
    for size in [0, 50] {
      try whole.prefix(size).write(to: URL(fileURLWithPath: path))
      #expect(try StateSealFile.read(path) == .damaged)
    }
  }

  @Test("an unreadable seal is not the same as none")
  func unreadable() throws {
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
    #expect(throws: StateStoreError.self) { try StateSealFile.read(path) }
  }
}
