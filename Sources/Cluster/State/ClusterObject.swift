/// The kinds of things that the coordinator keeps track of.
public enum ObjectKind: String, Sendable, CaseIterable, Codable {
  /// A client's session.
  case session
  /// A step that a session runs or ran.
  case step
  /// An engine, query service or learning service of a session.
  case instance
  /// A service that answers queries on a graph, independent of sessions.
  case graphService
  /// Work that runs on its own until it is done.
  case job
  /// A child process.
  case child
  /// Who shares the hosts with others: its policy, and what it has.
  case tenant
  /// What engines run on.
  case host

  /// The kind's name in keys, commands and addresses, for example `sessions`.
  public var plural: String {
    switch self {
    case .session: "sessions"
    case .step: "steps"
    case .instance: "instances"
    case .graphService: "graphservices"
    case .job: "jobs"
    case .child: "children"
    case .tenant: "tenants"
    case .host: "hosts"
    }
  }

  /// Where the objects of this kind begin in the state store.
  public var prefix: String { plural + "/" }

  /// The key of an object in the state store.
  public func key(_ name: String) -> String { prefix + name }
}

/// A thing that the coordinator keeps track of, as it stands in the state store and as it is shown: what was asked for
/// (`spec`), and what is (`status`, `conditions`). Its key is that of its kind and name.
public struct ClusterObject<Spec: Codable & Sendable, Status: Codable & Sendable>: Codable, Sendable {
  /// What it is.
  public var kind: ObjectKind
  /// Unique within its kind; names of what belongs to a session begin with the session's name and a slash.
  public var name: String
  /// Who asked for it.
  public var owner: String
  /// Whose it is; nil for what belongs to no tenant.
  public var tenant: String?
  /// When it was asked for, in milliseconds since 1970.
  public var createdMilliseconds: Int64
  /// What was asked for.
  public var spec: Spec
  /// What is.
  public var status: Status
  /// What holds for it and why, at most one of each type.
  public var conditions: [ObjectCondition]

  /// An object.
  public init(
    kind: ObjectKind, name: String, owner: String, tenant: String? = nil, createdMilliseconds: Int64, spec: Spec,
    status: Status, conditions: [ObjectCondition] = []
  ) {
    self.kind = kind
    self.name = name
    self.owner = owner
    self.tenant = tenant
    self.createdMilliseconds = createdMilliseconds
    self.spec = spec
    self.status = status
    self.conditions = conditions
  }

  /// Says that something holds or not; the time changes only with the answer.
  public mutating func setCondition(
    _ type: String, _ holds: Bool, reason: String, message: String, nowMilliseconds: Int64
  ) {
    var condition = ObjectCondition(
      type: type, holds: holds, reason: reason, message: message, sinceMilliseconds: nowMilliseconds)
    guard let index = conditions.firstIndex(where: { $0.type == type }) else {
      conditions.append(condition)
      return
    }
    if conditions[index].holds == holds { condition.sinceMilliseconds = conditions[index].sinceMilliseconds }
    conditions[index] = condition
  }
}

/// One thing that holds for an object, or does not.
public struct ObjectCondition: Codable, Sendable, Equatable {
  /// What, for example `Ready`.
  public var type: String
  /// Whether it holds.
  public var holds: Bool
  /// Why, in one word for programs, for example `LeaseExpired`.
  public var reason: String
  /// Why, in a sentence.
  public var message: String
  /// Since when it holds or not, in milliseconds since 1970.
  public var sinceMilliseconds: Int64

  /// A condition.
  public init(type: String, holds: Bool, reason: String, message: String, sinceMilliseconds: Int64) {
    self.type = type
    self.holds = holds
    self.reason = reason
    self.message = message
    self.sinceMilliseconds = sinceMilliseconds
  }
}
