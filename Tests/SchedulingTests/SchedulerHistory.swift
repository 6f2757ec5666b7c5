import Objects
import TestSupport

@testable import Scheduling

/// An event of a scheduler. An event that names an unknown owner does nothing, so every part of a history is a history.
enum SchedulerEvent: Equatable {
  case submit(ResourceRequest)
  case withdraw(ObjectReference)
  case release(ObjectReference)
  /// A draining holder has released: it waits again or is gone.
  case drained(Int, isRequeued: Bool)
  case usage(ObjectReference, Usage)
  case resize(ObjectReference, [ResourceRequest.Member])
  case setHost(String, Resources, [String: String])
  case removeHost(String)
  case policies([TenantPolicy])
  case pass(seconds: Int)
}

/// The events that may occur in random histories.
struct SchedulerScale {
  var hosts = 4
  var events = 150
  var tenants = 4
  var isPreemptible = true
  var hasQuotas = true
  var hasPriorities = true
  /// Whether hosts come and go, policies change, and holders grow and shrink.
  var isEventful = true
}

struct SchedulerHistory {
  private var random: SplitMix
  private let scale: SchedulerScale
  private var owners = 0

  private init(seed: UInt64, _ scale: SchedulerScale) {
    random = SplitMix(seed: seed)
    self.scale = scale
  }

  /// Generates a history from a seed.
  static func random(seed: UInt64, _ scale: SchedulerScale = SchedulerScale()) -> [SchedulerEvent] {
    var history = SchedulerHistory(seed: seed, scale)
    var events = (0..<scale.hosts).map { SchedulerEvent.setHost("h\($0)", history.capacity(), history.labels()) }
    events.append(.policies(history.policies()))
    for _ in 0..<scale.events { events.append(history.next()) }
    return events
  }

  private mutating func next() -> SchedulerEvent {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<42: return .submit(request())
    case 42..<64: return .release(owner())
    case 64..<68: return .withdraw(owner())
    case 68..<80: return .drained(Int.random(in: 0..<8, using: &random), isRequeued: chance(80))
    case 80..<88: return .pass(seconds: Int.random(in: 1...400, using: &random))
    case _ where !scale.isEventful: return .pass(seconds: 1)
    case 88..<91: return .usage(owner(), usage())
    case 91..<94: return .resize(owner(), members())
    case 94..<96: return .setHost("h\(Int.random(in: 0...scale.hosts, using: &random))", capacity(), labels())
    case 96..<98: return .removeHost("h\(Int.random(in: 0...scale.hosts, using: &random))")
    default: return .policies(policies())
    }
  }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  /// Returns one of the most recent owners, because earlier ones are probably gone.
  private mutating func owner() -> ObjectReference {
    .session("r\(Int.random(in: max(0, owners - 25)...owners, using: &random))")
  }

  private mutating func request() -> ResourceRequest {
    owners += 1
    let placement: ResourceRequest.Placement =
      switch Int.random(in: 0..<3, using: &random) {
      case 0: .spread
      case 1: .pack
      default: .local(["h1": 10, "h2": 20])
      }
    return ResourceRequest(
      owner: .session("r\(owners)"), tenant: "t\(Int.random(in: 0..<scale.tenants, using: &random))",
      priority: scale.hasPriorities && chance(15) ? Int.random(in: -1...2, using: &random) : 0, members: members(),
      membersApart: chance(20), apartFrom: chance(10) ? "g" : nil, placement: placement,
      sessions: chance(50) ? 1 : 0, isPreemptible: scale.isPreemptible && chance(60))
  }

  private mutating func members() -> [ResourceRequest.Member] {
    let count = chance(70) ? 1 : Int.random(in: 2...4, using: &random)
    return (0..<count).map { _ in
      var resources = room(Int64.random(in: 0...4, using: &random), gib: Int64.random(in: 0...6, using: &random))
      switch Int.random(in: 0..<3, using: &random) {
      case 0: resources.analyticalSlots = 1
      case 1: resources.interactiveSlots = 1
      default: resources.learningSlots = 1
      }
      return ResourceRequest.Member(resources, selector: chance(20) ? ["zone": chance(50) ? "a" : "b"] : [:])
    }
  }

  private mutating func usage() -> Usage {
    Usage(
      memoryBytes: Int64.random(in: 0...8, using: &random) << 30,
      diskBytes: Int64.random(in: 0...100, using: &random), graphs: Int.random(in: 0...4, using: &random))
  }

  private mutating func capacity() -> Resources {
    var capacity = room(Int64.random(in: 4...8, using: &random), gib: Int64.random(in: 8...16, using: &random))
    capacity.analyticalSlots = 3
    capacity.interactiveSlots = 3
    capacity.learningSlots = 2
    return capacity
  }

  private mutating func labels() -> [String: String] { ["zone": chance(50) ? "a" : "b"] }

  private mutating func policies() -> [TenantPolicy] {
    (0..<scale.tenants - 1).filter { _ in chance(85) }.map { number in
      let quota = TenantPolicy.Quota(
        sessions: chance(50) ? Int.random(in: 1...4, using: &random) : nil,
        cpuMillicores: chance(50) ? Int64.random(in: 4...20, using: &random) * 1_000 : nil,
        memoryBytes: chance(50) ? Int64.random(in: 8...40, using: &random) << 30 : nil,
        graphs: chance(30) ? 5 : nil, diskBytes: chance(30) ? 200 : nil)
      return TenantPolicy(
        name: "t\(number)", weight: Int.random(in: 1...4, using: &random),
        quota: scale.hasQuotas ? quota : TenantPolicy.Quota(), maximumWaiting: 12,
        priority: scale.hasPriorities && chance(20) ? 1 : 0)
    }
  }
}
