/// What an operator decided about the hosts and who may have what of them: the content of the cluster file.
public struct ClusterPlan: Sendable, Equatable {
  /// A host that engines may run on.
  public struct Host: Sendable, Equatable {
    /// Unique.
    public var name: String
    /// What it has for engines.
    public var capacity: Resources
    /// What requests may select it by.
    public var labels: [String: String]

    /// A host.
    public init(name: String, capacity: Resources, labels: [String: String] = [:]) {
      self.name = name
      self.capacity = capacity
      self.labels = labels
    }
  }

  /// What a session asks for when it is opened; its client cannot say.
  public struct SessionDemand: Sendable, Equatable {
    /// Workers, each on one host.
    public var workers: Int
    /// Thousandths of a core for each worker; 0 for a share of what is idle.
    public var cpuMillicores: Int64
    /// Bytes of memory for each worker, kept free for it; what it uses beyond counts as it is used.
    public var memoryBytes: Int64
    /// Labels of the hosts that will do.
    public var selector: [String: String]
    /// How hosts are chosen.
    public var placement: ResourceRequest.Placement
    /// Whether the workers must be on different hosts.
    public var workersApart: Bool
    /// Whether it may be drained and queued again for the sake of others.
    public var isPreemptible: Bool

    /// A demand; by default one worker and nothing that is kept free for it.
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
  /// The tenants that have a policy of their own.
  public var tenants: [TenantPolicy]
  /// The policy of all other tenants.
  public var fallback: TenantPolicy
  /// What sessions ask for.
  public var demand: SessionDemand
  /// What sessions of these tenants ask for instead.
  public var demands: [String: SessionDemand]

  /// The host that this process runs on; embedded engines run nowhere else.
  public static let ownHost = "localhost"
  /// The tenant of those whom access control does not know.
  public static let anonymousTenant = "anonymous"
  /// What the anonymous tenant gets unless the plan says otherwise: room to try something, not to disturb anybody.
  public static let anonymousPolicy = TenantPolicy(
    name: anonymousTenant, weight: 1,
    quota: .init(sessions: 2, memoryBytes: 1 << 30, graphs: 16, diskBytes: 2 << 30), maximumWaiting: 0, priority: 0)

  /// A plan.
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

  /// The policy of a tenant.
  public func policy(of tenant: String) -> TenantPolicy {
    if let policy = tenants.first(where: { $0.name == tenant }) { return policy }
    var policy = fallback
    policy.name = tenant
    return policy
  }

  /// What a new session of a tenant asks for.
  /// - Parameter isLocal: whether its engine runs within this process, on `ownHost` alone.
  public func request(owner: String, tenant: String, workers: Int? = nil, isLocal: Bool) -> ResourceRequest {
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

  /// The label that every host has, with its own name.
  public static let hostLabel = "host"
}
