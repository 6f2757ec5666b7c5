import Support

/// A condition of an object: whether it holds, and why.
public struct ObjectCondition: Codable, Sendable, Equatable {
  /// Whether a condition holds.
  public enum Status: Sendable, Hashable, ExpressibleByBooleanLiteral {
    case `true`, `false`
    /// It cannot be determined at present.
    case unknown

    /// Creates the status of a known condition.
    public init(_ holds: Bool) { self = holds ? .true : .false }

    /// Creates the status of a known condition.
    public init(booleanLiteral holds: Bool) { self.init(holds) }
  }

  /// The types of conditions known to this version.
  public enum Kind: String, Sendable, CaseIterable {
    /// The object does its work.
    case ready = "Ready"
    /// The client of a session is connected.
    case connected = "Connected"
    /// Nothing made by a session was lost.
    case intact = "Intact"
    /// The engines of a session, which the reason names.
    case engine = "Engine"
    /// A child process exits repeatedly.
    case crashLooping = "CrashLooping"
    /// The state store has the current record of a child process.
    case journaled = "Journaled"
  }

  /// The reasons known to this version.
  public enum Reason: String, Sendable, CaseIterable {
    // Sessions: engines.
    case queued = "Queued"
    case gaveWay = "GaveWay"
    case enginesReady = "EnginesReady"
    case enginesDied = "EnginesDied"
    case broken = "Broken"
    // Sessions: their objects.
    case restarted = "Restarted"
    case objectsLost = "ObjectsLost"
    case recovered = "Recovered"
    case recoveryFailed = "RecoveryFailed"
    // Sessions: their clients.
    case heard = "Heard"
    case connectionLost = "ConnectionLost"
    case coordinatorRestarted = "CoordinatorRestarted"
    // Sessions: their end.
    case closed = "Closed"
    case leaseExpired = "LeaseExpired"
    case abandoned = "Abandoned"
    case shutdown = "Shutdown"
    case madeRoom = "MadeRoom"
    case interrupted = "Interrupted"
    // Child processes.
    case planned = "Planned"
    case spawning = "Spawning"
    case starting = "Starting"
    case adopted = "Adopted"
    case ready = "Ready"
    case unresponsive = "Unresponsive"
    case terminating = "Terminating"
    case backOff = "BackOff"
    case crashLoop = "CrashLoop"
    case exited = "Exited"
    case stored = "Stored"
    case refused = "Refused"

    /// Whether an object that is not ready for this reason waits for resources.
    public var isWaiting: Bool { self == .queued || self == .gaveWay }
  }

  /// The type of the condition.
  public var type: OpenWord<Kind>
  /// Whether it holds.
  public var status: Status
  /// The reason as a single word, for programs.
  public var reason: OpenWord<Reason>
  /// The reason as a sentence, for people.
  public var message: String
  /// When the status last changed, in milliseconds since 1970.
  public var sinceMilliseconds: Int64

  /// Creates a condition.
  public init(
    _ type: OpenWord<Kind>, _ status: Status, reason: OpenWord<Reason>, message: String, sinceMilliseconds: Int64
  ) {
    self.type = type
    self.status = status
    self.reason = reason
    self.message = message
    self.sinceMilliseconds = sinceMilliseconds
  }

  private enum CodingKeys: String, CodingKey { case type, holds, reason, message, sinceMilliseconds }

  /// Decodes a condition. `holds` is true or false; it is absent for an unknown status.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    type = try container.decode(OpenWord<Kind>.self, forKey: .type)
    status = try container.decodeIfPresent(Bool.self, forKey: .holds).map { Status($0) } ?? .unknown
    reason = try container.decode(OpenWord<Reason>.self, forKey: .reason)
    message = try container.decode(String.self, forKey: .message)
    sinceMilliseconds = try container.decode(Int64.self, forKey: .sinceMilliseconds)
  }

  /// Encodes a condition in the same form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(type, forKey: .type)
    if status != .unknown { try container.encode(status == .true, forKey: .holds) }
    try container.encode(reason, forKey: .reason)
    try container.encode(message, forKey: .message)
    try container.encode(sinceMilliseconds, forKey: .sinceMilliseconds)
  }
}

/// A word of a fixed list, or any other word, either written by another version of the coordinator or naming something outside
/// it, such as an engine. Both are encoded as the same text.
public enum OpenWord<Known: RawRepresentable & Sendable & Hashable>: Sendable, Hashable, Codable
where Known.RawValue == String {
  case known(Known)
  case other(String)

  /// Creates a word from text.
  public init(_ text: String) { self = Known(rawValue: text).map { .known($0) } ?? .other(text) }

  /// The word as text.
  public var text: String {
    switch self {
    case .known(let word): word.rawValue
    case .other(let text): text
    }
  }

  /// Decodes a string.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  /// Encodes a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

extension ClusterObject {
  /// Returns the condition of a type; nil if it is not set.
  public func condition(_ type: ObjectCondition.Kind) -> ObjectCondition? {
    conditions.first { $0.type == .known(type) }
  }

  /// Sets a condition; its time changes only if its status does.
  public mutating func setCondition(
    _ type: ObjectCondition.Kind, _ status: ObjectCondition.Status, reason: ObjectCondition.Reason, message: String,
    nowMilliseconds: Int64
  ) {
    setCondition(
      .known(type), status, reason: .known(reason), message: message, nowMilliseconds: nowMilliseconds)
  }

  /// Sets a condition whose type or reason may be outside the fixed lists.
  public mutating func setCondition(
    _ type: OpenWord<ObjectCondition.Kind>, _ status: ObjectCondition.Status,
    reason: OpenWord<ObjectCondition.Reason>, message: String, nowMilliseconds: Int64
  ) {
    var condition = ObjectCondition(type, status, reason: reason, message: message, sinceMilliseconds: nowMilliseconds)
    guard let index = conditions.firstIndex(where: { $0.type == type }) else {
      conditions.append(condition)
      return
    }
    if conditions[index].status == status { condition.sinceMilliseconds = conditions[index].sinceMilliseconds }
    conditions[index] = condition
  }
}
