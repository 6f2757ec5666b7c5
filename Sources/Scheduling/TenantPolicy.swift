/// The policy of a tenant: its weight and the limits of its resources.
public struct TenantPolicy: Sendable, Equatable, Codable {
  /// The limits of a tenant's resources; nil for no limit.
  public struct Quota: Sendable, Equatable, Codable {
    /// The maximum number of open sessions.
    public var sessions: Int?
    /// Thousandths of a processor core.
    public var cpuMillicores: Int64?
    /// Bytes of memory.
    public var memoryBytes: Int64?
    /// The maximum number of loaded graphs.
    public var graphs: Int?
    /// Bytes on disk.
    public var diskBytes: Int64?

    /// Creates a quota; omitted resources have no limit.
    public init(
      sessions: Int? = nil, cpuMillicores: Int64? = nil, memoryBytes: Int64? = nil, graphs: Int? = nil,
      diskBytes: Int64? = nil
    ) {
      self.sessions = sessions
      self.cpuMillicores = cpuMillicores
      self.memoryBytes = memoryBytes
      self.graphs = graphs
      self.diskBytes = diskBytes
    }
  }

  /// The unique name that principals and requests refer to.
  public var name: String
  /// The weight of its share relative to other tenants, 1 to 1,000.
  public var weight: Int
  /// The limits that it never exceeds, even if the hosts are idle.
  public var quota: Quota
  /// The maximum number of its waiting requests; further ones are rejected.
  public var maximumWaiting: Int
  /// The priority of its requests.
  public var priority: Int

  /// Creates a policy.
  public init(
    name: String, weight: Int = 1, quota: Quota = Quota(), maximumWaiting: Int = 16, priority: Int = 0
  ) {
    self.name = name
    self.weight = weight
    self.quota = quota
    self.maximumWaiting = maximumWaiting
    self.priority = priority
  }
}
