/// What a call shows of who makes it, before anybody judges it.
public struct Evidence: Sendable, Equatable {
  /// The text behind `Bearer ` in the call's authorization; nil when there is none.
  public var token: String?
  /// The client's certificate, which an authority that we trust has signed.
  public var certificate: Certificate?
  /// The user at the other end of a Unix socket, as the kernel says.
  public var user: UInt32?
  /// The name of the listener that took the connection.
  public var listener: String
  /// The numeric address at the other end of a TCP connection.
  public var host: String?

  /// What is known of a call.
  public init(
    token: String? = nil, certificate: Certificate? = nil, user: UInt32? = nil, listener: String = "",
    host: String? = nil
  ) {
    self.token = token
    self.certificate = certificate
    self.user = user
    self.listener = listener
    // A socket for both families shows IPv4 addresses in IPv6's clothes (RFC 4291, 2.5.5.2).
    self.host = host.map { $0.hasPrefix("::ffff:") && $0.contains(".") ? String($0.dropFirst(7)) : $0 }
  }

  /// A certificate of a client.
  public struct Certificate: Sendable, Hashable {
    /// The common name of its subject.
    public var commonName: String?
    /// Its subject's alternative names: DNS names, addresses, mail addresses and URIs as texts.
    public var alternativeNames: [String]
    /// The SHA-256 of its DER, in hexadecimal digits.
    public var fingerprint: String

    /// A certificate.
    public init(commonName: String?, alternativeNames: [String], fingerprint: String) {
      self.commonName = commonName
      self.alternativeNames = alternativeNames
      self.fingerprint = fingerprint
    }

    /// A name for whoever has it. A common name may be any text: what is no name for a principal is not used, so that it
    /// cannot pass for another one's.
    var name: String {
      guard let commonName, (try? AccessNames.checkPrincipal(commonName)) != nil else {
        return "certificate \(fingerprint)"
      }
      return "certificate \(commonName)"
    }
  }

  /// Where the call comes from, for bounds and the audit trail: never anything secret.
  public var source: String {
    if let host { return "host \(host)" }
    if let user { return "uid \(user)" }
    return "unix socket"
  }
}
