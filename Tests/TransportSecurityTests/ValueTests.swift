import Testing

@testable import TransportSecurity

@Suite("Values of TLS")
struct ValueTests {
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
