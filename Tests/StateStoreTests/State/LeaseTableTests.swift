import TestSupport
import Testing

@testable import StateStore

@Suite("Table of leases")
struct LeaseTableTests {
  private let begin = ContinuousClock.now
  private func after(_ seconds: Int) -> ContinuousClock.Instant { begin.advanced(by: .seconds(seconds)) }

  @Test("every event in every state follows the table")
  func transitions() {
    let lease = StateLease(id: 1, timeToLive: .seconds(10))
    var table = LeaseTable()
    expect(table.renew(1, at: begin), false)
    expect(table.end(1), false)
    expect(table.takeDue(at: after(100)), [])
    table.grant(lease, at: begin)
    #expect(table.timeToLive(1, at: after(9)) == .seconds(10) && table.timeToLive(1, at: after(10)) == nil)
    expect(table.takeDue(at: after(9)), [])
    expect(table.renew(1, at: after(9)), true)
    #expect(table.nextDeadline == after(19))
    expect(table.renew(1, at: after(19)), false, "too late, although nobody has taken it yet")
    expect(table.takeDue(at: after(19)), [1])
    expect(table.renew(1, at: after(9)), false)
    expect(table.end(1), false)
    expect(table.takeDue(at: after(100)), [])
    table.grant(lease, at: after(20))
    #expect(table.timeToLive(1, at: after(20)) == nil, "a dying lease cannot be granted again")
    table.forget(1)
    expect(table.renew(1, at: begin), false)
    #expect(table.count == 0 && table.nextDeadline == nil)
  }

  private func expect<T: Equatable>(
    _ actual: T, _ expected: T, _ why: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(actual == expected, why, sourceLocation: sourceLocation)
  }

  @Test(
    "whatever happens, a lease that was refused once is refused for ever",
    arguments: [1, 2, 3, UInt64.random(in: 0...UInt64.max)])
  func neverResurrects(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var table = LeaseTable()
    var now = begin
    var dead = Set<Int64>()
    var granted: Int64 = 0
    for _ in 0..<2_000 {
      now = now.advanced(by: .milliseconds(Int.random(in: 0...2_000, using: &random)))
      let id = Int64.random(in: 0...granted, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0:
        granted += 1
        table.grant(StateLease(id: granted, timeToLive: .seconds(Int.random(in: 1...20, using: &random))), at: now)
      case 1: if !table.renew(id, at: now) { dead.insert(id) }
      case 2: dead.formUnion(table.takeDue(at: now))
      case 3:
        _ = table.end(id)
        dead.insert(id)
      default: if dead.contains(id) { table.forget(id) }
      }
      for id in dead where id > 0 { #expect(table.timeToLive(id, at: now) == nil, "seed \(seed), lease \(id)") }
    }
  }
}
