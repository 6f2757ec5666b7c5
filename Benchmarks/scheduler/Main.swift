import Glibc
import Objects
import Scheduling

/// Times the decisions of the scheduler, and measures how far the shares of its tenants diverge.
///
/// Usage: `SchedulerBenchmark HOSTS REQUESTS TENANTS`. Fills HOSTS hosts from a queue of REQUESTS requests of TENANTS tenants and
/// of 24 shapes, and then ends one holder after the other, each followed by a new request. `SchedulerBenchmark shares HISTORIES`
/// measures shares. Prints a line of JSON; times are in microseconds.
@main
struct SchedulerBenchmark {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.count == 2, arguments[0] == "shares", let histories = Int(arguments[1]) {
      return print(try Shares.measure(histories: histories))
    }
    guard arguments.count == 3, let hosts = Int(arguments[0]), let requests = Int(arguments[1]),
      let tenants = Int(arguments[2]), hosts > 0, requests > 0, tenants > 0
    else {
      let usage = "usage: SchedulerBenchmark HOSTS REQUESTS TENANTS | shares HISTORIES\n"
      _ = write(2, usage, usage.utf8.count)
      exit(2)
    }
    var load = try Load(hosts: hosts, requests: requests, tenants: tenants)
    print(try load.measure())
  }
}

/// A queue of requests for a number of hosts.
struct Load {
  private var scheduler = Scheduler(maximumQueue: 200_000)
  private var random = Generator(state: 1)
  private var now = ContinuousClock.now
  private var holders: [ObjectReference] = []
  private var count = 0
  private let hosts: Int
  private let requests: Int
  private let tenants: Int

  init(hosts: Int, requests: Int, tenants: Int) throws {
    self.hosts = hosts
    self.requests = requests
    self.tenants = tenants
    for number in 0..<hosts {
      let cores = [32, 64, 96][number % 3]
      try scheduler.setHost(
        "host-\(number)",
        capacity: Resources(
          cpuMillicores: Int64(cores) * 1_000, memoryBytes: Int64(cores) << 32, analyticalSlots: 16,
          interactiveSlots: 16, learningSlots: 8),
        labels: ["zone": "\(number % 4)"])
    }
    scheduler.setTenants(
      (0..<tenants).map { TenantPolicy(name: "tenant-\($0)", weight: $0 % 4 + 1, maximumWaiting: 200_000) },
      fallback: TenantPolicy(name: "default"))
  }

  mutating func measure() throws -> String {
    let submitted = try microseconds { for _ in 0..<requests { try submit() } }
    var granted = 0
    let filling = microseconds { granted = schedule() }
    var times: [Double] = []
    let rounds = min(20_000, max(1_000, granted))
    var decisions = 0
    let churning = try microseconds {
      for _ in 0..<rounds {
        let owner = holders.remove(at: Int.random(in: 0..<holders.count, using: &random))
        now += .milliseconds(1)
        try scheduler.release(owner, at: now)
        try submit()
        times.append(microseconds { decisions += schedule() })
      }
    }
    times.sort()
    let report = scheduler.report(at: now)
    guard scheduler.violations().isEmpty else { return "the scheduler is wrong: \(scheduler.violations())" }
    return #"{"hosts":\#(hosts),"tenants":\#(tenants),"waiting":\#(report.waiting),"holding":\#(report.holders),"#
      + #""submit":\#(submitted / Double(requests)),"fill":{"decisions":\#(granted),"#
      + #""perSecond":\#(Int(1e6 * Double(granted) / filling))},"churn":{"decisions":\#(decisions),"#
      + #""perSecond":\#(Int(1e6 * Double(decisions) / churning)),"p50":\#(times[times.count / 2]),"#
      + #""p99":\#(times[times.count * 99 / 100]),"most":\#(times[times.count - 1])}}"#
  }

  private mutating func submit() throws {
    count += 1
    let shape = Int.random(in: 0..<24, using: &random)
    let cores = Int64([1, 2, 4, 8][shape % 4])
    var resources = Resources(cpuMillicores: cores * 1_000, memoryBytes: cores << 32)
    switch shape / 4 % 3 {
    case 0: resources.analyticalSlots = 1
    case 1: resources.interactiveSlots = 1
    default: resources.learningSlots = 1
    }
    // Half of the shapes are gangs of four on hosts of one zone.
    let member = ResourceRequest.Member(resources, selector: shape < 12 ? [:] : ["zone": "\(shape % 4)"])
    try scheduler.submit(
      ResourceRequest(
        owner: .session("request-\(count)"), tenant: "tenant-\(Int.random(in: 0..<tenants, using: &random))",
        members: Array(repeating: member, count: shape < 12 ? 1 : 4), placement: shape % 2 == 0 ? .pack : .spread,
        sessions: 1, isPreemptible: shape % 3 == 0),
      at: now)
  }

  /// Runs the scheduler and returns the number of decisions. A preempted holder ends at once.
  private mutating func schedule() -> Int {
    let decisions = scheduler.schedule(at: now)
    for decision in decisions {
      switch decision {
      case .grant(let allocation): holders.append(allocation.owner)
      case .preempt(let owner, _, _):
        holders.removeAll { $0 == owner }
        try? scheduler.requeue(owner, at: now)
      }
    }
    return decisions.count
  }
}

/// Returns the duration of the body in microseconds.
func microseconds(_ body: () throws -> Void) rethrows -> Double {
  let time = try ContinuousClock().measure(body).components
  return Double(time.seconds) * 1e6 + Double(time.attoseconds) / 1e12
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
