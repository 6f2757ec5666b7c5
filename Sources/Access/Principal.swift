/// The name that access control assigns to a caller, on whose behalf a call is made. Owns sessions and objects.
public struct Principal: Sendable, Hashable, CustomStringConvertible {
  /// For example `alice`, `host 127.0.0.1` or `uid 1000`.
  public let description: String

  /// Makes a principal with this name.
  public init(_ description: String) { self.description = description }
}

/// What a principal may do. Each role includes the rights of the roles before it.
public enum Role: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
  /// May read the objects of its tenant.
  case viewer
  /// May open sessions, and use and close its own.
  case user
  /// May read and change everything, of all tenants.
  case `operator`

  /// Compares roles by their rights.
  public static func < (a: Role, b: Role) -> Bool { a.rank < b.rank }

  private var rank: Int {
    switch self {
    case .viewer: 0
    case .user: 1
    case .operator: 2
    }
  }
}

/// The identity of a caller, as determined by access control.
public struct Identity: Sendable, Hashable {
  /// The principal on whose behalf the call is made.
  public var principal: Principal
  /// The tenant whose quota and share the caller's sessions use.
  public var tenant: String
  /// The role of the caller.
  public var role: Role

  /// Makes an identity.
  public init(principal: Principal, tenant: String, role: Role) {
    self.principal = principal
    self.tenant = tenant
    self.role = role
  }
}

/// A client's transport connection. Numbers are never reused.
public struct ConnectionID: Sendable, Hashable {
  /// The number.
  public let rawValue: UInt64

  /// Wraps the number of a transport connection.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// An identity and the connection that it uses.
public struct Caller: Sendable, Hashable {
  /// The identity.
  public let identity: Identity
  /// The connection.
  public let connection: ConnectionID

  /// The principal of the identity.
  public var principal: Principal { identity.principal }

  /// Makes a caller.
  public init(_ identity: Identity, connection: ConnectionID) {
    self.identity = identity
    self.connection = connection
  }

  /// Makes a caller of the default tenant, for use where access control is not configured.
  public init(principal: Principal, connection: ConnectionID) {
    self.init(Identity(principal: principal, tenant: defaultTenant, role: .operator), connection: connection)
  }
}

/// The tenant of all callers where access control is not configured, and of sessions that were stored before tenants existed.
public let defaultTenant = "default"
