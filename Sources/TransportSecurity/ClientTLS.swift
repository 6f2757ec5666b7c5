import NIOCore
import NIOSSL

/// The TLS settings of a client: the authorities that it trusts and its own certificate. Files are in PEM.
public struct ClientTLSConfiguration: Sendable, Hashable {
  /// The file of authorities that issue server certificates; nil: those of the system.
  public var authorityFile: String?
  /// The file of the client's certificate; nil if it has none.
  public var certificateFile: String?
  /// The file of the key of the client's certificate, without a passphrase.
  public var keyFile: String?
  /// The name that the server's certificate must contain; nil: the host of the address.
  public var serverName: String?
  /// The minimum version of TLS.
  public var minimumVersion = ServerTLSConfiguration.Version.tls12
  /// Maximum time from the connection to the end of the handshake.
  public var handshakeTimeout = TimeAmount.seconds(10)

  /// Creates settings that trust the system's authorities, without a client certificate.
  public init() {}
}

/// Client-side TLS for `GRPCClient`.
public final class ClientTLS: Sendable {
  private let configuration: ClientTLSConfiguration
  private let authorities: Authorities?
  private let context: NIOSSLContext

  /// Reads the files.
  /// - Throws: `TLSError` that names the file.
  public init(_ configuration: ClientTLSConfiguration) throws(TLSError) {
    self.configuration = configuration
    authorities = try configuration.authorityFile.map { path throws(TLSError) in try Authorities(file: path) }
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = configuration.minimumVersion == .tls12 ? .tlsv12 : .tlsv13
    tls.applicationProtocols = [ApplicationProtocol.http2.rawValue]
    tls.cipherSuiteValues = .forwardSecretAEAD
    tls.shutdownTimeout = .seconds(1)
    if let authorities { tls.trustRoots = .certificates(authorities.certificates) }
    if let file = configuration.certificateFile {
      guard let keyFile = configuration.keyFile else {
        throw TLSError(.unreadable, "the certificate '\(file)' has no key", hint: "Set the file with its key, too")
      }
      let own = try OwnCertificate(file: file, keyFile: keyFile)
      tls.certificateChain = own.chain.map { .certificate($0) }
      tls.privateKey = .privateKey(own.key)
      context = try own.context(tls)
    } else {
      do { context = try NIOSSLContext(configuration: tls) } catch {
        throw TLSError(.malformed, "TLS cannot be set up", evidence: BoringSSLReason.words(error))
      }
    }
  }

  /// Adds TLS to a channel that is about to connect to `host`. Must be called on the channel's event loop.
  public func secure(_ channel: any Channel, to host: String) throws {
    let name = configuration.serverName ?? host
    // SNI does not support addresses (RFC 6066, section 3); without a name the certificate must contain the peer's address.
    let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
    let tls = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
    let handshake = HandshakeHandler(
      behind: tls, expecting: .http2, within: configuration.handshakeTimeout,
      explain: { [authorities] in authorities?.explain($0) ?? BoringSSLReason.unverified.words }, onFailure: { _, _ in }
    )
    try channel.pipeline.syncOperations.addHandlers([tls, handshake])
  }
}
