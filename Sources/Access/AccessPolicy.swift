import Engines
import FoundationEssentials

/// Maps callers to identities, as defined by the access file and the tokens of the token file. A pure value; the time is a
/// parameter.
///
/// The first of these that applies identifies the caller:
///
/// | evidence | identity | if it does not match |
/// |---|---|---|
/// | a token | the token's | rejected; nothing else is tried |
/// | a client certificate | that of the first matching rule in `certificates` | the next |
/// | the user of a Unix socket | that of `users` | the next |
/// | the listener | that of `listeners` | the next |
/// | the address | that of the most specific network in `networks` | the next |
/// | the user of a Unix socket is the coordinator's own or root | an operator | the next |
/// | none | `anonymous`, or rejected | |
public struct AccessPolicy: Sendable, Equatable {
  /// The identity that an entry assigns to the callers that match it.
  public struct Grant: Sendable, Equatable {
    /// The principal; nil for a name derived from what was matched.
    public var principal: String?
    /// The tenant of the principal.
    public var tenant: String
    /// The role of the principal.
    public var role: Role

    /// A grant.
    public init(principal: String? = nil, tenant: String, role: Role) {
      self.principal = principal
      self.tenant = tenant
      self.role = role
    }

    /// Returns the identity of a caller. If the grant names no principal, the name is derived from the tenant and from what was
    /// matched, so that a host or user of one tenant is distinct from the same host or user of another.
    func identity(named name: String) -> Identity {
      let derived = tenant == defaultTenant ? name : "\(tenant)/\(name)"
      return Identity(principal: Principal(principal ?? derived), tenant: tenant, role: role)
    }
  }

  /// An entry of `certificates`. A certificate matches when it has everything that the entry specifies.
  public struct CertificateRule: Sendable, Equatable {
    /// The common name of the subject; `*` for any.
    public var commonName: String?
    /// One of the subject's alternative names.
    public var alternativeName: String?
    /// The SHA-256 of the certificate, in lowercase hexadecimal digits.
    public var fingerprint: String?
    /// The identity of matching callers.
    public var grant: Grant

    /// Makes an entry.
    public init(commonName: String? = nil, alternativeName: String? = nil, fingerprint: String? = nil, grant: Grant) {
      self.commonName = commonName
      self.alternativeName = alternativeName
      self.fingerprint = fingerprint
      self.grant = grant
    }

    func matches(_ certificate: Evidence.Certificate) -> Bool {
      if let commonName {
        guard let name = certificate.commonName, commonName == "*" || commonName == name else { return false }
      }
      if let alternativeName, !certificate.alternativeNames.contains(alternativeName) { return false }
      return fingerprint == nil || fingerprint == certificate.fingerprint
    }
  }

  /// The rules for client certificates, in order of precedence.
  public let certificates: [CertificateRule]
  /// Grants by user number (uid).
  public let users: [UInt32: Grant]
  /// Grants by name of the listener.
  public let listeners: [String: Grant]
  /// Grants by network.
  public let networks: [NetworkPrefix: Grant]
  /// What tenants may access beyond the directories of their sessions, by name. Other tenants may access nothing else.
  public let tenants: [String: TenantRules]
  /// The identity of callers that nothing else identifies; nil to reject them.
  public let anonymous: Grant?
  /// The user that this process runs as.
  public let owner: UInt32
  /// The networks, longest prefix first.
  private let orderedNetworks: [(network: NetworkPrefix, grant: Grant)]

  /// Makes a policy.
  /// - Throws: `AccessPolicyError` when a name is not allowed, or a principal has two tenants.
  public init(
    certificates: [CertificateRule] = [], users: [UInt32: Grant] = [:], listeners: [String: Grant] = [:],
    networks: [NetworkPrefix: Grant] = [:], tenants: [String: TenantRules] = [:], anonymous: Grant? = nil,
    owner: UInt32
  ) throws(AccessPolicyError) {
    self.certificates = certificates
    self.users = users
    self.listeners = listeners
    self.networks = networks
    self.tenants = tenants
    self.anonymous = anonymous
    self.owner = owner
    orderedNetworks = networks.sorted { $0.key.length > $1.key.length }.map { ($0.key, $0.value) }
    for grant in grants {
      if let principal = grant.principal { try AccessNames.checkPrincipal(principal) }
      try AccessNames.checkTenant(grant.tenant)
    }
    for tenant in tenants.keys { try AccessNames.checkTenant(tenant) }
    try requireUsersApart()
    try requireOneTenant(TokenSet())
  }

  /// Returns whether both policies assign the same identities and rules.
  public static func == (a: AccessPolicy, b: AccessPolicy) -> Bool {
    a.certificates == b.certificates && a.users == b.users && a.listeners == b.listeners && a.networks == b.networks
      && a.tenants == b.tenants && a.anonymous == b.anonymous && a.owner == b.owner
  }

  private var grants: [Grant] {
    certificates.map(\.grant) + Array(users.values) + Array(listeners.values) + Array(networks.values)
      + (anonymous.map { [$0] } ?? [])
  }

  /// Requires that each principal has one tenant. Sessions are owned by the name of a principal, so a name must not stand for
  /// callers of two tenants.
  /// - Throws: `AccessPolicyError`.
  func requireOneTenant(_ tokens: TokenSet) throws(AccessPolicyError) {
    var tenants: [String: String] = [:]
    let named = grants.compactMap { grant in grant.principal.map { ($0, grant.tenant) } }
    for (principal, tenant) in named + tokens.all.map({ ($0.principal, $0.tenant) }) {
      guard let other = tenants.updateValue(tenant, forKey: principal), other != tenant else { continue }
      throw AccessPolicyError(
        "the principal '\(principal)' belongs to the tenants '\(min(other, tenant))' and '\(max(other, tenant))'. "
          + "Use two principals")
    }
  }

  /// Requires that tenants do not share a user for their engines unless each of them allows it: processes of one user are not
  /// protected from each other.
  /// - Throws: `AccessPolicyError`.
  private func requireUsersApart() throws(AccessPolicyError) {
    var first: [UInt32: String] = [:]
    for (name, rules) in tenants.sorted(by: { $0.key < $1.key }) {
      guard let user = rules.runAs else { continue }
      guard user.number != owner else {
        throw AccessPolicyError(
          "the tenant '\(name)' has run_as: \(user.name), which is the coordinator's own user. Use another user, or "
            + "remove run_as")
      }
      guard let other = first.updateValue(name, forKey: user.number) else { continue }
      guard rules.sharesUser, tenants[other]?.sharesUser == true else {
        throw AccessPolicyError(
          "the tenants '\(other)' and '\(name)' have the same run_as, \(user.name): the engines of each could read and end those "
            + "of the other. Use two users, or set run_as_shared: true in both entries")
      }
    }
  }

  /// Returns the identity of a caller.
  /// - Throws: `AccessRefusal` with the code `unauthenticated`.
  public func identify(
    _ evidence: Evidence, tokens: TokenSet, at now: Date
  ) throws(AccessRefusal) -> Authentication {
    if let text = evidence.token {
      guard let token = tokens.find(text, at: now) else { throw .wrongToken }
      return Authentication(token.identity, by: .token(token.id), from: evidence.source)
    }
    guard let match = match(evidence) else { throw .unknownCaller }
    return Authentication(match.identity, by: match.method, from: evidence.source)
  }

  private typealias Match = (identity: Identity, method: Authentication.Method)

  private func match(_ evidence: Evidence) -> Match? {
    if let certificate = evidence.certificate, let rule = certificates.first(where: { $0.matches(certificate) }) {
      return (rule.grant.identity(named: certificate.name), .certificate)
    }
    if let user = evidence.user, let grant = users[user] { return (grant.identity(named: "uid \(user)"), .user) }
    if let grant = listeners[evidence.listener] {
      return (grant.identity(named: evidence.source), .listener(evidence.listener))
    }
    if let address = evidence.host.flatMap({ NetworkAddress($0) }),
      let match = orderedNetworks.first(where: { $0.network.contains(address) })
    {
      return (match.grant.identity(named: evidence.source), .network(match.network.description))
    }
    if let user = evidence.user, user == owner || user == 0 {
      return (Grant(tenant: defaultTenant, role: .operator).identity(named: "uid \(user)"), .owner)
    }
    return anonymous.map { grant -> Match in (grant.identity(named: evidence.source), .anonymous) }
  }
}
