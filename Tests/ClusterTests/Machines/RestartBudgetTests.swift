import Cluster
import Testing

@Suite("How often something is started again")
struct RestartBudgetTests {
  private let start = ContinuousClock.now

  @Test("The first start is at once, further ones wait longer and longer, and there is a last one")
  func pauses() {
    var budget = RestartBudget()
    let pauses = (0..<RestartBudget.maximumStarts + 2).map { second in
      budget.next(at: start.advanced(by: .seconds(second)))
    }
    #expect(pauses == [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(8), nil, nil])
  }

  @Test("What is longer ago than the window does not count")
  func window() {
    var budget = RestartBudget()
    for _ in 0..<RestartBudget.maximumStarts { _ = budget.next(at: start) }
    #expect(budget.next(at: start.advanced(by: RestartBudget.window - .seconds(1))) == nil)
    #expect(budget.next(at: start.advanced(by: RestartBudget.window)) == .zero)
    #expect(budget.next(at: start.advanced(by: RestartBudget.window)) == .seconds(1))
  }
}
