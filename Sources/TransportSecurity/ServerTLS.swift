import Logging
import NIOCore
import NIOSSL
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How a server shows who it is, and what it asks of its clients. Files are PEM.
public struct ServerTLSConfiguration: Sendable, Hashable {
  /// Whether clients must show a certificate.
  public enum ClientCertificates: String, Sendable, CaseIterable {
    /// Whoever shows none is refused.
    case required
    /// Whoever shows none is served, without a `PeerCertificate`; one that is shown must be valid.
    case optional
  }

  /// The oldest version of TLS that is spoken.
  public enum Version: String, Sendable, CaseIterable {
    /// TLS 1.2 (RFC 5246) and newer.
    case tls12 = "1.2"
    /// TLS 1.3 (RFC 8446) and newer.
    case tls13 = "1.3"
  }

  /// The server's certificate, followed by those between it and its authority.
  public var certificateFile: String
  /// The key of the certificate, without a pass phrase.
  public var keyFile: String
  /// The authorities that vouch for clients; nil: clients are not asked for certificates.
  public var clientAuthorityFile: String?
  /// Whether clients must show a certificate, if there are authorities for it.
  public var clientCertificates = ClientCertificates.required
  /// The oldest version of TLS that is spoken.
  public var minimumVersion = Version.tls12
  /// Time from the connection to the end of the handshake.
  public var handshakeTimeout = TimeAmount.seconds(10)
  /// Time between two looks at the files.
  public var checkInterval = Duration.seconds(5)

  /// A configuration that asks clients for nothing.
  public init(certificateFile: String, keyFile: String) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// TLS of a server. Its certificate can be replaced while it runs: connections that exist keep what they have, new ones get
/// the new certificate.
public final class ServerTLS: Sendable {
  private struct State {
    var material: ServerMaterial
    /// The files as they were when they were last looked at, whether they could be used or not.
    var stamps: [PEMFile.Stamp]
    var hasWarned = false
  }

  private let configuration: ServerTLSConfiguration
  private let logger: Logger
  private let refusals: RefusalLog
  private let state: Mutex<State>

  /// Time before the end of the certificate in use from which on the log warns, in seconds.
  private static let expiryWarning = 7 * 24 * 3600

  /// Reads the files; says nothing yet.
  /// - Throws: `TLSError` that names the file: it cannot be read, holds something else, is expired, or the key is not that
  ///   of the certificate.
  public init(_ configuration: ServerTLSConfiguration, logger: Logger) throws(TLSError) {
    self.configuration = configuration
    self.logger = logger
    refusals = RefusalLog(logger)
    let stamps = Self.stamps(configuration)
    state = Mutex(State(material: try ServerMaterial(configuration), stamps: stamps))
  }

  /// Says in the log which certificate is in use, and until when.
  public func announce() {
    logger.info("TLS is on", metadata: metadata)
    warnOfExpiry()
  }

  /// Puts TLS on accepted channels, for `GRPCServer.listen` and `AdminServer`.
  public func securing(_ inner: ApplicationProtocol) -> @Sendable (any Channel) throws -> Void {
    { [self] in try secure($0, for: inner) }
  }

  private func secure(_ channel: any Channel, for inner: ApplicationProtocol) throws {
    let material = state.withLock { $0.material }
    let tls = NIOSSLServerHandler(context: material.context(for: inner))
    let handshake = HandshakeHandler(
      behind: tls, expecting: inner, within: configuration.handshakeTimeout,
      explain: { material.explain($0) }, onFailure: { [refusals] in refusals.note($0, peer: $1) })
    try channel.pipeline.syncOperations.addHandlers([tls, handshake])
  }

  /// Reads the files again. If they cannot be used, what was in use stays.
  /// - Throws: `TLSError`, as at the start.
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

  /// Looks at the files every `checkInterval` and reads them again when one has changed, until the task is cancelled.
  public func watch() async {
    while (try? await Task.sleep(for: configuration.checkInterval)) != nil { check() }
  }

  private func check() {
    warnOfExpiry()
    guard Self.stamps(configuration) != state.withLock({ $0.stamps }) else { return }
    do {
      try reload()
      logger.notice("TLS goes on with a new certificate", metadata: metadata)
      warnOfExpiry()
    } catch {
      logger.error("TLS goes on with the old certificate: the new files cannot be used: \(error)", metadata: metadata)
    }
  }

  private func warnOfExpiry() {
    let (certificate, hasWarned) = state.withLock { state in
      let isSoon = state.material.certificate.notValidAfter - time(nil) < Self.expiryWarning
      defer { if isSoon { state.hasWarned = true } }
      return (state.material.certificate, state.hasWarned || !isSoon)
    }
    if !hasWarned { logger.warning("the TLS certificate ends on \(certificate.expiry)", metadata: metadata) }
  }

  private var metadata: Logger.Metadata {
    let certificate = state.withLock { $0.material.certificate }
    return [
      "certificate": "\(certificate.title)", "until": "\(certificate.expiry)",
      "file": "\(configuration.certificateFile)",
    ]
  }

  private static func stamps(_ configuration: ServerTLSConfiguration) -> [PEMFile.Stamp] {
    [configuration.certificateFile, configuration.keyFile, configuration.clientAuthorityFile].compactMap { $0 }
      .map { PEMFile.Stamp($0) }
  }
}
