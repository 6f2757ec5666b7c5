import NIOCore

/// What the certificate of a peer says about it, after it was verified.
///
/// Whatever puts TLS on a channel fires this as a user event inwards when the handshake is done, and only then
/// `channelActive`: no handler behind it sees the channel active before it is known who is at the other end.
public struct PeerCertificate: Sendable, Hashable {
  /// The common name of the subject; the last one if there are several.
  public var commonName: String?
  /// The subject's alternative names of type DNS, in the order of the certificate.
  public var dnsNames: [String]
  /// The subject's alternative names of type URI (SPIFFE ids, for example).
  public var uris: [String]
  /// The subject's alternative names of type e-mail.
  public var emails: [String]
  /// SHA-256 of the certificate in DER, 64 lower-case hexadecimal digits.
  public var fingerprint: String

  /// A certificate's names and fingerprint.
  public init(
    commonName: String?, dnsNames: [String] = [], uris: [String] = [], emails: [String] = [], fingerprint: String
  ) {
    self.commonName = commonName
    self.dnsNames = dnsNames
    self.uris = uris
    self.emails = emails
    self.fingerprint = fingerprint
  }

  /// The certificate of a channel's peer, for protocols other than HTTP/2; nil: it has none, or there is no
  /// `PeerCertificateHandler` on the channel.
  public static func of(_ channel: any Channel) async -> PeerCertificate? {
    try? await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.handler(type: PeerCertificateHandler.self).certificate
    }.get()
  }
}

/// Keeps the certificate of a channel's peer for whoever asks by `PeerCertificate.of`. Stands behind TLS.
public final class PeerCertificateHandler: ChannelInboundHandler {
  /// Whatever passes.
  public typealias InboundIn = NIOAny

  /// The peer's certificate; nil before the handshake is done, and without one.
  public private(set) var certificate: PeerCertificate?

  /// Makes the handler of one channel.
  public init() {}

  /// Keeps the certificate.
  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? PeerCertificate { certificate = event }
    context.fireUserInboundEventTriggered(event)
  }
}
