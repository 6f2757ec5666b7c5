import NIOCore

/// The names in a peer's certificate, after verification.
///
/// The TLS handler of a channel fires it as an inbound user event when the handshake is complete, before `channelActive`: no
/// later handler sees the channel active before the peer's identity is known.
public struct PeerCertificate: Sendable, Hashable {
  /// The common name of the subject; the last one if there are several.
  public var commonName: String?
  /// The subject's alternative names of type DNS, in the order of the certificate.
  public var dnsNames: [String]
  /// The subject's alternative names of type URI (SPIFFE ids, for example).
  public var uris: [String]
  /// The subject's alternative names of type e-mail.
  public var emails: [String]
  /// The SHA-256 digest of the certificate in DER, as 64 lower-case hexadecimal digits.
  public var fingerprint: String

  /// Creates a certificate from its names and its fingerprint.
  public init(
    commonName: String?, dnsNames: [String] = [], uris: [String] = [], emails: [String] = [], fingerprint: String
  ) {
    self.commonName = commonName
    self.dnsNames = dnsNames
    self.uris = uris
    self.emails = emails
    self.fingerprint = fingerprint
  }

  /// Returns the certificate of a channel's peer, for protocols other than HTTP/2; nil if it has none or the channel has no
  /// `PeerCertificateHandler`.
  public static func of(_ channel: any Channel) async -> PeerCertificate? {
    try? await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.handler(type: PeerCertificateHandler.self).certificate
    }.get()
  }
}

/// Stores the certificate of a channel's peer for `PeerCertificate.of`. To be added after the TLS handler.
public final class PeerCertificateHandler: ChannelInboundHandler {
  /// Passes all data through.
  public typealias InboundIn = NIOAny

  /// The peer's certificate; nil before the handshake is complete, and if the peer has none.
  public private(set) var certificate: PeerCertificate?

  /// Creates the handler of one channel.
  public init() {}

  /// Stores the certificate.
  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? PeerCertificate { certificate = event }
    context.fireUserInboundEventTriggered(event)
  }
}
