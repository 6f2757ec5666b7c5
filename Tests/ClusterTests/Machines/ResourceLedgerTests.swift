import Testing

@testable import Cluster

@Suite("The ledger of resources")
struct ResourceLedgerTests {
  private func cores(_ count: Int64) -> Resources { Resources(cpuMillicores: count * 1_000, memoryBytes: count) }

  private func ledger(hosts: Int64...) throws -> ResourceLedger {
    var ledger = ResourceLedger()
    for (number, size) in hosts.enumerated() { _ = try ledger.setHost("h\(number)", capacity: cores(size)) }
    return ledger
  }

  @Test("Members go to the first hosts with room, and what is booked is what they take")
  func firstFit() throws {
    var ledger = try ledger(hosts: 2, 4, 8)
    let allocation = try ledger.request("a", members: [cores(1), cores(1), cores(1), cores(4), cores(1)])
    #expect(allocation?.placements.map(\.host) == ["h0", "h0", "h1", "h2", "h1"])
    #expect(ledger.usage(of: "h1")?.used == cores(2))
    #expect(ledger.allocation(of: "a") == allocation)
    #expect(ledger.violations().isEmpty)
  }

  @Test("A gang gets everything or nothing")
  func gangs() throws {
    var ledger = try ledger(hosts: 2, 2)
    #expect(try ledger.request("a", members: [cores(1)]) != nil)
    #expect(try ledger.request("gang", members: [cores(2), cores(2)]) == nil)
    #expect(ledger.usage(of: "h0")?.used == cores(1) && ledger.usage(of: "h1")?.used == .zero)
    #expect(ledger.waiting == ["gang"])
    let granted = try ledger.release("a")
    #expect(granted.map(\.owner) == ["gang"] && granted[0].placements.map(\.host) == ["h0", "h1"])
  }

  @Test("Requests are granted in order; who waits first is not overtaken")
  func order() throws {
    var ledger = try ledger(hosts: 4)
    _ = try ledger.request("a", members: [cores(3)])
    #expect(try ledger.request("big", members: [cores(4)]) == nil)
    #expect(try ledger.request("small", members: [cores(1)]) == nil, "would fit, but is not first")
    #expect(ledger.withdraw("big").map(\.owner) == ["small"])
    #expect(ledger.withdraw("nobody").isEmpty)
    #expect(try ledger.request("c", members: [cores(2)]) == nil)
    #expect(try ledger.request("d", members: [cores(1)]) == nil)
    #expect(try ledger.release("a").map(\.owner) == ["c", "d"])
  }

  @Test("Kinds have places of their own")
  func slots() throws {
    var ledger = ResourceLedger()
    _ = try ledger.setHost("h", capacity: Resources(analyticalSlots: 1, interactiveSlots: 1, learningSlots: 1))
    #expect(try ledger.request("a", members: [Resources(analyticalSlots: 1)]) != nil)
    #expect(try ledger.request("i", members: [Resources(interactiveSlots: 1)]) != nil)
    #expect(try ledger.request("l", members: [Resources(learningSlots: 1)]) != nil)
    #expect(try ledger.request("a2", members: [Resources(analyticalSlots: 1)]) == nil)
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
    #expect(throws: LedgerError.invalid("capacity of host x")) { _ = try ledger.setHost("x", capacity: cores(-1)) }
    _ = try ledger.request("a", members: [cores(4)])
    #expect(throws: LedgerError.ownerKnown("a")) { try ledger.request("a", members: [cores(1)]) }
    #expect(throws: LedgerError.nothingHeld("b")) { _ = try ledger.release("b") }
    _ = try ledger.release("a")
    #expect(throws: LedgerError.nothingHeld("a")) { _ = try ledger.release("a") }
  }

  @Test("The queue has a bound")
  func bound() throws {
    var ledger = ResourceLedger(maximumQueue: 2)
    _ = try ledger.setHost("h", capacity: cores(1))
    for owner in ["a", "b", "c"] { _ = try ledger.request(owner, members: [cores(1)]) }
    #expect(throws: LedgerError.queueFull(2)) { try ledger.request("d", members: [cores(1)]) }
  }

  @Test("A lost host takes nothing new; what was held there is held until released")
  func lostHosts() throws {
    var ledger = try ledger(hosts: 2, 2)
    _ = try ledger.request("a", members: [cores(2), cores(1)])
    #expect(ledger.removeHost("h0") == ["a"])
    #expect(ledger.removeHost("unknown").isEmpty)
    #expect(try ledger.request("b", members: [cores(1)])?.placements[0].host == "h1")
    #expect(ledger.violations().isEmpty)
    #expect(throws: LedgerError.hostInUse("h0")) { _ = try ledger.setHost("h0", capacity: cores(1)) }
    _ = try ledger.release("a")
    #expect(ledger.usage(of: "h0") == nil && ledger.usage(of: "h1")?.used == cores(1))
    _ = try ledger.request("c", members: [cores(1)])
    #expect(try ledger.request("d", members: [cores(1)]) == nil)
    #expect(try ledger.setHost("h0", capacity: cores(1)).map(\.owner) == ["d"], "the host returns, smaller")
  }

  @Test("A journal's allocations are booked again, or refused whole")
  func restore() throws {
    var before = try ledger(hosts: 2, 2)
    _ = try before.request("a", members: [cores(1), cores(2)])
    _ = try before.request("b", members: [cores(1)])
    var after = try ledger(hosts: 2, 2)
    for holder in before.holders { try after.restore(holder) }
    #expect(after == before)
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
    func grant(_ allocations: [Allocation]) {
      for allocation in allocations {
        #expect(held.updateValue(allocation, forKey: allocation.owner) == nil, "granted twice")
      }
    }
    for _ in 0..<200 {
      let owner = "o\(Int.random(in: 0..<12, using: &random))"
      let host = "h\(Int.random(in: 0..<6, using: &random))"
      switch Int.random(in: 0..<6, using: &random) {
      case 0: grant((try? ledger.setHost(host, capacity: cores(.random(in: 1...6, using: &random)))) ?? [])
      case 1:
        #expect(
          ledger.removeHost(host)
            == held.values.filter { $0.placements.contains { $0.host == host } }.map(\.owner).sorted())
      case 2, 3:
        let members = (0..<Int.random(in: 1...4, using: &random)).map { _ in cores(.random(in: 1...3, using: &random)) }
        if let allocation = try? ledger.request(owner, members: members) {
          #expect(allocation.placements.map(\.resources) == members)
          grant([allocation])
        }
      case 4: grant(ledger.withdraw(owner))
      default:
        if held.removeValue(forKey: owner) != nil {
          grant(try ledger.release(owner))
        } else {
          #expect(throws: LedgerError.nothingHeld(owner)) { _ = try ledger.release(owner) }
        }
      }
      #expect(ledger.violations() == [])
      #expect(Dictionary(uniqueKeysWithValues: ledger.holders.map { ($0.owner, $0) }) == held)
    }
  }
}
