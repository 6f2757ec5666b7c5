import NIOCore
import NIOSSL

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The verification of a client's certificate on one connection. Confined to its event loop.
///
/// Without lists of revoked certificates, BoringSSL verifies the chain. With lists, libcrypto does, because NIOSSL gives no access to
/// BoringSSL's own check of lists, nor to the chain that it has verified.
final class ClientVerification {
  private let material: ServerMaterial
  /// Whether the chain was verified in this handshake; it is not when a session is resumed.
  private var hasVerified = false
  private var objection: RevocationLists.ChainObjection?

  init(_ material: ServerMaterial) { self.material = material }

  /// Creates the handler of TLS.
  func handler(for inner: ApplicationProtocol) -> NIOSSLServerHandler {
    let context = material.context(for: inner)
    guard let lists = material.revocations else { return NIOSSLServerHandler(context: context) }
    return NIOSSLServerHandler(context: context) { [self] chain, promise in
      hasVerified = true
      objection = lists.objection(toChain: chain, at: time(nil))
      promise.succeed(objection == nil ? .certificateVerified : .failed)
    }
  }

  /// Returns why a certificate was not verified.
  func explain(_ certificate: NIOSSLCertificate) -> String {
    switch objection {
    case .reason(let reason): reason
    case .unverified(let words): "\(material.explain(certificate)) (\(words))"
    case nil: material.explain(certificate)
    }
  }

  /// Returns why a certificate is not accepted now, although it was verified, in this handshake or in that of the resumed session.
  func objection(to certificate: NIOSSLCertificate) -> String? {
    guard let lists = material.revocations else { return nil }
    let now = time(nil)
    return lists.objection(to: certificate, at: now) ?? (hasVerified ? nil : lists.outdated(at: now))
  }
}
