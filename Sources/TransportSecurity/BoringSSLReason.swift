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
    case .noPeerCertificate: "it showed no certificate, and one is required"
    case .unverified: "its certificate is not vouched for by an authority that is trusted here"
    case .plainHTTP, .plainProxyRequest: "it speaks plain HTTP, not TLS"
    case .notTLS: "what it sent is not TLS"
    case .version, .versionAlert: "it has no version of TLS that is allowed here"
    case .cipher: "it has no cipher that is allowed here"
    case .unknownAuthorityAlert: "it does not trust the authority of our certificate"
    case .badCertificateAlert, .certificateAlert: "it does not accept our certificate"
    case .expiredAlert: "it takes our certificate for expired"
    case .certificateRequiredAlert: "it requires a certificate of us"
    case .handshakeAlert: "it found nothing that both sides speak, or requires a certificate of us"
    }
  }

  /// Describes an error of NIOSSL: a description if the reason is known, otherwise BoringSSL's own text without numbers and
  /// source positions.
  static func words(_ error: any Error) -> String {
    if let reason = Self(error) { return reason.words }
    if let error = error as? TLSError { return error.description }
    if let error = error as? NIOSSLError, error == .handshakeFailed(.sslError([.eofDuringHandshake])) {
      return "it closed the connection in the middle of the handshake"
    }
    if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
      return "its certificate has neither the name nor the address that was connected to"
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
