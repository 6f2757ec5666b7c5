import Objects

/// A request for resources: a *gang* of members, each on one host, granted all at once or not at all.
public struct ResourceRequest: Sendable, Equatable, Codable {
  /// One member of a gang.
  public struct Member: Sendable, Hashable, Codable {
    /// The resources that it takes on its host.
    public var resources: Resources
    /// The labels that its host must have.
    public var selector: [String: String]

    /// Creates a member; without a selector, any host is suitable.
    public init(_ resources: Resources, selector: [String: String] = [:]) {
      self.resources = resources
      self.selector = selector
    }
  }

  /// How to choose among fitting hosts.
  public enum Placement: Sendable, Hashable, Codable {
    /// The emptiest host: keeps members and requests apart.
    case spread
    /// The fullest host with room: leaves room for large requests.
    case pack
    /// The host with the most data, given the bytes of data per host; among equal hosts, as `pack`.
    case local([String: Int64])
  }

  /// The requester, unique among all waiters and holders.
  public var owner: ObjectReference
  /// The tenant whose quota and share the request counts towards.
  public var tenant: String
  /// The priority, added to the tenant's own. Higher priorities go first and may preempt preemptible holders of lower ones.
  public var priority: Int
  /// The members, at least one.
  public var members: [Member]
  /// Whether all members must be on different hosts.
  public var membersApart: Bool
  /// A group whose requests do not share hosts; nil for none.
  public var apartFrom: String?
  /// How hosts are chosen.
  public var placement: Placement
  /// The number of sessions it counts as in its tenant's quota: 1 for a session, 0 for anything that belongs to a session.
  public var sessions: Int
  /// Whether it may be drained and queued again for the sake of other requests.
  public var isPreemptible: Bool

  /// Creates a request; the defaults suit the common case.
  public init(
    owner: ObjectReference, tenant: String, priority: Int = 0, members: [Member], membersApart: Bool = false,
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

/// The measured usage of a holder. For memory, the larger of the requested and the used amount counts.
public struct Usage: Sendable, Equatable, Codable {
  /// Bytes of memory.
  public var memoryBytes: Int64
  /// Bytes on disk.
  public var diskBytes: Int64
  /// The number of graphs.
  public var graphs: Int

  /// Creates a usage.
  public init(memoryBytes: Int64 = 0, diskBytes: Int64 = 0, graphs: Int = 0) {
    self.memoryBytes = memoryBytes
    self.diskBytes = diskBytes
    self.graphs = graphs
  }
}
