/// What a client says about itself before its first query.
public struct QueryCredentials: Sendable, Equatable {
  /// The scheme: `none`, `basic`, `bearer`… as the client names it.
  public var scheme: String
  /// The name; empty if the client sent none.
  public var principal: String
  /// The password or token; empty if the client sent none.
  public var credentials: String

  /// Creates credentials.
  public init(scheme: String, principal: String, credentials: String) {
    self.scheme = scheme
    self.principal = principal
    self.credentials = credentials
  }
}

/// Decides whether credentials open a connection. A Gremlin client that sends none is not asked when `none` is allowed.
public typealias QueryAuthenticator = @Sendable (QueryCredentials) async -> Bool
