import Testing

@testable import TransportSecurity

@Suite("TLS values")
struct ValueTests {
  @Test("refusals are logged in bursts of twenty, then one per second, and suppressed ones are counted")
  func budget() {
    var budget = LogBudget()
    let start = ContinuousClock.now
    #expect(
      (0..<25).map { _ in budget.take(at: start) } == Array(repeating: 0, count: 20) + Array(repeating: nil, count: 5))
    #expect(budget.take(at: start + .milliseconds(900)) == nil)
    #expect(budget.take(at: start + .milliseconds(1100)) == 6)
    #expect(budget.take(at: start + .milliseconds(1200)) == nil)
    #expect(budget.take(at: start + .seconds(100)) == 1)
    // A clock that goes backwards adds no lines.
    #expect((0..<20).compactMap { _ in budget.take(at: start) }.count == 19)
  }
}
