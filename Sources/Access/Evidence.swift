/// The evidence of a caller's identity that comes with a call, not yet evaluated.
public struct Evidence: Sendable, Equatable {
  /// The text after `Bearer ` in the authorization header of the call; nil when there is none.
  public var token: String?
  /// The client's certificate, signed by a trusted authority.
  public var certificate: Certificate?
  /// The user at the other end of a Unix socket, as reported by the kernel.
  public var user: UInt32?
  /// The name of the listener that accepted the connection.
  public var listener: String
  /// The numeric address at the other end of a TCP connection.
  public var host: String?

  /// Makes the evidence of a call.
  public init(
    token: String? = nil, certificate: Certificate? = nil, user: UInt32? = nil, listener: String = "",
    host: String? = nil
  ) {
    self.token = token
    self.certificate = certificate
    self.user = user
    self.listener = listener
    // A dual-stack socket reports IPv4 addresses as IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2).
    self.host = host.map { $0.hasPrefix("::ffff:") && $0.contains(".") ? String($0.dropFirst(7)) : $0 }
  }

  /// A client certificate.
  public struct Certificate: Sendable, Hashable {
    /// The common name of its subject.
    public var commonName: String?
    /// The alternative names of its subject: DNS names, IP addresses, mail addresses and URIs, as text.
    public var alternativeNames: [String]
    /// The SHA-256 of its DER encoding, in hexadecimal digits.
    public var fingerprint: String

    /// Makes a certificate.
    public init(commonName: String?, alternativeNames: [String], fingerprint: String) {
      self.commonName = commonName
      self.alternativeNames = alternativeNames
      self.fingerprint = fingerprint
    }

    /// The name of a principal derived from the certificate. A common name may be any text; one that is not a valid name of a
    /// principal is not used, so that it cannot imitate another principal.
    var name: String {
      guard let commonName, (try? AccessNames.checkPrincipal(commonName)) != nil else {
        return "certificate \(fingerprint)"
      }
      return "certificate \(commonName)"
    }
  }

  /// The origin of the call, for limits and the audit trail. Contains nothing secret.
  public var source: String {
    if let host { return "host \(host)" }
    if let user { return "uid \(user)" }
    return "unix socket"
  }
}
