import Objects
import Scheduling

/// Measures how far the weighted dominant shares of tenants that always want more diverge.
enum Shares {
  /// Runs random histories of two to six tenants of random weights, each with requests of one size, on one large host. After each
  /// decision, records the distance between the largest and the smallest share, in units of the largest request's share at the
  /// smallest weight.
  static func measure(histories: Int) throws -> String {
    var worst = 0.0
    var sum = 0.0
    var count = 0
    for seed in 0..<UInt64(histories) {
      var random = Generator(state: seed)
      var scheduler = Scheduler()
      let capacity: Int64 = 200
      try scheduler.setHost("host", capacity: Resources(cpuMillicores: capacity))
      let tenants = (0..<Int.random(in: 2...6, using: &random)).map { number in
        TenantPolicy(name: "t\(number)", weight: Int.random(in: 1...4, using: &random), maximumWaiting: 1_000)
      }
      scheduler.setTenants(tenants, fallback: TenantPolicy(name: "default"))
      let sizes = tenants.map { _ in Int64.random(in: 1...8, using: &random) }
      let unit = Double(sizes.max()!) / Double(capacity) / Double(tenants.map(\.weight).min()!)
      var number = 0
      let now = ContinuousClock.now
      func submit(_ tenant: Int) throws {
        number += 1
        let member = ResourceRequest.Member(Resources(cpuMillicores: sizes[tenant]))
        try scheduler.submit(
          ResourceRequest(owner: .session("\(tenant) \(number)"), tenant: tenants[tenant].name, members: [member]),
          at: now)
      }
      for tenant in tenants.indices { for _ in 0..<capacity { try submit(tenant) } }
      var holders: [ObjectReference] = []
      for _ in 0..<200 {
        for case .grant(let allocation) in scheduler.schedule(at: now) { holders.append(allocation.owner) }
        let shares = scheduler.report(at: now).tenants.map { $0.dominantShare / Double($0.policy.weight) }
        let distance = (shares.max()! - shares.min()!) / unit
        worst = max(worst, distance)
        sum += distance
        count += 1
        let owner = holders.remove(at: Int.random(in: 0..<holders.count, using: &random))
        try scheduler.release(owner, at: now)
        try submit(Int(owner.name.split(separator: " ")[0])!)
      }
    }
    return #"{"histories":\#(histories),"decisions":\#(count),"worst":\#(worst),"mean":\#(sum / Double(count))}"#
  }
}
