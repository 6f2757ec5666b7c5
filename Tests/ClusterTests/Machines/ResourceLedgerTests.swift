import Testing

@testable import Cluster

@Suite("The ledger of resources")
struct ResourceLedgerTests {
  private func cores(_ count: Int64) -> Resources { Resources(cpuMillicores: count * 1_000, memoryBytes: count) }

  private func ledger(hosts: Int64...) throws -> ResourceLedger {
    var ledger = ResourceLedger()
    for (number, size) in hosts.enumerated() { try ledger.setHost("h\(number)", capacity: cores(size)) }
    return ledger
  }

  @Test("Members go to the first hosts with room, and what is booked is what they take")
  func firstFit() throws {
    var ledger = try ledger(hosts: 2, 4, 8)
    try ledger.request("a", members: [cores(1), cores(1), cores(1), cores(4), cores(1)])
    #expect(ledger.waiting == ["a"] && ledger.allocation(of: "a") == nil)
    let granted = ledger.grantWaiting()
    #expect(granted.map { $0.placements.map(\.host) } == [["h0", "h0", "h1", "h2", "h1"]])
    #expect(ledger.usage(of: "h1")?.used == cores(2))
    #expect(ledger.allocation(of: "a") == granted.first && ledger.waiting == [])
    #expect(ledger.violations().isEmpty)
  }

  @Test("A gang gets everything or nothing")
  func gangs() throws {
    var ledger = try ledger(hosts: 2, 2)
    try ledger.request("a", members: [cores(1)])
    try ledger.request("gang", members: [cores(2), cores(2)])
    #expect(ledger.grantWaiting().map(\.owner) == ["a"])
    #expect(ledger.usage(of: "h0")?.used == cores(1) && ledger.usage(of: "h1")?.used == .zero)
    try ledger.release("a")
    #expect(ledger.grantWaiting().map { $0.placements.map(\.host) } == [["h0", "h1"]])
  }

  @Test("Requests are granted in order; who waits first is not overtaken")
  func order() throws {
    var ledger = try ledger(hosts: 4)
    for (owner, size) in [("a", 3), ("big", 4), ("small", 1)] {
      try ledger.request(owner, members: [cores(Int64(size))])
    }
    #expect(ledger.grantWaiting().map(\.owner) == ["a"], "small would fit, but is not first")
    ledger.withdraw("big")
    ledger.withdraw("nobody")
    #expect(ledger.grantWaiting().map(\.owner) == ["small"])
    try ledger.request("c", members: [cores(2)])
    try ledger.request("d", members: [cores(1)])
    #expect(ledger.grantWaiting().isEmpty)
    try ledger.release("a")
    #expect(ledger.grantWaiting().map(\.owner) == ["c", "d"])
  }

  @Test("Withdrawals that belong together are made before anything is granted")
  func withdrawals() throws {
    var ledger = try ledger(hosts: 2)
    for owner in ["a", "b", "c"] { try ledger.request(owner, members: [cores(2)]) }
    ledger.withdraw("a")
    ledger.withdraw("b")
    #expect(ledger.grantWaiting().map(\.owner) == ["c"])
  }

  @Test("Kinds have places of their own")
  func slots() throws {
    var ledger = ResourceLedger()
    try ledger.setHost("h", capacity: Resources(analyticalSlots: 1, interactiveSlots: 1, learningSlots: 1))
    try ledger.request("a", members: [Resources(analyticalSlots: 1)])
    try ledger.request("i", members: [Resources(interactiveSlots: 1)])
    try ledger.request("l", members: [Resources(learningSlots: 1)])
    try ledger.request("a2", members: [Resources(analyticalSlots: 1)])
    #expect(ledger.grantWaiting().map(\.owner) == ["a", "i", "l"] && ledger.waiting == ["a2"])
  }

  @Test("What nobody could ever grant is refused, and so are senseless amounts")
  func refusals() throws {
    var ledger = try ledger(hosts: 4, 2)
    #expect(throws: LedgerError.impossible("a")) { try ledger.request("a", members: [cores(5)]) }
    #expect(throws: LedgerError.impossible("a")) { try ledger.request("a", members: [cores(3), cores(3)]) }
    #expect(throws: LedgerError.invalid("request of a")) { try ledger.request("a", members: []) }
    #expect(throws: LedgerError.invalid("request of a")) { try ledger.request("a", members: [.zero]) }
    #expect(throws: LedgerError.invalid("request of a")) { try ledger.request("a", members: [cores(-1)]) }
    #expect(throws: LedgerError.impossible("a")) {
      try ledger.request("a", members: [Resources(cpuMillicores: .max), Resources(cpuMillicores: .max)])
    }
    let many = [Resources](repeating: cores(1), count: ResourceLedger.maximumMembers + 1)
    #expect(throws: LedgerError.invalid("request of a")) { try ledger.request("a", members: many) }
    #expect(throws: LedgerError.invalid("capacity of host x")) { try ledger.setHost("x", capacity: cores(-1)) }
    try ledger.request("a", members: [cores(4)])
    #expect(throws: LedgerError.nothingHeld("a")) { try ledger.release("a") }
    #expect(throws: LedgerError.ownerKnown("a")) { try ledger.request("a", members: [cores(1)]) }
    _ = ledger.grantWaiting()
    #expect(throws: LedgerError.ownerKnown("a")) { try ledger.request("a", members: [cores(1)]) }
    #expect(throws: LedgerError.nothingHeld("b")) { try ledger.release("b") }
    try ledger.release("a")
    #expect(throws: LedgerError.nothingHeld("a")) { try ledger.release("a") }
  }

  @Test("The queue has a bound")
  func bound() throws {
    var ledger = ResourceLedger(maximumQueue: 2)
    try ledger.setHost("h", capacity: cores(1))
    for owner in ["a", "b"] { try ledger.request(owner, members: [cores(1)]) }
    #expect(throws: LedgerError.queueFull(2)) { try ledger.request("d", members: [cores(1)]) }
  }

  @Test("A lost host takes nothing new; what was held there is held until released")
  func lostHosts() throws {
    var ledger = try ledger(hosts: 2, 2)
    try ledger.request("a", members: [cores(2), cores(1)])
    _ = ledger.grantWaiting()
    #expect(ledger.removeHost("h0") == ["a"])
    #expect(ledger.removeHost("unknown").isEmpty)
    try ledger.request("b", members: [cores(1)])
    #expect(ledger.grantWaiting().first?.placements[0].host == "h1")
    #expect(ledger.violations().isEmpty)
    #expect(throws: LedgerError.hostInUse("h0")) { try ledger.setHost("h0", capacity: cores(1)) }
    try ledger.release("a")
    #expect(ledger.usage(of: "h0") == nil && ledger.usage(of: "h1")?.used == cores(1))
    for owner in ["c", "d"] { try ledger.request(owner, members: [cores(1)]) }
    #expect(ledger.grantWaiting().map(\.owner) == ["c"])
    try ledger.setHost("h0", capacity: cores(1))
    #expect(ledger.grantWaiting().map(\.owner) == ["d"], "the host returns, smaller")
  }

  @Test("A journal's allocations are booked again, or refused whole")
  func restore() throws {
    var before = try ledger(hosts: 2, 2)
    try before.request("a", members: [cores(1), cores(2)])
    try before.request("b", members: [cores(1)])
    try before.request("w", members: [cores(2)])
    #expect(before.grantWaiting().map(\.owner) == ["a", "b"])
    var after = try ledger(hosts: 2, 2)
    for holder in before.holders { try after.restore(holder) }
    try after.restore(waiting: "w", members: [cores(2)])
    #expect(after == before)
    #expect(throws: LedgerError.ownerKnown("w")) { try after.restore(waiting: "w", members: [cores(2)]) }
    #expect(throws: LedgerError.invalid("request of v")) { try after.restore(waiting: "v", members: []) }
    let more = Allocation(
      owner: "c",
      placements: [.init(host: "h0", resources: cores(1)), .init(host: "h1", resources: cores(1))])
    var room = try ledger(hosts: 2, 0)
    let unchanged = room
    #expect(throws: LedgerError.noRoom(owner: "c", host: "h1")) { try room.restore(more) }
    #expect(room == unchanged)
    #expect(throws: LedgerError.ownerKnown("a")) { try after.restore(Allocation(owner: "a", placements: [])) }
  }

  @Test("Random histories never overcommit, and sums equal the ledger", arguments: 0..<100)
  func randomWalk(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    var ledger = ResourceLedger(maximumQueue: 5)
    var held: [String: Allocation] = [:]
    var asked: [String: [Resources]] = [:]
    for _ in 0..<200 {
      let owner = "o\(Int.random(in: 0..<12, using: &random))"
      let host = "h\(Int.random(in: 0..<6, using: &random))"
      switch Int.random(in: 0..<6, using: &random) {
      case 0: try? ledger.setHost(host, capacity: cores(.random(in: 1...6, using: &random)))
      case 1:
        let affected = held.values.filter { $0.placements.contains { $0.host == host } }.map(\.owner).sorted()
        #expect(ledger.removeHost(host) == affected)
      case 2, 3:
        let members = (0..<Int.random(in: 1...4, using: &random)).map { _ in cores(.random(in: 1...3, using: &random)) }
        if (try? ledger.request(owner, members: members)) != nil { asked[owner] = members }
      case 4: ledger.withdraw(owner)
      default:
        if held.removeValue(forKey: owner) != nil {
          try ledger.release(owner)
        } else {
          #expect(throws: LedgerError.nothingHeld(owner)) { try ledger.release(owner) }
        }
      }
      for allocation in ledger.grantWaiting() {
        #expect(allocation.placements.map(\.resources) == asked[allocation.owner])
        #expect(held.updateValue(allocation, forKey: allocation.owner) == nil, "granted twice")
      }
      #expect(ledger.violations() == [])
      #expect(Dictionary(uniqueKeysWithValues: ledger.holders.map { ($0.owner, $0) }) == held)
    }
  }
}
