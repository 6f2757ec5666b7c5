import Scheduling

/// Reads the cluster file: hosts, tenants, and the default demands of sessions. See `config/cluster.example.yaml`.
struct ClusterFile {
  /// The values for what the file does not specify.
  let base: ClusterPlan

  /// Returns the plan in a file.
  /// - Throws: `ConfigurationError` that names the position in the file.
  func read(_ path: String) throws -> ClusterPlan { try plan(DocumentNode(file: path)) }

  /// Returns the plan that a document describes.
  func plan(_ document: DocumentNode) throws -> ClusterPlan {
    let members = try document.members(["hosts", "session", "tenants", "others"])
    var plan = base
    if let hosts = members["hosts"] {
      plan.hosts = try hosts.elements().map(host)
      try requireUnique(plan.hosts.map(\.name), in: hosts)
      guard !plan.hosts.isEmpty else { throw ConfigurationError("\(hosts.place) must have at least one host") }
    }
    if let session = members["session"] { plan.demand = try demand(session, plan.demand) }
    if let others = members["others"] {
      plan.fallback = try policy(others.members(Self.policyKeys), TenantPolicy(name: base.fallback.name))
    }
    if let tenants = members["tenants"] {
      for tenant in try tenants.elements() { try add(tenant, to: &plan) }
    }
    return plan
  }

  // MARK: Hosts

  private func host(_ node: DocumentNode) throws -> ClusterPlan.Host {
    let members = try node.members(["name", "cpu", "memory", "analytical", "interactive", "learning", "labels"])
    guard let name = try members["name"]?.name() else { throw ConfigurationError("\(node.place) has no name") }
    // The capacity of this host has defaults; that of other hosts must be specified.
    let known = base.hosts.first { $0.name == name }?.capacity
    guard let cpu = try members["cpu"]?.cores() ?? known?.cpuMillicores,
      let memory = try members["memory"]?.bytes() ?? known?.memoryBytes
    else { throw ConfigurationError("\(node.place) must have cpu and memory") }
    let slots = { (key: String, other: Int64) in
      try members[key].map { Int64(try $0.integer(0...1_000_000)) } ?? other
    }
    let capacity = Resources(
      cpuMillicores: cpu, memoryBytes: memory, analyticalSlots: try slots("analytical", known?.analyticalSlots ?? 16),
      interactiveSlots: try slots("interactive", known?.interactiveSlots ?? 16),
      learningSlots: try slots("learning", known?.learningSlots ?? 16))
    return .init(name: name, capacity: capacity, labels: try members["labels"].map(labels) ?? [:])
  }

  private func labels(_ node: DocumentNode) throws -> [String: String] {
    let labels = try selector(node)
    guard labels[ClusterPlan.hostLabel] == nil else {
      throw ConfigurationError(
        "\(node.place): the label '\(ClusterPlan.hostLabel)' is reserved: every host has it, with its own name")
    }
    return labels
  }

  private func selector(_ node: DocumentNode) throws -> [String: String] {
    let labels = try node.members().mapValues { try $0.name() }
    guard labels.count <= 64 else { throw ConfigurationError("\(node.place): a host can have at most 64 labels") }
    return labels
  }

  // MARK: Tenants

  private static let policyKeys = ["weight", "priority", "max_waiting", "quota"]

  private func add(_ node: DocumentNode, to plan: inout ClusterPlan) throws {
    let members = try node.members(["name", "session"] + Self.policyKeys)
    guard let name = try members["name"]?.name() else { throw ConfigurationError("\(node.place) has no name") }
    // Only the built-in policy of the anonymous tenant may be replaced.
    let earlier = plan.tenants.firstIndex { $0.name == name }
    guard earlier == nil || plan.tenants[earlier!] == ClusterPlan.anonymousPolicy else {
      throw ConfigurationError("\(node.place): the tenant '\(name)' occurs twice")
    }
    let policy = try policy(members, TenantPolicy(name: name))
    if let earlier { plan.tenants[earlier] = policy } else { plan.tenants.append(policy) }
    if let session = members["session"] { plan.demands[name] = try demand(session, plan.demand) }
  }

  private func policy(_ members: [String: DocumentNode], _ base: TenantPolicy) throws -> TenantPolicy {
    var policy = base
    if let weight = members["weight"] { policy.weight = try weight.integer(1...1000) }
    if let priority = members["priority"] { policy.priority = try priority.integer(-1000...1000) }
    if let waiting = members["max_waiting"] { policy.maximumWaiting = try waiting.integer(0...100_000) }
    if let quota = members["quota"] {
      let members = try quota.members(["sessions", "cpu", "memory", "graphs", "disk"])
      policy.quota = .init(
        sessions: try members["sessions"]?.integer(0...1_000_000), cpuMillicores: try members["cpu"]?.cores(),
        memoryBytes: try members["memory"]?.bytes(), graphs: try members["graphs"]?.integer(0...1_000_000_000),
        diskBytes: try members["disk"]?.bytes())
    }
    return policy
  }

  // MARK: Sessions

  private enum Placement: String, CaseIterable { case pack, spread }

  private func demand(_ node: DocumentNode, _ base: ClusterPlan.SessionDemand) throws -> ClusterPlan.SessionDemand {
    let members = try node.members([
      "workers", "cpu", "memory", "selector", "placement", "workers_apart", "preemptible",
    ])
    var demand = base
    if let workers = members["workers"] { demand.workers = try workers.integer(1...4096) }
    if let cpu = members["cpu"] { demand.cpuMillicores = try cpu.cores() }
    if let memory = members["memory"] { demand.memoryBytes = try memory.bytes() }
    if let selector = members["selector"] { demand.selector = try self.selector(selector) }
    if let placement = members["placement"] {
      demand.placement = try placement.choice(Placement.self) == .pack ? .pack : .spread
    }
    if let apart = members["workers_apart"] { demand.workersApart = try apart.flag() }
    if let preemptible = members["preemptible"] { demand.isPreemptible = try preemptible.flag() }
    return demand
  }

  private func requireUnique(_ names: [String], in node: DocumentNode) throws {
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw ConfigurationError("\(node.place): '\(name)' occurs twice")
    }
  }
}
