import Objects

/// Amounts of resources, of a host or of an instance.
public struct Resources: Sendable, Hashable, Codable {
  /// Thousandths of a processor core.
  public var cpuMillicores: Int64
  /// Memory in bytes.
  public var memoryBytes: Int64
  /// Slots for analytical processes.
  public var analyticalSlots: Int64
  /// Slots for query processes.
  public var interactiveSlots: Int64
  /// Slots for learning processes.
  public var learningSlots: Int64

  /// Creates amounts; omitted ones are 0.
  public init(
    cpuMillicores: Int64 = 0, memoryBytes: Int64 = 0, analyticalSlots: Int64 = 0, interactiveSlots: Int64 = 0,
    learningSlots: Int64 = 0
  ) {
    self.cpuMillicores = cpuMillicores
    self.memoryBytes = memoryBytes
    self.analyticalSlots = analyticalSlots
    self.interactiveSlots = interactiveSlots
    self.learningSlots = learningSlots
  }

  /// No resources.
  public static let zero = Resources()

  /// Whether no amount is negative.
  public var isValid: Bool { Resources.zero.fits(in: self) }

  /// Whether every amount is at most that of `room`.
  public func fits(in room: Resources) -> Bool {
    cpuMillicores <= room.cpuMillicores && memoryBytes <= room.memoryBytes && analyticalSlots <= room.analyticalSlots
      && interactiveSlots <= room.interactiveSlots && learningSlots <= room.learningSlots
  }

  /// Returns the sum of each amount. The caller ensures that the sums do not overflow.
  public static func + (a: Resources, b: Resources) -> Resources {
    Resources(
      cpuMillicores: a.cpuMillicores + b.cpuMillicores, memoryBytes: a.memoryBytes + b.memoryBytes,
      analyticalSlots: a.analyticalSlots + b.analyticalSlots,
      interactiveSlots: a.interactiveSlots + b.interactiveSlots, learningSlots: a.learningSlots + b.learningSlots)
  }

  /// Returns the difference of each amount.
  public static func - (a: Resources, b: Resources) -> Resources {
    Resources(
      cpuMillicores: a.cpuMillicores - b.cpuMillicores, memoryBytes: a.memoryBytes - b.memoryBytes,
      analyticalSlots: a.analyticalSlots - b.analyticalSlots,
      interactiveSlots: a.interactiveSlots - b.interactiveSlots, learningSlots: a.learningSlots - b.learningSlots)
  }
}

/// The resources granted to an owner: a placement per member, in the order of the request.
public struct Allocation: Sendable, Equatable, Codable {
  /// The placement of one member.
  public struct Placement: Sendable, Equatable, Codable {
    /// The host's name.
    public var host: String
    /// The resources taken there.
    public var resources: Resources

    /// Creates a placement.
    public init(host: String, resources: Resources) {
      self.host = host
      self.resources = resources
    }
  }

  /// The holder, unique among all holders and waiters.
  public var owner: ObjectReference
  /// The placements of the members.
  public var placements: [Placement]

  /// Creates an allocation.
  public init(owner: ObjectReference, placements: [Placement]) {
    self.owner = owner
    self.placements = placements
  }
}
