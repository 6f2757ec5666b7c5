import Logging
import NIOCore
import NIOSSL
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The TLS settings of a server: its certificate and what it requires of clients. Files are in PEM.
public struct ServerTLSConfiguration: Sendable, Hashable {
  /// Whether clients must show a certificate.
  public enum ClientCertificates: String, Sendable, CaseIterable {
    /// Clients without a certificate are rejected.
    case required
    /// Clients without a certificate are accepted, without a `PeerCertificate`; a certificate that is presented must be valid.
    case optional
  }

  /// The minimum version of TLS.
  public enum Version: String, Sendable, CaseIterable {
    /// TLS 1.2 (RFC 5246) or newer.
    case tls12 = "1.2"
    /// TLS 1.3 (RFC 8446) or newer.
    case tls13 = "1.3"
  }

  /// The file of the server's certificate, followed by the intermediate certificates up to its authority.
  public var certificateFile: String
  /// The file of the certificate's key, without a passphrase.
  public var keyFile: String
  /// The file of authorities that issue client certificates; nil: clients are not asked for certificates.
  public var clientAuthorityFile: String?
  /// The file of lists of revoked client certificates (CRL), one for each authority that issues them; nil: no certificate is revoked.
  /// Has no effect without `clientAuthorityFile`.
  public var clientRevocationFile: String?
  /// Whether clients must present a certificate, if `clientAuthorityFile` is set.
  public var clientCertificates = ClientCertificates.required
  /// The minimum version of TLS.
  public var minimumVersion = Version.tls12
  /// Maximum time from the connection to the end of the handshake.
  public var handshakeTimeout = TimeAmount.seconds(10)
  /// Time between two checks of the files.
  public var checkInterval = Duration.seconds(5)

  /// Creates settings that do not ask for client certificates.
  public init(certificateFile: String, keyFile: String) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// Server-side TLS. The certificate can be replaced while the server runs: existing connections keep the old one, new ones use
/// the new one.
public final class ServerTLS: Sendable {
  private struct State {
    var material: ServerMaterial
    /// The stamps of the files when last checked, whether or not the files were usable.
    var stamps: [PEMFile.Stamp]
    var hasWarned = false
  }

  private let configuration: ServerTLSConfiguration
  private let logger: Logger
  private let refusals: RefusalLog
  private let state: Mutex<State>

  /// How long before the current certificate expires the log warns, in seconds.
  private static let expiryWarning = 7 * 24 * 3600

  /// Reads the files; logs nothing yet.
  /// - Throws: `TLSError` that names the file: it cannot be read, is malformed, contains an expired certificate, or the key
  ///   belongs to another certificate.
  public init(_ configuration: ServerTLSConfiguration, logger: Logger) throws(TLSError) {
    self.configuration = configuration
    self.logger = logger
    refusals = RefusalLog(logger)
    let stamps = Self.stamps(configuration)
    state = Mutex(State(material: try ServerMaterial(configuration), stamps: stamps))
  }

  /// Logs the current certificate and its expiry.
  public func announce() {
    logger.info("TLS is enabled", metadata: metadata)
    warnOfExpiry()
  }

  /// Returns a closure that adds TLS to accepted channels, for `GRPCServer.listen` and `AdminServer`.
  public func securing(_ inner: ApplicationProtocol) -> @Sendable (any Channel) throws -> Void {
    { [self] in try secure($0, for: inner) }
  }

  private func secure(_ channel: any Channel, for inner: ApplicationProtocol) throws {
    let material = state.withLock { $0.material }
    let verification = ClientVerification(material)
    let tls = verification.handler(for: inner)
    let handshake = HandshakeHandler(
      behind: tls, expecting: inner, within: configuration.handshakeTimeout,
      explain: { verification.explain($0) }, objection: { verification.objection(to: $0) },
      onFailure: { [refusals] in refusals.note($0, peer: $1) })
    try channel.pipeline.syncOperations.addHandlers([tls, handshake])
  }

  /// Reads the files again. If they are not usable, the current certificate is kept.
  /// - Throws: `TLSError`, as in `init`.
  public func reload() throws(TLSError) {
    let stamps = Self.stamps(configuration)
    do {
      let material = try ServerMaterial(configuration)
      state.withLock { $0 = State(material: material, stamps: stamps) }
    } catch {
      state.withLock { $0.stamps = stamps }
      throw error
    }
  }

  /// Checks the files every `checkInterval` and reloads them when one has changed, until the task is cancelled.
  public func watch() async {
    while (try? await Task.sleep(for: configuration.checkInterval)) != nil { check() }
  }

  private func check() {
    warnOfExpiry()
    guard Self.stamps(configuration) != state.withLock({ $0.stamps }) else { return }
    do {
      try reload()
      logger.notice("TLS uses a new certificate", metadata: metadata)
      warnOfExpiry()
    } catch {
      logger.error(
        "TLS still uses the old certificate, because the new files cannot be used: \(error)", metadata: metadata)
    }
  }

  private func warnOfExpiry() {
    let (certificate, hasWarned) = state.withLock { state in
      let isSoon = state.material.certificate.notValidAfter - time(nil) < Self.expiryWarning
      defer { if isSoon { state.hasWarned = true } }
      return (state.material.certificate, state.hasWarned || !isSoon)
    }
    if !hasWarned { logger.warning("the TLS certificate expires on \(certificate.expiry)", metadata: metadata) }
  }

  private var metadata: Logger.Metadata {
    let certificate = state.withLock { $0.material.certificate }
    return [
      "certificate": "\(certificate.title)", "until": "\(certificate.expiry)",
      "file": "\(configuration.certificateFile)",
    ]
  }

  private static func stamps(_ configuration: ServerTLSConfiguration) -> [PEMFile.Stamp] {
    [
      configuration.certificateFile, configuration.keyFile, configuration.clientAuthorityFile,
      configuration.clientRevocationFile,
    ].compactMap { $0 }.map { PEMFile.Stamp($0) }
  }
}
