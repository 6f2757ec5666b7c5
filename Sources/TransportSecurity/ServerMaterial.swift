import NIOSSL

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the files of a server held at one time, checked, as contexts of BoringSSL.
struct ServerMaterial: Sendable {
  /// The server's own certificate.
  let certificate: NIOSSLCertificate
  private let authorities: Authorities?
  private let contexts: [ApplicationProtocol: NIOSSLContext]

  /// - Throws: `TLSError` that names the file.
  init(_ configuration: ServerTLSConfiguration) throws(TLSError) {
    let own = try OwnCertificate(file: configuration.certificateFile, keyFile: configuration.keyFile)
    certificate = own.chain[0]
    authorities = try configuration.clientAuthorityFile.map { path throws(TLSError) in try Authorities(file: path) }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: own.chain.map { .certificate($0) }, privateKey: .privateKey(own.key))
    tls.minimumTLSVersion = configuration.minimumVersion == .tls12 ? .tlsv12 : .tlsv13
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

  /// Why a client's certificate did not verify.
  func explain(_ certificate: NIOSSLCertificate) -> String {
    authorities?.explain(certificate) ?? BoringSSLReason.unverified.words
  }
}

/// A certificate of ours with its key.
struct OwnCertificate {
  /// Our certificate first, then those between it and its authority.
  let chain: [NIOSSLCertificate]
  let key: NIOSSLPrivateKey
  private let files: (certificate: String, key: String)

  init(file: String, keyFile: String) throws(TLSError) {
    chain = try PEMFile.certificates(file, valid: time(nil))
    key = try PEMFile.key(keyFile)
    files = (file, keyFile)
  }

  /// A context that shows the certificate.
  func context(_ configuration: TLSConfiguration) throws(TLSError) -> NIOSSLContext {
    do { return try NIOSSLContext(configuration: configuration) } catch {
      // The key itself was read before: what is wrong with it is that it is another's.
      if error as? NIOSSLError == .failedToLoadPrivateKey {
        throw TLSError(
          .mismatch,
          "the key in '\(files.key)' is not that of the certificate \(chain[0].title) in '\(files.certificate)'",
          hint: "Give the key that the certificate was made for; the first certificate of the file must be our own")
      }
      throw TLSError(
        .malformed, "the certificate in '\(files.certificate)' cannot be used", evidence: BoringSSLReason.words(error))
    }
  }
}

/// The authorities that vouch for peers.
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
        hint: "Renew it, or check the clock")
    }
  }

  /// Why a peer's certificate did not verify. BoringSSL does not say, so the usual reasons are looked for.
  func explain(_ certificate: NIOSSLCertificate) -> String {
    let name = "its certificate \(certificate.title)"
    if let reason = certificate.invalidity(at: time(nil)) { return "\(name) \(reason)" }
    let isNamed = certificates.contains { $0.subjectName == certificate.issuerName }
    return isNamed
      ? "\(name) names an authority of '\(file)', but its signature, its purpose or that authority is not valid"
      : "\(name), issued by \(certificate.issuerTitle), is not vouched for by an authority of '\(file)'"
  }
}
