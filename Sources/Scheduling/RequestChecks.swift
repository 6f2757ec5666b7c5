import Objects

/// Checks that reject a request at once because waiting would not help.
extension Scheduler {
  func validate(_ request: ResourceRequest) throws(SchedulingError) {
    guard holders[request.owner] == nil, waiters[request.owner] == nil else { throw .ownerKnown(request.owner) }
    try validate(request.members, of: request.owner)
    guard (0...Self.maximumMembers).contains(request.sessions) else {
      throw SchedulingError(
        .invalid, "\(request.owner) counts as \(request.sessions) sessions; 0 to \(Self.maximumMembers) are allowed.")
    }
    guard abs(request.priority) <= Self.highestPriority else {
      throw SchedulingError(
        .invalid,
        "The priority \(request.priority) of \(request.owner) is not between -\(Self.highestPriority) and \(Self.highestPriority)."
      )
    }
  }

  func validate(_ members: [ResourceRequest.Member], of owner: ObjectReference) throws(SchedulingError) {
    guard (1...Self.maximumMembers).contains(members.count) else {
      throw SchedulingError(
        .invalid, "\(owner) requests \(members.count) members; 1 to \(Self.maximumMembers) are allowed.")
    }
    for (number, member) in members.enumerated() where !member.resources.isPlausible || member.resources == .zero {
      throw SchedulingError(
        .invalid,
        "Member \(number) of \(owner) is not valid: it must request resources, in amounts between 0 and "
          + "\(Resources.largestAmount)."
      )
    }
  }

  /// Checks that the hosts could satisfy the request if they were idle.
  mutating func checkPossible(_ request: ResourceRequest, _ shape: Shape) throws(SchedulingError) {
    let search = GangSearch(shape)
    guard search.find(in: &hosts, order: GangSearch.order(of: shape.members), measure: .capacity) == nil else { return }
    throw SchedulingError(.impossible, whyImpossible(request) + " Request less, or add hosts.")
  }

  /// Describes what idle hosts lack for the request.
  func whyImpossible(_ request: ResourceRequest) -> String {
    let present = hosts.present.map { hosts[$0] }
    guard !present.isEmpty else { return "There are no hosts for \(request.owner)." }
    for member in request.members {
      let eligible = present.filter { host in member.selector.allSatisfy { host.labels[$0.key] == $0.value } }
      guard !eligible.isEmpty else {
        let labels = member.selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return "\(request.owner) requests a host labelled \(labels.joined(separator: ", ")), but none of "
          + "\(present.count) hosts has these labels."
      }
      guard !eligible.contains(where: { member.resources.fits(in: $0.capacity) }) else { continue }
      let largest = eligible.reduce(Resources.zero) { $0.upper($1.capacity) }
      return "A member of \(request.owner) requests \(member.resources.sentence), but the largest capacity of "
        + "\(eligible.count) hosts is \(largest.sentence)."
    }
    let total = Resources.sum(request.members.lazy.map(\.resources))
    let apart = request.membersApart ? ", each on a separate host" : ""
    return "\(request.owner) requests \(request.members.count) members with \(total.sentence) in total\(apart), but "
      + "\(present.count) hosts with \(hosts.total.sentence) in total have no room for them even when idle."
  }

  /// Checks that the quota would allow the request if the tenant held nothing.
  func checkQuotaWhenEmpty(_ request: ResourceRequest, _ policy: TenantPolicy) throws(SchedulingError) {
    let total = Resources.sum(request.members.lazy.map(\.resources))
    let exceeded = policy.quota.exceeded(by: total, sessions: request.sessions, beyond: nil)
    guard !exceeded.isEmpty else { return }
    throw SchedulingError(
      .quota,
      quotaSentence(exceeded, request.owner, total, request.sessions, policy, tenant: nil)
        + " Request less, or ask an operator to raise the quota.")
  }

  /// Describes the exceeded limits of a quota: the limit, what is held, and what was requested.
  func quotaSentence(
    _ exceeded: QuotaBounds, _ owner: ObjectReference, _ more: Resources, _ sessions: Int, _ policy: TenantPolicy,
    tenant: Tenant?
  ) -> String {
    var parts: [String] = []
    let quota = policy.quota
    if exceeded.contains(.sessions) {
      parts.append("\(quota.sessions!) sessions allowed, \(tenant?.sessions ?? 0) open, \(sessions) requested")
    }
    if exceeded.contains(.cpu) {
      let held = Resources.cores(tenant?.held.cpuMillicores ?? 0)
      parts.append(
        "\(Resources.cores(quota.cpuMillicores!)) allowed, \(held) in use, \(Resources.cores(more.cpuMillicores)) requested"
      )
    }
    if exceeded.contains(.memory) {
      let held = Resources.bytes(tenant?.held.memoryBytes ?? 0)
      parts.append(
        "\(Resources.bytes(quota.memoryBytes!)) of memory allowed, \(held) in use, \(Resources.bytes(more.memoryBytes)) requested"
      )
    }
    return "\(owner) exceeds the quota of tenant \(policy.name): " + parts.joined(separator: "; ") + "."
  }
}
