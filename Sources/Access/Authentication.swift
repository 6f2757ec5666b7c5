/// The identity of a caller and how it was determined. A reference type, so that a connection can keep it and calls share it.
public final class Authentication: Sendable {
  /// The caller.
  public let identity: Identity
  /// How the identity was determined.
  public let method: Method
  /// Where the call came from: a host or a user.
  public let source: String

  /// The methods of authentication, strongest first: the first that applies determines the identity.
  public enum Method: Sendable, Hashable, CustomStringConvertible {
    /// A token, by its id.
    case token(String)
    /// A client's certificate.
    case certificate
    /// The user of a Unix socket, mapped by `users`.
    case user
    /// The listener that accepted the connection.
    case listener(String)
    /// The network from which the connection comes.
    case network(String)
    /// The user of a Unix socket, which is the coordinator's own user or root.
    case owner
    /// None; anonymous calls are allowed.
    case anonymous
    /// None; access control is not configured.
    case unconfigured

    /// The method as written in the audit trail.
    public var description: String {
      switch self {
      case .token(let id): "token \(id)"
      case .certificate: "certificate"
      case .user: "user"
      case .listener(let name): "listener \(name)"
      case .network(let network): "network \(network)"
      case .owner: "owner"
      case .anonymous: "anonymous"
      case .unconfigured: "no access control"
      }
    }
  }

  /// Makes an authentication.
  public init(_ identity: Identity, by method: Method, from source: String) {
    self.identity = identity
    self.method = method
    self.source = source
  }

  /// Makes the authentication of a caller where access control is not configured: everything is allowed.
  public init(unconfigured evidence: Evidence) {
    identity = Identity(
      principal: Principal(evidence.source), tenant: defaultTenant, role: .operator)
    method = .unconfigured
    source = evidence.source
  }
}
