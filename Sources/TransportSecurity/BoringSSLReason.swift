import NIOSSL

/// Failure reasons of BoringSSL, with descriptions.
enum BoringSSLReason: String {
  case noPeerCertificate = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
  case unverified = "CERTIFICATE_VERIFY_FAILED"
  case plainHTTP = "HTTP_REQUEST"
  case plainProxyRequest = "HTTPS_PROXY_REQUEST"
  case notTLS = "WRONG_VERSION_NUMBER"
  case version = "UNSUPPORTED_PROTOCOL"
  case versionAlert = "TLSV1_ALERT_PROTOCOL_VERSION"
  case cipher = "NO_SHARED_CIPHER"
  case unknownAuthorityAlert = "TLSV1_ALERT_UNKNOWN_CA"
  case badCertificateAlert = "SSLV3_ALERT_BAD_CERTIFICATE"
  case certificateAlert = "SSLV3_ALERT_CERTIFICATE_UNKNOWN"
  case expiredAlert = "SSLV3_ALERT_CERTIFICATE_EXPIRED"
  case certificateRequiredAlert = "TLSV1_ALERT_CERTIFICATE_REQUIRED"
  case handshakeAlert = "SSLV3_ALERT_HANDSHAKE_FAILURE"

  /// Finds the first known reason in an error of NIOSSL, which contains a stack of them.
  init?(_ error: any Error) {
    let known = Self.codes(of: error).lazy.compactMap { Self(rawValue: $0) }
    guard let first = known.first else { return nil }
    self = first
  }

  /// The description of the reason; its subject is the peer.
  var words: String {
    switch self {
    case .noPeerCertificate: "the peer presented no certificate, but one is required"
    case .unverified: "the peer's certificate is not signed by a trusted authority"
    case .plainHTTP, .plainProxyRequest: "the peer speaks plain HTTP, not TLS"
    case .notTLS: "the peer sent something other than TLS"
    case .version, .versionAlert: "the peer supports no TLS version that is allowed here"
    case .cipher: "the peer supports no cipher that is allowed here"
    case .unknownAuthorityAlert: "the peer does not trust the authority of this side's certificate"
    case .badCertificateAlert, .certificateAlert: "the peer does not accept this side's certificate"
    case .expiredAlert: "the peer considers this side's certificate expired"
    case .certificateRequiredAlert: "the peer requires a certificate from this side"
    case .handshakeAlert:
      "the peer found no version and cipher that both sides support, or requires a certificate from this side"
    }
  }

  /// Describes an error of NIOSSL: a description if the reason is known, otherwise BoringSSL's own text without numbers and
  /// source positions.
  static func words(_ error: any Error) -> String {
    if let reason = Self(error) { return reason.words }
    if let error = error as? TLSError { return error.description }
    if let error = error as? NIOSSLError, error == .handshakeFailed(.sslError([.eofDuringHandshake])) {
      return "the peer closed the connection during the handshake"
    }
    if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
      return "the peer's certificate does not contain the name or address that was connected to"
    }
    let codes = codes(of: error)
    guard !codes.isEmpty else { return String("\(error)".prefix(200)) }
    return codes.map { $0.lowercased().split(separator: "_").joined(separator: " ") }.joined(separator: ", ")
  }

  /// Extracts the names from `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at file:line`.
  private static func codes(of error: any Error) -> [String] {
    "\(error)".split(separator: " ").compactMap { word in
      let parts = word.split(separator: ":")
      guard parts.count >= 2, parts[parts.count - 2] == "OPENSSL_internal" else { return nil }
      return String(parts[parts.count - 1])
    }
  }
}
