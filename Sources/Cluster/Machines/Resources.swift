/// Amounts of what a host has and what instances take.
public struct Resources: Sendable, Hashable, Codable {
  /// Thousandths of a processor core.
  public var cpuMillicores: Int64
  /// Memory in bytes.
  public var memoryBytes: Int64
  /// Places for analytical processes.
  public var analyticalSlots: Int64
  /// Places for query processes.
  public var interactiveSlots: Int64
  /// Places for learning processes.
  public var learningSlots: Int64

  /// Amounts; what is not named is 0.
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

  /// Nothing.
  public static let zero = Resources()

  /// Whether no amount is negative.
  public var isValid: Bool { Resources.zero.fits(in: self) }

  /// Whether every amount is at most that of `room`.
  public func fits(in room: Resources) -> Bool {
    cpuMillicores <= room.cpuMillicores && memoryBytes <= room.memoryBytes && analyticalSlots <= room.analyticalSlots
      && interactiveSlots <= room.interactiveSlots && learningSlots <= room.learningSlots
  }

  /// Sums; callers make sure that they fit in a valid value.
  public static func + (a: Resources, b: Resources) -> Resources {
    Resources(
      cpuMillicores: a.cpuMillicores + b.cpuMillicores, memoryBytes: a.memoryBytes + b.memoryBytes,
      analyticalSlots: a.analyticalSlots + b.analyticalSlots,
      interactiveSlots: a.interactiveSlots + b.interactiveSlots, learningSlots: a.learningSlots + b.learningSlots)
  }

  /// Differences.
  public static func - (a: Resources, b: Resources) -> Resources {
    Resources(
      cpuMillicores: a.cpuMillicores - b.cpuMillicores, memoryBytes: a.memoryBytes - b.memoryBytes,
      analyticalSlots: a.analyticalSlots - b.analyticalSlots,
      interactiveSlots: a.interactiveSlots - b.interactiveSlots, learningSlots: a.learningSlots - b.learningSlots)
  }
}

/// What an owner was given: its members' amounts and hosts, in the order in which it asked.
public struct Allocation: Sendable, Equatable, Codable {
  /// One member's share.
  public struct Placement: Sendable, Equatable, Codable {
    /// The host's name.
    public var host: String
    /// What is taken there.
    public var resources: Resources

    /// A share.
    public init(host: String, resources: Resources) {
      self.host = host
      self.resources = resources
    }
  }

  /// Who holds it; unique among all that hold or wait.
  public var owner: String
  /// The members' shares.
  public var placements: [Placement]

  /// An allocation.
  public init(owner: String, placements: [Placement]) {
    self.owner = owner
    self.placements = placements
  }
}
