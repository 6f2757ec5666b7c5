import Coordinator
import GRPC
import Synchronization
import Transport

/// Lets no call begin of which it is not known who makes it, or whose caller may not make it: before any of its message
/// is taken.
///
/// Who is behind a connection does not change, so it is found out once: a heartbeat costs a look into a table.
public final class AccessGate: ServerInterceptor {
  /// The one method that a viewer may call. All others, those to come included, want a user.
  private static let forViewers = "/gs.rpc.CoordinatorService/HeartBeat"

  private struct Known {
    let generation: UInt64
    let token: String?
    let caller: Authentication
  }

  private let access: AccessControl
  private let known = Mutex<[UInt64: Known]>([:])

  /// A gate in front of all services of a server.
  public init(_ access: AccessControl) { self.access = access }

  /// Forgets a connection that has ended.
  public func connectionClosed(_ number: UInt64) { known.withLock { _ = $0.removeValue(forKey: number) } }

  /// Finds out who calls, keeps it as the call's credential, and requires the role that the method wants.
  /// - Throws: UNAUTHENTICATED, PERMISSION_DENIED or RESOURCE_EXHAUSTED.
  public func begin(_ context: ServerContext) throws {
    do throws(AccessRefusal) {
      let caller = try caller(context)
      context.credential = caller
      guard context.path != Self.forViewers else { return }
      try access.require(.user, of: caller, for: Self.methodName(context.path))
    } catch {
      throw error.status
    }
  }

  private func caller(_ context: ServerContext) throws(AccessRefusal) -> Authentication {
    let token: String?
    do throws(AccessRefusal) {
      token = context.metadata.isEmpty ? nil : try BearerToken.parse(context.metadata.texts("authorization"))
    } catch {
      throw access.refused(error, Evidence(context, token: nil), to: "call")
    }
    let generation = access.generation
    if let known = known.withLock({ $0[context.connection] }), known.generation == generation, known.token == token {
      return known.caller
    }
    let caller = try access.authenticate(Evidence(context, token: token))
    known.withLock {
      $0[context.connection] = Known(generation: generation, token: token, caller: caller)
    }
    return caller
  }

  private static func methodName(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }
}

extension AccessRefusal {
  /// The status of a call that is refused so.
  public var status: GRPCStatus {
    let code: GRPCStatus.Code =
      switch code {
      case .unauthenticated: .unauthenticated
      case .permissionDenied: .permissionDenied
      case .tooManyAttempts: .resourceExhausted
      }
    return GRPCStatus(code, description)
  }
}

extension Evidence {
  /// What a call shows.
  init(_ context: ServerContext, token: String?) {
    let (user, host): (UInt32?, String?) =
      switch context.peer {
      case .tcp(let host, _): (nil, host)
      case .unix(let credentials): (credentials?.uid, nil)
      }
    self.init(
      token: token, certificate: context.certificate.map { Certificate($0) }, user: user, listener: context.listener,
      host: host)
  }
}

extension Evidence.Certificate {
  init(_ certificate: PeerCertificate) {
    self.init(
      commonName: certificate.commonName,
      alternativeNames: certificate.dnsNames + certificate.uris + certificate.emails,
      fingerprint: certificate.fingerprint)
  }
}
