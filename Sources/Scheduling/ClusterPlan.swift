import Objects

/// The operator's configuration of hosts and tenants: the content of the cluster file.
public struct ClusterPlan: Sendable, Equatable, Codable {
  /// A host that engines may run on.
  public struct Host: Sendable, Equatable, Codable {
    /// The name, unique in the plan.
    public var name: String
    /// The resources available to engines.
    public var capacity: Resources
    /// The labels that requests select hosts by.
    public var labels: [String: String]

    /// Creates a host.
    public init(name: String, capacity: Resources, labels: [String: String] = [:]) {
      self.name = name
      self.capacity = capacity
      self.labels = labels
    }
  }

  /// The resources requested for a session when it is opened; clients cannot change them.
  public struct SessionDemand: Sendable, Equatable, Codable {
    /// The number of workers, each on one host.
    public var workers: Int
    /// Thousandths of a core per worker; 0 for a share of the idle cores.
    public var cpuMillicores: Int64
    /// Bytes of memory reserved per worker; memory used beyond that is booked as it is used.
    public var memoryBytes: Int64
    /// The labels that hosts must have.
    public var selector: [String: String]
    /// How hosts are chosen.
    public var placement: ResourceRequest.Placement
    /// Whether the workers must run on different hosts.
    public var workersApart: Bool
    /// Whether the session may be drained and queued again for the sake of other requests.
    public var isPreemptible: Bool

    /// Creates a demand; by default, one worker with nothing reserved.
    public init(
      workers: Int = 1, cpuMillicores: Int64 = 0, memoryBytes: Int64 = 0, selector: [String: String] = [:],
      placement: ResourceRequest.Placement = .pack, workersApart: Bool = false, isPreemptible: Bool = true
    ) {
      self.workers = workers
      self.cpuMillicores = cpuMillicores
      self.memoryBytes = memoryBytes
      self.selector = selector
      self.placement = placement
      self.workersApart = workersApart
      self.isPreemptible = isPreemptible
    }
  }

  /// The hosts.
  public var hosts: [Host]
  /// The tenants with a policy of their own.
  public var tenants: [TenantPolicy]
  /// The policy of all other tenants.
  public var fallback: TenantPolicy
  /// The demand of sessions.
  public var demand: SessionDemand
  /// The demand of sessions of particular tenants, by tenant name; it replaces `demand`.
  public var demands: [String: SessionDemand]

  /// The name of the host that this process runs on, the only one for embedded engines.
  public static let ownHost = "localhost"
  /// The tenant of principals that access control does not know.
  public static let anonymousTenant = "anonymous"
  /// The default policy of the anonymous tenant: enough to try something, too little to disturb other tenants.
  public static let anonymousPolicy = TenantPolicy(
    name: anonymousTenant, weight: 1,
    quota: .init(sessions: 2, memoryBytes: 1 << 30, graphs: 16, diskBytes: 2 << 30), maximumWaiting: 0, priority: 0)

  /// Creates a plan.
  public init(
    hosts: [Host], tenants: [TenantPolicy] = [], fallback: TenantPolicy = TenantPolicy(name: "default"),
    demand: SessionDemand = SessionDemand(), demands: [String: SessionDemand] = [:]
  ) {
    self.hosts = hosts
    self.tenants = tenants
    if !tenants.contains(where: { $0.name == Self.anonymousTenant }) { self.tenants.append(Self.anonymousPolicy) }
    self.fallback = fallback
    self.demand = demand
    self.demands = demands
  }

  /// Returns the policy of a tenant.
  public func policy(of tenant: String) -> TenantPolicy {
    if let policy = tenants.first(where: { $0.name == tenant }) { return policy }
    var policy = fallback
    policy.name = tenant
    return policy
  }

  /// Returns the request for a new session of a tenant.
  /// - Parameter isLocal: Whether its engine runs within this process, and thus on `ownHost` only.
  public func request(owner: ObjectReference, tenant: String, workers: Int? = nil, isLocal: Bool) -> ResourceRequest {
    let demand = demands[tenant] ?? self.demand
    var selector = demand.selector
    if isLocal { selector[Self.hostLabel] = Self.ownHost }
    let amounts = Resources(
      cpuMillicores: demand.cpuMillicores, memoryBytes: demand.memoryBytes, analyticalSlots: 1)
    return ResourceRequest(
      owner: owner, tenant: tenant,
      members: Array(repeating: .init(amounts, selector: selector), count: workers ?? demand.workers),
      membersApart: demand.workersApart, placement: demand.placement, sessions: 1,
      isPreemptible: demand.isPreemptible)
  }

  /// The label that every host has; its value is the host's name.
  public static let hostLabel = "host"
}
