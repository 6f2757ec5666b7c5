/// What a tenant may have: its share of the hosts, and bounds that it never exceeds.
public struct TenantPolicy: Sendable, Equatable, Codable {
  /// Bounds; nil for none.
  public struct Quota: Sendable, Equatable, Codable {
    /// Sessions that are open.
    public var sessions: Int?
    /// Thousandths of a processor core.
    public var cpuMillicores: Int64?
    /// Bytes of memory.
    public var memoryBytes: Int64?
    /// Graphs that are loaded.
    public var graphs: Int?
    /// Bytes on disk.
    public var diskBytes: Int64?

    /// A quota; what is left out has no bound.
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

  /// Unique; what principals and requests name.
  public var name: String
  /// Its share relative to those of others, 1 to 1,000.
  public var weight: Int
  /// What it never exceeds, however idle the hosts are.
  public var quota: Quota
  /// Requests of it that may wait; further ones are refused.
  public var maximumWaiting: Int
  /// The priority of its requests.
  public var priority: Int

  /// A tenant.
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
