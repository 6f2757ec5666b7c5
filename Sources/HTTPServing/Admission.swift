import Access
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import Transport

/// Decides whether a request may use a route: checks the request, its caller, and the load of the server.
struct Admission: Sendable {
  let limits: HTTPLimits
  let isTCP: Bool
  let hasTLS: Bool
  /// The access control; nil to allow everything.
  let control: AccessControl?
  /// The name of the listener, as used in the access file.
  let listener: String
  let channel: any Channel
  let peer: String
  let connections: ConnectionTable
  let hold: @Sendable () -> RequestError?

  /// Admits a request to a route, and returns its caller; nil for an unknown caller on a route that is open to everyone.
  /// - Throws: `RequestError`, `AccessRefusal`.
  func admit(_ request: Request, to route: Route) async throws -> Authentication? {
    let guarding = RequestGuard(limits: limits, isTCP: isTCP, isOpenToOthers: control != nil)
    try guarding.check(request, maximumBodyBytes: route.maximumBodyBytes)
    let caller = try await caller(of: request, role: route.role(request), guarding)
    guard route.isHealth || connections.hasRoom else {
      throw RequestError(.tooMany, "too many requests are under way", hint: "Try again later")
    }
    if let error = hold() { throw error }
    return caller
  }

  /// Determines the caller. A foreign host name is accepted only with a valid token, which no web page has; the presence of
  /// some token proves nothing.
  private func caller(
    of request: Request, role: Role?, _ guarding: RequestGuard
  ) async throws -> Authentication? {
    do { try guarding.checkHost(request) } catch {
      guard request.headers[.authorization] != nil, let caller = try? await caller(of: request, role: role),
        case .token = caller.method
      else { throw error }
      return caller
    }
    return try await caller(of: request, role: role)
  }

  private func caller(of request: Request, role: Role?) async throws -> Authentication? {
    var evidence = await evidence()
    guard let control else { return Authentication(unconfigured: evidence) }
    let action = "\(request.method.rawValue) \(request.uri.path.prefix(200))"
    do { evidence.token = try BearerToken.parse(request.headers[values: .authorization]) } catch {
      throw control.refused(error, evidence, to: action)
    }
    guard let role else { return control.recognize(evidence) }
    let caller = try control.authenticate(evidence)
    try control.require(role, of: caller, for: action)
    return caller
  }

  private func evidence() async -> Evidence {
    var evidence = Evidence(listener: listener, host: channel.remoteAddress?.ipAddress)
    if evidence.host == nil { evidence.user = await channel.peerUser() }
    if hasTLS, let certificate = await PeerCertificate.of(channel) {
      evidence.certificate = Evidence.Certificate(
        commonName: certificate.commonName,
        alternativeNames: certificate.dnsNames + certificate.uris + certificate.emails,
        fingerprint: certificate.fingerprint)
    }
    return evidence
  }
}

extension Channel {
  /// Returns the user at the other end of a Unix socket.
  fileprivate func peerUser() async -> UInt32? {
    guard let provider = self as? any SocketOptionProvider else { return nil }
    return try? await provider.peerCredentials().get().uid
  }
}

extension SocketOptionProvider {
  /// Returns the credentials of the process at the other end of a Unix socket.
  func peerCredentials() -> EventLoopFuture<PeerCredentials> {
    unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
  }
}
