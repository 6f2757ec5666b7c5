import NIOCore
import NIOSSL

/// Whom a client trusts, and how it shows who it is. Files are PEM.
public struct ClientTLSConfiguration: Sendable, Hashable {
  /// The authorities that vouch for servers; nil: those of the system.
  public var authorityFile: String?
  /// The client's certificate and the key of it; nil: it has none.
  public var certificateFile: String?
  /// The key of the client's certificate, without a pass phrase.
  public var keyFile: String?
  /// The name that the server's certificate must have, if it does not have the address that is connected to; nil: the host.
  public var serverName: String?
  /// The oldest version of TLS that is spoken.
  public var minimumVersion = ServerTLSConfiguration.Version.tls12
  /// Time from the connection to the end of the handshake.
  public var handshakeTimeout = TimeAmount.seconds(10)

  /// The system's authorities and no certificate.
  public init() {}
}

/// TLS of a client, for `GRPCClient`.
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
    tls.shutdownTimeout = .seconds(1)
    if let authorities { tls.trustRoots = .certificates(authorities.certificates) }
    if let file = configuration.certificateFile {
      guard let keyFile = configuration.keyFile else {
        throw TLSError(.unreadable, "the certificate '\(file)' has no key", hint: "Give the file of its key as well")
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

  /// Puts TLS on a channel that is about to connect to `host`. Call it on the channel's event loop.
  public func secure(_ channel: any Channel, to host: String) throws {
    let name = configuration.serverName ?? host
    // Addresses have no place in SNI (RFC 6066, 3); without a name the certificate must have the peer's address.
    let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
    let tls = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
    let handshake = HandshakeHandler(
      behind: tls, expecting: .http2, within: configuration.handshakeTimeout,
      explain: { [authorities] in authorities?.explain($0) ?? BoringSSLReason.unverified.words }, onFailure: { _, _ in }
    )
    try channel.pipeline.syncOperations.addHandlers([tls, handshake])
  }
}
