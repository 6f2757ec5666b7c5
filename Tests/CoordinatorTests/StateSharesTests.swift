import ClientOperations
import Engines
import StateStore
import Testing
import Turns

@testable import Coordinator

@Suite("Limits of what sessions write to the state store", .takesTurns)
struct StateSharesTests {
  @Test("a tenant's usage is that of its sessions' objects and steps, and is limited")
  func share() throws {
    let shares = StateShares(bound: 3_000)
    // Recovery reads the documents before the session is known.
    shares.applied([.put("objects/s1/000000001", [1, 2]), .put("sessions/s1", [UInt8](repeating: 1, count: 9_000))])
    #expect(shares.bytes(of: "t") == 0)
    shares.open("s1", of: "t")
    let one = "objects/s1/000000001".utf8.count + 2 + StateShares.overhead
    #expect(shares.bytes(of: "t") == one)
    shares.open("s2", of: "t")
    shares.applied([.put("objects/s2/000000001", [1, 2]), .put("steps/s2/000000001", [])])
    shares.applied([.put("objects/s2/000000001", [1, 2])])
    let held = 2 * one + "steps/s2/000000001".utf8.count + StateShares.overhead
    #expect(shares.bytes(of: "t") == held)
    try shares.admit(3_000 - held, to: "s1")
    #expect(throws: EngineError.self) { try shares.admit(3_001 - held, to: "s1") }
    shares.open("s3", of: "other")
    try shares.admit(3_000, to: "s3")
    shares.applied([.delete("steps/s2/000000001"), .delete("objects/s2/000000001")])
    #expect(shares.bytes(of: "t") == one)
    shares.close("s1")
    #expect(shares.bytes(of: "t") == 0)
  }

  @Test("the keys of an operation and its parents have at most 256 bytes")
  func keys() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let (longest, tooLong) = (String(repeating: "k", count: 256), String(repeating: "k", count: 257))
    #expect(try await session.run([operation("a", key: longest)]).failure == nil)
    let outcome = try await session.run([operation("a", key: "1"), operation("b", key: tooLong)])
    #expect(outcome.results.isEmpty && outcome.failure?.error.code == .invalidArgument)
    let bind = StepOperation(key: "x", parents: [tooLong], action: .analytical(.bindApplication))
    #expect(try await session.run([bind]).failure?.error.message.contains("257 bytes; the limit is 256") == true)
    #expect(bench.factory.engines[0].calls == ["a"])
    await bench.shutdown()
    try bench.done()
  }
}
