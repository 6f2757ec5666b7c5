/// On whose behalf a call is made. Until access control exists this is where the call comes from: the peer's host, or
/// the user behind a Unix socket.
public struct Principal: Sendable, Hashable, CustomStringConvertible {
  /// For example `host 127.0.0.1` or `uid 1000`.
  public let description: String

  /// A principal by its name.
  public init(_ description: String) { self.description = description }
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
  /// On whose behalf.
  public let principal: Principal
  /// Over which connection.
  public let connection: ConnectionID

  /// Names a caller.
  public init(principal: Principal, connection: ConnectionID) {
    self.principal = principal
    self.connection = connection
  }
}
