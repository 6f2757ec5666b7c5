import Synchronization
import TestSupport
import Testing
import Turns

@testable import GRPC

/// Records the order in which requests are granted.
private final class Order: Sendable {
  private let names = Mutex<[Int]>([])
  var seen: [Int] { names.withLock { $0 } }
  func note(_ name: Int) { names.withLock { $0.append(name) } }
}

@Suite(.takesTurns)
struct MessageBudgetTests {
  @Test func firstComeFirstServed() {
    let budget = MessageBudget(bytes: 100)
    let order = Order()
    #expect(budget.reserve(70) { order.note(1) } == .granted)
    #expect(budget.reserve(50) { order.note(2) } == .waiting(ticket: 1))
    // It would fit, but must not overtake: otherwise the large one would starve.
    #expect(budget.reserve(10) { order.note(3) } == .waiting(ticket: 2))
    #expect(budget.isContended && order.seen.isEmpty)
    budget.release(70)
    #expect(order.seen == [2, 3] && budget.free == 40 && !budget.isContended)
  }

  @Test("A peer that has a reservation may use half of the budget, and does not block other peers")
  func peersShare() {
    let budget = MessageBudget(bytes: 100)
    let order = Order()
    #expect(budget.reserve(80, for: "a") {} == .granted, "the first may be of any size")
    budget.release(80, for: "a")
    #expect(budget.reserve(30, for: "a") {} == .granted)
    #expect(budget.reserve(21, for: "a") { order.note(1) } == .waiting(ticket: 1))
    #expect(budget.reserve(20, for: "a") {} == .granted, "up to half, past its own that is too large")
    #expect(budget.reserve(50, for: "b") {} == .granted)
    #expect(budget.reserve(10, for: "c") { order.note(2) } == .waiting(ticket: 2))
    budget.release(20, for: "a")
    #expect(order.seen == [2] && budget.free == 10)
    budget.release(30, for: "a")
    #expect(order.seen == [2, 1] && budget.free == 19)
    budget.release(21, for: "a")
    budget.release(50, for: "b")
    budget.release(10, for: "c")
    #expect(budget.free == 100 && !budget.isContended)
  }

  @Test func moreThanEverythingIsImpossible() {
    let budget = MessageBudget(bytes: 100)
    #expect(budget.reserve(101) {} == .impossible)
    #expect(budget.reserve(100) {} == .granted)
  }

  @Test func whoeverLeavesTheQueueLetsOthersThrough() {
    let budget = MessageBudget(bytes: 100)
    let order = Order()
    _ = budget.reserve(60) {}
    guard case .waiting(let large) = budget.reserve(90, onGranted: { order.note(1) }) else {
      return #expect(Bool(false))
    }
    _ = budget.reserve(40) { order.note(2) }
    #expect(budget.cancel(ticket: large) && order.seen == [2] && budget.free == 0)
    #expect(!budget.cancel(ticket: large))
  }

  @Test func noByteIsLostInARandomWalk() {
    var random = SplitMix(seed: 17)
    let budget = MessageBudget(bytes: 1000)
    let grants = Order()
    var held: [Int] = []
    var waiting: [(ticket: UInt64, bytes: Int, name: Int)] = []
    for name in 0..<5000 {
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        let bytes = Int.random(in: 1...1000, using: &random)
        switch budget.reserve(bytes, onGranted: { grants.note(name) }) {
        case .granted: held.append(bytes)
        case .waiting(let ticket): waiting.append((ticket, bytes, name))
        case .impossible: Issue.record("it fits")
        }
      case 1:
        if let bytes = held.popLast() { budget.release(bytes) }
      default:
        if let index = waiting.indices.randomElement(using: &random) {
          #expect(budget.cancel(ticket: waiting.remove(at: index).ticket))
        }
      }
      let granted = Set(grants.seen)
      for entry in waiting where granted.contains(entry.name) { held.append(entry.bytes) }
      waiting.removeAll { granted.contains($0.name) }
      #expect(budget.free == 1000 - held.reduce(0, +))
      #expect(budget.isContended == !waiting.isEmpty)
      if let first = waiting.first { #expect(first.bytes > budget.free) }
    }
  }
}

@Suite(.takesTurns)
struct OutboundGateTests {
  @Test func producersWaitAtTheWatermarkAndGoOnAtHalf() async throws {
    let gate = OutboundGate(highWatermark: 100)
    try await gate.enter(150)
    let (passed, pass) = AsyncStream<Int>.makeStream()
    let producer = Task {
      try await gate.enter(10)
      pass.yield(1)
    }
    while gate.waitingProducers == 0 { await Task.yield() }
    gate.leave(99)
    #expect(gate.waitingProducers == 1)
    gate.leave(1)
    #expect(await passed.first { _ in true } == 1)
    try await producer.value
  }

  @Test func closingTellsThoseWhoWaitAndThoseWhoCome() async throws {
    let gate = OutboundGate(highWatermark: 1)
    try await gate.enter(5)
    let producer = Task { try await gate.enter(1) }
    while gate.waitingProducers == 0 { await Task.yield() }
    gate.close(GRPCStatus(.cancelled, "over"))
    await #expect(throws: GRPCStatus(.cancelled, "over")) { try await producer.value }
    await #expect(throws: GRPCStatus(.cancelled, "over")) { try await gate.enter(1) }
  }

  @Test func aCancelledProducerLeaves() async throws {
    let gate = OutboundGate(highWatermark: 1)
    try await gate.enter(5)
    let producer = Task { try await gate.enter(1) }
    while gate.waitingProducers == 0 { await Task.yield() }
    producer.cancel()
    await #expect(throws: CancellationError.self) { try await producer.value }
    #expect(gate.waitingProducers == 0)
  }
}
