import NIOCore
import NIOSSL

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The checked contents of a server's files at one time, as BoringSSL contexts.
struct ServerMaterial: Sendable {
  /// The server's own certificate.
  let certificate: NIOSSLCertificate
  private let authorities: Authorities?
  /// The lists of revoked certificates of clients, if there are any.
  let revocations: RevocationLists?
  private let contexts: [ApplicationProtocol: NIOSSLContext]

  /// Reads and checks the files.
  /// - Throws: `TLSError` that names the file.
  init(_ configuration: ServerTLSConfiguration) throws(TLSError) {
    let own = try OwnCertificate(file: configuration.certificateFile, keyFile: configuration.keyFile)
    certificate = own.chain[0]
    let authorities = try configuration.clientAuthorityFile.map { path throws(TLSError) in try Authorities(file: path) }
    self.authorities = authorities
    if let authorities, let file = configuration.clientRevocationFile {
      revocations = try RevocationLists(file: file, authorities: authorities)
    } else {
      revocations = nil
    }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: own.chain.map { .certificate($0) }, privateKey: .privateKey(own.key))
    tls.minimumTLSVersion = configuration.minimumVersion == .tls12 ? .tlsv12 : .tlsv13
    tls.cipherSuiteValues = .forwardSecretAEAD
    tls.shutdownTimeout = .seconds(1)
    if let authorities {
      tls.trustRoots = .certificates(authorities.certificates)
      tls.sendCANameList = true
      tls.certificateVerification =
        configuration.clientCertificates == .required ? .noHostnameVerification : .optionalVerification
    }
    var contexts: [ApplicationProtocol: NIOSSLContext] = [:]
    for inner in ApplicationProtocol.allCases {
      tls.applicationProtocols = [inner.rawValue]
      contexts[inner] = try own.context(tls)
    }
    self.contexts = contexts
  }

  func context(for inner: ApplicationProtocol) -> NIOSSLContext { contexts[inner]! }

  /// Returns why a client's certificate was not verified.
  func explain(_ certificate: NIOSSLCertificate) -> String {
    authorities?.explain(certificate) ?? BoringSSLReason.unverified.words
  }
}

extension [NIOTLSCipher] {
  /// The cipher suites of TLS 1.2 with authenticated encryption and forward secrecy (RFC 9325, section 4.2; RFC 9113, appendix A,
  /// prohibits the others for HTTP/2). All suites of TLS 1.3 have both.
  static let forwardSecretAEAD: [NIOTLSCipher] = [
    .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  ]
}

/// The certificate of this side, with its key.
struct OwnCertificate {
  /// The certificate, followed by the intermediate certificates up to its authority.
  let chain: [NIOSSLCertificate]
  let key: NIOSSLPrivateKey
  private let files: (certificate: String, key: String)

  init(file: String, keyFile: String) throws(TLSError) {
    chain = try PEMFile.certificates(file, valid: time(nil))
    key = try PEMFile.key(keyFile)
    files = (file, keyFile)
  }

  /// Creates a context that uses the certificate.
  func context(_ configuration: TLSConfiguration) throws(TLSError) -> NIOSSLContext {
    do { return try NIOSSLContext(configuration: configuration) } catch {
      // The key itself was read before, so it must belong to another certificate.
      if error as? NIOSSLError == .failedToLoadPrivateKey {
        throw TLSError(
          .mismatch,
          "the key in '\(files.key)' does not match the certificate \(chain[0].title) in '\(files.certificate)'",
          hint: "Use the key of that certificate, which must be the first one in its file, followed by its chain")
      }
      throw TLSError(
        .malformed, "the certificate in '\(files.certificate)' cannot be used", evidence: BoringSSLReason.words(error))
    }
  }
}

/// The authorities that issue the certificates of peers.
struct Authorities {
  let certificates: [NIOSSLCertificate]
  private let file: String

  init(file: String) throws(TLSError) {
    self.file = file
    certificates = try PEMFile.certificates(file)
    let now = time(nil)
    guard certificates.contains(where: { $0.invalidity(at: now) == nil }) else {
      throw TLSError(
        .expired, "the authority \(certificates[0].title) in '\(file)' \(certificates[0].invalidity(at: now) ?? "")",
        hint: "Renew it, or check this machine's clock")
    }
  }

  /// Returns why a peer's certificate was not verified. BoringSSL does not report it, so the usual reasons are checked.
  func explain(_ certificate: NIOSSLCertificate) -> String {
    let name = "the peer's certificate \(certificate.title)"
    if let reason = certificate.invalidity(at: time(nil)) { return "\(name) \(reason)" }
    let isNamed = certificates.contains { $0.subjectName == certificate.issuerName }
    return isNamed
      ? "\(name) names an authority in '\(file)', but its signature, its purpose or that authority is not valid"
      : "\(name), issued by \(certificate.issuerTitle), is not signed by an authority in '\(file)'"
  }
}
