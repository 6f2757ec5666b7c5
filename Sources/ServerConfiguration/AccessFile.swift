import Access
import Coordinator
import Foundation
import GRPC
import Support
import Transport
import Yams

/// The access file, which maps callers to identities. Parsing is strict: unknown keys and values are rejected, because ignoring
/// them could admit the wrong callers or lock out the right ones.
public struct AccessFile: Sendable {
  /// An additional listener with an address, from `listeners`.
  public struct Listener: Equatable, Sendable {
    /// Its name, for rules and the log.
    public var name: String
    /// The address to listen on.
    public var address: TransportAddress
  }

  /// The rules for client certificates; the first that matches applies.
  public var certificates: [AccessPolicy.CertificateRule] = []
  /// Grants for users of a Unix socket, by number (uid).
  public var users: [UInt32: AccessPolicy.Grant] = [:]
  /// Grants for callers from a network.
  public var networks: [NetworkPrefix: AccessPolicy.Grant] = [:]
  /// Grants for callers at a listener, by its name.
  public var listeners: [String: AccessPolicy.Grant] = [:]
  /// What tenants may access, by name.
  public var tenants: [String: TenantRules] = [:]
  /// The listeners that have an address.
  public var addresses: [Listener] = []
  /// The rule for unidentified callers; nil if the file does not specify one.
  public var anonymous: Anonymous?

  /// The rule for callers that nothing else identifies.
  public enum Anonymous: Equatable, Sendable {
    /// They are rejected.
    case refused
    /// They have a role in a tenant.
    case granted(AccessPolicy.Grant)
  }

  private static let maximumBytes = 1 << 20

  /// The rules that apply without a file: a client with a certificate signed by a configured authority is a user, under the
  /// name in its certificate.
  public static let withoutFile: AccessFile = {
    var file = AccessFile()
    file.certificates = [.init(grant: .init(tenant: defaultTenant, role: .user))]
    return file
  }()

  /// Makes an empty set of rules.
  private init() {}

  /// Reads a file.
  /// - Throws: `ConfigurationError`.
  public init(path: String) throws {
    let bytes: [UInt8]
    do { bytes = try SmallFile.read(path, maximumBytes: Self.maximumBytes) } catch {
      throw ConfigurationError("cannot read the access file '\(path)': \(error.reason)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError("the access file '\(path)' is not UTF-8")
    }
    do { try self.init(yaml: text) } catch let error as AccessPolicyError {
      throw ConfigurationError("the access file '\(path)' is not valid: \(error)")
    }
  }

  /// Parses YAML or JSON.
  /// - Throws: `AccessPolicyError`.
  init(yaml: String) throws {
    let value: Any?
    do { value = try Yams.load(yaml: yaml) } catch { throw AccessPolicyError("it is not YAML or JSON: \(error)") }
    let top = try AccessEntry(value ?? [String: Any](), "the file")
    try top.allow(["certificates", "users", "networks", "listeners", "tenants", "anonymous"])
    certificates = try top.list("certificates").map(Self.certificate)
    for entry in try top.list("users") {
      let user = try Self.user(entry)
      try Self.insert(try Self.grant(entry), for: user, named: "the user \(user)", into: &users)
    }
    for entry in try top.list("networks") {
      try entry.allow(["network"] + Self.grantKeys)
      let network = try NetworkPrefix(try entry.text("network"))
      try Self.insert(try Self.grant(entry), for: network, named: "the network \(network)", into: &networks)
    }
    for entry in try top.list("listeners") { try add(listener: entry) }
    for entry in try top.list("tenants") { try add(tenant: entry) }
    anonymous = try Self.anonymous(top.value("anonymous"))
  }

  private static let grantKeys = ["principal", "tenant", "role"]

  private static func insert<Key: Hashable>(
    _ grant: AccessPolicy.Grant, for key: Key, named name: String, into grants: inout [Key: AccessPolicy.Grant]
  ) throws {
    guard grants.updateValue(grant, forKey: key) == nil else {
      throw AccessPolicyError("\(name) has two entries. Remove one")
    }
  }

  private static func grant(
    _ entry: AccessEntry, tenant: String? = nil, role: Role? = nil
  ) throws -> AccessPolicy.Grant {
    guard let name = try entry.optionalText("role") ?? role?.rawValue, let role = Role(rawValue: name) else {
      throw AccessPolicyError("\(entry.name) needs a role: \(Role.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return AccessPolicy.Grant(
      principal: try entry.optionalText("principal"),
      tenant: try entry.optionalText("tenant") ?? tenant ?? defaultTenant,
      role: role)
  }

  private static func certificate(_ entry: AccessEntry) throws -> AccessPolicy.CertificateRule {
    try entry.allow(["common_name", "san", "fingerprint"] + grantKeys)
    let fingerprint = try entry.optionalText("fingerprint")?.replacing(":", with: "").lowercased()
    guard fingerprint?.utf8.count ?? 64 == 64, fingerprint?.allSatisfy(\.isHexDigit) ?? true else {
      throw AccessPolicyError("\(entry.name): fingerprint must be the 64 hexadecimal digits of a SHA-256")
    }
    let rule = AccessPolicy.CertificateRule(
      commonName: try entry.optionalText("common_name"), alternativeName: try entry.optionalText("san"),
      fingerprint: fingerprint, grant: try grant(entry))
    guard rule.commonName != nil || rule.alternativeName != nil || rule.fingerprint != nil else {
      throw AccessPolicyError("\(entry.name) must have common_name, san or fingerprint")
    }
    return rule
  }

  private static func user(_ entry: AccessEntry) throws -> UInt32 {
    try entry.allow(["user"] + grantKeys)
    let text = try entry.text("user")
    if let number = UInt32(text) { return number }
    guard let known = getpwnam(text) else {
      throw AccessPolicyError(
        "\(entry.name): there is no user '\(text)' on this machine. Create it (useradd), or give its number")
    }
    return known.pointee.pw_uid
  }

  /// The listeners that exist without an entry in the file.
  static let standardListeners = [GRPCServer.mainListener, "socket", "admin", "admin-socket"]

  private mutating func add(listener entry: AccessEntry) throws {
    try entry.allow(["name", "address"] + Self.grantKeys)
    let name = try entry.text("name")
    try AccessNames.checkTenant(name)
    try Self.insert(try Self.grant(entry), for: name, named: "the listener '\(name)'", into: &listeners)
    let isStandard = Self.standardListeners.contains(name)
    guard let text = try entry.optionalText("address") else {
      guard isStandard else { throw AccessPolicyError("\(entry.name) needs an address: host:port or unix:/path") }
      return
    }
    guard !isStandard else {
      throw AccessPolicyError("the listener '\(name)' takes its address from the configuration. Remove address")
    }
    guard let address = TransportAddress(parsing: text) else {
      throw AccessPolicyError("\(entry.name): address is '\(text)', but must be host:port or unix:/path")
    }
    addresses.append(Listener(name: name, address: address))
  }

  private static func anonymous(_ value: Any?) throws -> Anonymous? {
    switch value {
    case nil: return nil
    case let text as String where text == "refuse": return .refused
    case let text as String where text == "tenant": return .granted(anonymousGrant)
    case let value?:
      let entry = try AccessEntry(value, "anonymous")
      try entry.allow(["tenant", "role"])
      let grant = try grant(entry, tenant: anonymousGrant.tenant, role: anonymousGrant.role)
      guard grant.role < .operator else { throw AccessPolicyError("anonymous callers cannot be operators") }
      return .granted(grant)
    }
  }

  /// The default grant for anonymous callers.
  public static let anonymousGrant = AccessPolicy.Grant(tenant: "anonymous", role: .user)
}

extension TransportAddress {
  /// Parses `host:port`, `[host]:port` or `unix:/path`; returns nil for any other text.
  init?(parsing text: String) {
    if text.hasPrefix("unix:"), text.utf8.count > 5 {
      self = .unix(path: String(text.dropFirst(5)))
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port), colon != text.startIndex
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    self = .tcp(host: host, port: port)
  }
}

/// A mapping in an access file. Access is strict: unknown keys and values of the wrong type are errors.
struct AccessEntry {
  /// The position in the file, for errors.
  let name: String
  private let members: [String: Any]

  init(_ value: Any, _ name: String) throws(AccessPolicyError) {
    guard let members = value as? [String: Any] else {
      throw AccessPolicyError("\(name) must be a mapping of keys to values")
    }
    self.members = members
    self.name = name
  }

  /// Rejects all other keys.
  func allow(_ keys: [String]) throws(AccessPolicyError) {
    for key in members.keys.sorted() where !keys.contains(key) {
      let nearest = NearestName.of(key, among: keys).map { "Did you mean '\($0)'?" }
      throw AccessPolicyError(
        "\(name) has the unknown key '\(key)'. \(nearest ?? "Keys are " + keys.joined(separator: ", "))")
    }
  }

  func value(_ key: String) -> Any? { members[key].flatMap { $0 is NSNull ? nil : $0 } }

  func optionalText(_ key: String) throws(AccessPolicyError) -> String? {
    guard let value = value(key) else { return nil }
    guard value is String || value is Int, !"\(value)".isEmpty else {
      throw AccessPolicyError("\(name): \(key) must be a string")
    }
    return "\(value)"
  }

  func text(_ key: String) throws(AccessPolicyError) -> String {
    guard let text = try optionalText(key) else { throw AccessPolicyError("\(name) must have the key '\(key)'") }
    return text
  }

  func list(_ key: String) throws(AccessPolicyError) -> [AccessEntry] {
    guard let value = value(key) else { return [] }
    guard let values = value as? [Any], values.count <= 10_000 else {
      throw AccessPolicyError("\(key) must be a list of at most 10000 entries")
    }
    var entries: [AccessEntry] = []
    for (index, value) in values.enumerated() { entries.append(try AccessEntry(value, "\(key)[\(index)]")) }
    return entries
  }
}
