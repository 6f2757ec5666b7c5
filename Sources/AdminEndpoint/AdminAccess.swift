import Cluster
import Coordinator
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import Transport

/// Who may ask what of the admin endpoint.
///
/// | path | who |
/// |---|---|
/// | `/healthz`, `/readyz` | everybody; reasons are told to operators |
/// | `GET` of `/version`, objects, their history, differences, events, audit trail, a session's log | viewers, of what is their tenant's |
/// | `DELETE` of a session | its user |
/// | everything else, what is to come included | operators |
struct AdminAccess: Sendable {
  /// nil: everybody may do everything.
  let control: AccessControl?
  /// The listener's name, for the access file.
  let listener: String
  /// Whether the listener's connections have TLS.
  let hasTLS: Bool

  /// Whether the request shows a token, right or wrong: no web page can make a browser do that.
  static func hasToken(_ request: Request) -> Bool { request.headers[.authorization] != nil }

  /// Who sends a request.
  /// - Returns: nil for somebody unknown on a path for everybody.
  /// - Throws: `AccessRefusal`.
  func caller(of request: Request, _ channel: any Channel) async throws -> Authentication? {
    var evidence = await evidence(channel)
    guard let control else { return Authentication(unconfigured: evidence) }
    do { evidence.token = try BearerToken.parse(request.headers[values: .authorization]) } catch {
      throw control.refused(error, evidence, to: Self.action(request))
    }
    guard let role = Self.role(for: request) else { return control.recognize(evidence) }
    let caller = try control.authenticate(evidence)
    try control.require(role, of: caller, for: Self.action(request))
    return caller
  }

  private static func action(_ request: Request) -> String {
    "\(request.method.rawValue) \(request.uri.path.prefix(200))"
  }

  /// The least role for a request; nil when everybody may send it.
  static func role(for request: Request) -> Role? {
    let path = request.uri.path.split(separator: "/")
    if path == ["healthz"] || path == ["readyz"] { return nil }
    if path == ["version"] { return .viewer }
    guard path.count >= 3, path[..<2] == ["api", "v1"] else { return .operator }
    let isRead = request.method == .get || request.method == .head
    if path.count == 3, ["objects", "history", "diff", "events", "audit"].contains(path[2]) {
      return isRead ? .viewer : .operator
    }
    if path.count == 3, path[2] == "logs" {
      // What the coordinator and its children say is about everybody.
      let isOfSession = request.uri.queryParameters["session"] != nil && request.uri.queryParameters["child"] == nil
      return isRead && isOfSession ? .viewer : .operator
    }
    guard let kind = String(percentDecoding: path[2]).flatMap({ try? ObjectKind(named: $0) }) else { return .operator }
    if isRead { return .viewer }
    return request.method == .delete && kind == .session && path.count > 3 ? .user : .operator
  }

  private func evidence(_ channel: any Channel) async -> Evidence {
    var evidence = Evidence(listener: listener, host: channel.remoteAddress?.ipAddress)
    if evidence.host == nil { evidence.user = await Self.user(channel) }
    if hasTLS, let certificate = await PeerCertificate.of(channel) {
      evidence.certificate = Evidence.Certificate(
        commonName: certificate.commonName,
        alternativeNames: certificate.dnsNames + certificate.uris + certificate.emails,
        fingerprint: certificate.fingerprint)
    }
    return evidence
  }

  /// The user behind a Unix socket.
  private static func user(_ channel: any Channel) async -> UInt32? {
    guard let provider = channel as? any SocketOptionProvider else { return nil }
    let credentials: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    return try? await credentials.get().uid
  }
}
