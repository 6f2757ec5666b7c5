import Supervision
import Testing

@Suite("The restart budget")
struct RestartBudgetTests {
  private let start = ContinuousClock.now

  @Test("The first restart is immediate, further ones wait longer and longer, and their number is limited")
  func pauses() {
    var budget = RestartBudget()
    let pauses = (0..<RestartBudget.maximumStarts + 2).map { second in
      budget.next(at: start.advanced(by: .seconds(second)))
    }
    #expect(pauses == [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(8), nil, nil])
  }

  @Test("Restarts before the window do not count")
  func window() {
    var budget = RestartBudget()
    for _ in 0..<RestartBudget.maximumStarts { _ = budget.next(at: start) }
    #expect(budget.next(at: start.advanced(by: RestartBudget.window - .seconds(1))) == nil)
    #expect(budget.next(at: start.advanced(by: RestartBudget.window)) == .zero)
    #expect(budget.next(at: start.advanced(by: RestartBudget.window)) == .seconds(1))
  }
}
