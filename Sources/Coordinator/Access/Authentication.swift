/// Who makes a call and how that was found out. A reference, so that a connection can keep it and calls share it.
public final class Authentication: Sendable {
  /// Who.
  public let identity: Identity
  /// How it was found out.
  public let method: Method
  /// Where from.
  public let source: String

  /// The ways to be recognised, strongest first: the first one that applies counts.
  public enum Method: Sendable, Hashable, CustomStringConvertible {
    /// A token, by its id.
    case token(String)
    /// A client's certificate.
    case certificate
    /// The user behind a Unix socket, by the map of users.
    case user
    /// The listener that took the connection.
    case listener(String)
    /// The network that the connection comes from.
    case network(String)
    /// The user behind a Unix socket, who is ours or root.
    case owner
    /// Nothing; and that is allowed.
    case anonymous
    /// Nothing is asked for: there is no access control.
    case unconfigured

    /// For the audit trail.
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

  /// Who and how.
  public init(_ identity: Identity, by method: Method, from source: String) {
    self.identity = identity
    self.method = method
    self.source = source
  }

  /// Everybody may do everything where no access control is configured.
  public init(unconfigured evidence: Evidence) {
    identity = Identity(
      principal: Principal(evidence.source), tenant: defaultTenant, role: .operator)
    method = .unconfigured
    source = evidence.source
  }
}
