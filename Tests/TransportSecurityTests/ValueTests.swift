import Testing

@testable import TransportSecurity

@Suite("Values of TLS")
struct ValueTests {
  @Test("SHA-256 of the examples of NIST, and around the ends of a block")
  func digests() {
    #expect(SHA256.hex(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256.hex(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hex(of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    let lengths = [55, 56, 63, 64, 119, 120]
    #expect(
      lengths.map { String(SHA256.hex(of: [UInt8](repeating: 97, count: $0)).prefix(8)) }
        == ["9f4390f8", "b35439a4", "7d3e74a0", "ffe054fe", "31eba51c", "2f3d3354"])
  }

  @Test("refusals are logged twenty at once, then one a second, and the unsaid ones are counted")
  func budget() {
    var budget = LogBudget()
    let start = ContinuousClock.now
    #expect(
      (0..<25).map { _ in budget.take(at: start) } == Array(repeating: 0, count: 20) + Array(repeating: nil, count: 5))
    #expect(budget.take(at: start + .milliseconds(900)) == nil)
    #expect(budget.take(at: start + .milliseconds(1100)) == 6)
    #expect(budget.take(at: start + .milliseconds(1200)) == nil)
    #expect(budget.take(at: start + .seconds(100)) == 1)
    // A clock that goes back gives nothing.
    #expect((0..<20).compactMap { _ in budget.take(at: start) }.count == 19)
  }
}
