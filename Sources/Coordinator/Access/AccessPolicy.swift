import FoundationEssentials

/// Who is who: what the access file says, with the tokens of the token file. A pure value; the time comes in.
///
/// A caller is recognised by the first of these that applies:
///
/// | evidence | identity | when it is wrong |
/// |---|---|---|
/// | a token | the token's | refused; nothing else is tried |
/// | a client's certificate | that of the first of `certificates` that matches | the next |
/// | the user behind a Unix socket | that of `users` | the next |
/// | the listener | that of `listeners` | the next |
/// | the address | that of the most specific of `networks` | the next |
/// | the user behind a Unix socket is ours or root | an operator | the next |
/// | none | `anonymous`, or refused | |
public struct AccessPolicy: Sendable, Equatable {
  /// Who somebody is that an entry matches.
  public struct Grant: Sendable, Equatable {
    /// On whose behalf; nil for a name made of what was matched.
    public var principal: String?
    /// Whose tenant.
    public var tenant: String
    /// What it may do.
    public var role: Role

    /// A grant.
    public init(principal: String? = nil, tenant: String, role: Role) {
      self.principal = principal
      self.tenant = tenant
      self.role = role
    }

    /// The identity, under a name of its own or, below the tenant's, that of what was matched: a host or user of one
    /// tenant is not that of another one.
    func identity(named name: String) -> Identity {
      let derived = tenant == defaultTenant ? name : "\(tenant)/\(name)"
      return Identity(principal: Principal(principal ?? derived), tenant: tenant, role: role)
    }
  }

  /// An entry of `certificates`: all that it names must match.
  public struct CertificateRule: Sendable, Equatable {
    /// The subject's common name; `*` for any.
    public var commonName: String?
    /// One of the subject's alternative names.
    public var alternativeName: String?
    /// The SHA-256 of the certificate, in hexadecimal digits of lower case.
    public var fingerprint: String?
    /// Who it is.
    public var grant: Grant

    /// An entry.
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

  /// By certificate, in order.
  public let certificates: [CertificateRule]
  /// By number of the user.
  public let users: [UInt32: Grant]
  /// By name of the listener.
  public let listeners: [String: Grant]
  /// By network.
  public let networks: [NetworkPrefix: Grant]
  /// Whoever is nobody else; nil: is refused.
  public let anonymous: Grant?
  /// The user that this process runs as.
  public let owner: UInt32
  /// Longest prefix first.
  private let orderedNetworks: [(network: NetworkPrefix, grant: Grant)]

  /// A policy.
  /// - Throws: `AccessPolicyError` when a name may not be, or a principal has two tenants.
  public init(
    certificates: [CertificateRule] = [], users: [UInt32: Grant] = [:], listeners: [String: Grant] = [:],
    networks: [NetworkPrefix: Grant] = [:], anonymous: Grant? = nil, owner: UInt32
  ) throws(AccessPolicyError) {
    self.certificates = certificates
    self.users = users
    self.listeners = listeners
    self.networks = networks
    self.anonymous = anonymous
    self.owner = owner
    orderedNetworks = networks.sorted { $0.key.length > $1.key.length }.map { ($0.key, $0.value) }
    for grant in grants {
      if let principal = grant.principal { try AccessNames.checkPrincipal(principal) }
      try AccessNames.checkTenant(grant.tenant)
    }
    try requireOneTenant(TokenSet())
  }

  /// Whether both say the same of everybody.
  public static func == (a: AccessPolicy, b: AccessPolicy) -> Bool {
    a.certificates == b.certificates && a.users == b.users && a.listeners == b.listeners && a.networks == b.networks
      && a.anonymous == b.anonymous && a.owner == b.owner
  }

  private var grants: [Grant] {
    certificates.map(\.grant) + Array(users.values) + Array(listeners.values) + Array(networks.values)
      + (anonymous.map { [$0] } ?? [])
  }

  /// A principal owns sessions by its name, so a name must not stand for callers of two tenants.
  /// - Throws: `AccessPolicyError`.
  func requireOneTenant(_ tokens: TokenSet) throws(AccessPolicyError) {
    var tenants: [String: String] = [:]
    let named = grants.compactMap { grant in grant.principal.map { ($0, grant.tenant) } }
    for (principal, tenant) in named + tokens.all.map({ ($0.principal, $0.tenant) }) {
      guard let other = tenants.updateValue(tenant, forKey: principal), other != tenant else { continue }
      throw AccessPolicyError(
        "the principal '\(principal)' is of the tenants '\(min(other, tenant))' and '\(max(other, tenant))'. "
          + "Use two principals")
    }
  }

  /// Who calls.
  /// - Throws: `AccessRefusal` of code `unauthenticated`.
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
