import Objects
import Support

/// An object that the coordinator keeps track of, as stored and reported: what was requested (`spec`) and what was observed
/// (`status`, `conditions`). Its key consists of its kind and name.
public struct ClusterObject<Spec: Codable & Sendable, Status: Codable & Sendable>: Codable, Sendable {
  /// The kind of the object.
  public var kind: ObjectKind
  /// The name, unique within the kind; objects that belong to a session have the session's name and a slash as prefix.
  public var name: String
  /// The principal that requested it.
  public var owner: String
  /// The tenant it belongs to; nil if it belongs to none.
  public var tenant: String?
  /// When it was requested, in milliseconds since 1970.
  public var createdMilliseconds: Int64
  /// What was requested.
  public var spec: Spec
  /// What was observed.
  public var status: Status
  /// The conditions of the object, at most one of each type.
  public var conditions: [ObjectCondition]

  /// Creates an object.
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
}
