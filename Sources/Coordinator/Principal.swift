/// On whose behalf a call is made: a name that access control gave to whoever called. What a session or object belongs to.
public struct Principal: Sendable, Hashable, CustomStringConvertible {
  /// For example `alice`, `host 127.0.0.1` or `uid 1000`.
  public let description: String

  /// A principal by its name.
  public init(_ description: String) { self.description = description }
}

/// What a principal may do; every role may also do what the ones before it may.
public enum Role: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
  /// Look at the objects of its tenant.
  case viewer
  /// Open sessions, and use and close its own.
  case user
  /// Look at everything and change everything, of all tenants.
  case `operator`

  /// By what they may do.
  public static func < (a: Role, b: Role) -> Bool { a.rank < b.rank }

  private var rank: Int {
    switch self {
    case .viewer: 0
    case .user: 1
    case .operator: 2
    }
  }
}

/// Who calls, as access control found out.
public struct Identity: Sendable, Hashable {
  /// On whose behalf.
  public var principal: Principal
  /// Whose quota and share its sessions count for.
  public var tenant: String
  /// What it may do.
  public var role: Role

  /// An identity.
  public init(principal: Principal, tenant: String, role: Role) {
    self.principal = principal
    self.tenant = tenant
    self.role = role
  }
}

/// A client's transport connection; numbers are never used twice.
public struct ConnectionID: Sendable, Hashable {
  /// The number.
  public let rawValue: UInt64

  /// Wraps the transport's number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Who calls, and over which connection.
public struct Caller: Sendable, Hashable {
  /// Who.
  public let identity: Identity
  /// Over which connection.
  public let connection: ConnectionID

  /// On whose behalf.
  public var principal: Principal { identity.principal }

  /// Names a caller.
  public init(_ identity: Identity, connection: ConnectionID) {
    self.identity = identity
    self.connection = connection
  }

  /// A caller of the tenant that everybody belongs to where no access control is configured.
  public init(principal: Principal, connection: ConnectionID) {
    self.init(Identity(principal: principal, tenant: defaultTenant, role: .operator), connection: connection)
  }
}

/// The tenant of everybody where no access control is configured, and of sessions from before there were tenants.
public let defaultTenant = "default"
