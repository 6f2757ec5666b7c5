/// Finds a host for each member of a gang, without booking anything.
///
/// Places members greedily, the most demanding first, each on the first suitable host in the order given by the placement. This
/// is not an exact solution of the packing problem: a gang that barely fits may be found not to fit.
struct GangSearch {
  let members: [ResourceRequest.Member]
  let membersApart: Bool
  let placement: ResourceRequest.Placement
  /// Hosts that must not be used.
  var forbidden: [Int: Int] = [:]

  init(_ shape: Shape) {
    members = shape.members
    membersApart = shape.membersApart
    placement = shape.placement
  }

  init(members: [ResourceRequest.Member], like request: ResourceRequest) {
    self.members = members
    membersApart = request.membersApart
    placement = request.placement
  }

  /// Returns the order in which members are placed: those with selectors first, then by decreasing size; equal members keep their
  /// order.
  static func order(of members: [ResourceRequest.Member]) -> [Int] {
    guard members.count > 1 else { return Array(members.indices) }
    func size(_ resources: Resources) -> (Int64, Int64, Int64) {
      let slots = resources.analyticalSlots + resources.interactiveSlots + resources.learningSlots
      return (resources.cpuMillicores, resources.memoryBytes, slots)
    }
    return members.indices.sorted { a, b in
      let (first, second) = (members[a], members[b])
      if first.selector.count != second.selector.count { return first.selector.count > second.selector.count }
      let (large, small) = (size(first.resources), size(second.resources))
      return large != small ? large > small : a < b
    }
  }

  /// The amounts that the gang has taken on a host so far.
  private struct Taken {
    var resources = Resources.zero
    var members = 0
  }

  /// Returns the slot of each member's host; nil if not all members fit.
  /// - Parameters:
  ///   - kept: The hosts of the first members, if those are already placed and booked.
  ///   - growth: The additional amounts of those members that are not yet booked, by slot.
  func find(
    in hosts: inout HostIndex, order: [Int], measure: HostList.Measure = .offer, kept: [Int] = [],
    growth: [Int: Resources] = [:]
  ) -> [Int]? {
    var taken = growth.mapValues { Taken(resources: $0) }
    for slot in kept { taken[slot, default: Taken()].members += 1 }
    var chosen = kept + [Int](repeating: -1, count: members.count - kept.count)
    var level = 0
    for number in order where number >= kept.count {
      guard let slot = host(for: members[number], in: &hosts, taken: taken, measure: measure, level: &level) else {
        return nil
      }
      taken[slot, default: Taken()].resources = (taken[slot]?.resources ?? .zero) + members[number].resources
      taken[slot]!.members += 1
      chosen[number] = slot
    }
    return chosen
  }

  private func host(
    for member: ResourceRequest.Member, in hosts: inout HostIndex, taken: [Int: Taken], measure: HostList.Measure,
    level: inout Int
  ) -> Int? {
    if case .local(let data) = placement, let slot = nearest(member, data, hosts, taken, measure) { return slot }
    let isSpread = placement == .spread
    let most = membersApart || !isSpread ? level : taken.values.reduce(0) { max($0, $1.members) }
    // Spreading members take hosts with none of them first, then hosts with one, and so on.
    while true {
      let bound = level
      let found = hosts.first(
        selector: member.selector, fromEmptiest: isSpread, with: member.resources, of: measure
      ) { slot, measures in
        guard let there = taken[slot] else { return forbidden[slot] == nil }
        if membersApart || isSpread && there.members > bound { return false }
        return forbidden[slot] == nil && Self.fits(member, measures, there, measure)
      }
      if found != nil || level >= most { return found }
      level += 1
    }
  }

  private func nearest(
    _ member: ResourceRequest.Member, _ data: [String: Int64], _ hosts: HostIndex, _ taken: [Int: Taken],
    _ measure: HostList.Measure
  ) -> Int? {
    for (name, _) in data.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      guard let slot = hosts.slot(of: name), hosts.isEligible(slot, selector: member.selector),
        forbidden[slot] == nil, !(membersApart && taken[slot] != nil),
        Self.fits(member, hosts[slot].measures, taken[slot] ?? Taken(), measure)
      else { continue }
      return slot
    }
    return nil
  }

  private static func fits(
    _ member: ResourceRequest.Member, _ measures: HostList.Measures, _ taken: Taken,
    _ measure: HostList.Measure
  ) -> Bool {
    measures.has(member.resources + taken.resources, measure)
  }
}
