/// What somebody asks the scheduler for: a *gang* of members, each on one host, all granted at once or none.
public struct ResourceRequest: Sendable, Equatable, Codable {
  /// One part of a gang.
  public struct Member: Sendable, Hashable, Codable {
    /// What it takes on its host.
    public var resources: Resources
    /// Labels that its host must have.
    public var selector: [String: String]

    /// A member; without a selector any host will do.
    public init(_ resources: Resources, selector: [String: String] = [:]) {
      self.resources = resources
      self.selector = selector
    }
  }

  /// How hosts are chosen among those that fit.
  public enum Placement: Sendable, Hashable, Codable {
    /// The emptiest host: members and requests stay out of each other's way.
    case spread
    /// The fullest host that has room: large requests find room later.
    case pack
    /// The host that has most of the wanted data, by bytes of it per host; equal hosts as `pack` says.
    case local([String: Int64])
  }

  /// Who asks; unique among all that wait or hold.
  public var owner: String
  /// Whose quota and share it counts for.
  public var tenant: String
  /// Added to the tenant's own: higher ones go first and may displace lower ones that are preemptible.
  public var priority: Int
  /// The parts, 1 or more.
  public var members: [Member]
  /// Whether no two members may be on one host.
  public var membersApart: Bool
  /// Requests of one group stay off each other's hosts; nil for none.
  public var apartFrom: String?
  /// How hosts are chosen.
  public var placement: Placement
  /// How many sessions it counts for in its tenant's quota: 1 for a session, 0 for what belongs to one.
  public var sessions: Int
  /// Whether it may be drained and queued again for the sake of others.
  public var isPreemptible: Bool

  /// A request; what is left out is the common case.
  public init(
    owner: String, tenant: String, priority: Int = 0, members: [Member], membersApart: Bool = false,
    apartFrom: String? = nil, placement: Placement = .pack, sessions: Int = 0, isPreemptible: Bool = false
  ) {
    self.owner = owner
    self.tenant = tenant
    self.priority = priority
    self.members = members
    self.membersApart = membersApart
    self.apartFrom = apartFrom
    self.placement = placement
    self.sessions = sessions
    self.isPreemptible = isPreemptible
  }
}

/// What a holder uses beyond what it asked for, as it was measured. Memory counts as the larger of what was asked for and
/// what is used.
public struct Usage: Sendable, Equatable, Codable {
  /// Bytes of memory.
  public var memoryBytes: Int64
  /// Bytes on disk.
  public var diskBytes: Int64
  /// Graphs.
  public var graphs: Int

  /// What is used.
  public init(memoryBytes: Int64 = 0, diskBytes: Int64 = 0, graphs: Int = 0) {
    self.memoryBytes = memoryBytes
    self.diskBytes = diskBytes
    self.graphs = graphs
  }
}
