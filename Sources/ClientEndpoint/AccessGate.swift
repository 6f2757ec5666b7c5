import Access
import Coordinator
import GRPC
import Synchronization
import Transport

/// Rejects calls of unknown callers, and of callers that lack the required role, before any of the message is read.
/// `grpc.health.v1.Health` is open to all, because probes have no credentials.
///
/// The identity of a caller is cached for its connection, token and policy, so that a heartbeat costs a table lookup.
public final class AccessGate: ServerInterceptor {
  /// The only method that a viewer may call. All others, including future ones, require the role user.
  private static let forViewers = "/gs.rpc.CoordinatorService/HeartBeat"

  private struct Known {
    let generation: UInt64
    let token: String?
    let caller: Authentication
  }

  private let access: AccessControl
  private let known = Mutex<[UInt64: Known]>([:])

  /// Makes a gate for all services of a server.
  public init(_ access: AccessControl) { self.access = access }

  /// Forgets the caller of a connection that has ended.
  public func connectionClosed(_ number: UInt64) { known.withLock { _ = $0.removeValue(forKey: number) } }

  /// Identifies the caller, stores it as the call's credential, and requires the role for the method.
  /// - Throws: `GRPCStatus` UNAUTHENTICATED, PERMISSION_DENIED or RESOURCE_EXHAUSTED.
  public func begin(_ context: ServerContext) throws {
    if HealthService.isPath(context.path) { return }
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
  /// The status of a call that is denied for this reason.
  public var status: GRPCStatus {
    let (code, reason): (GRPCStatus.Code, String) =
      switch code {
      case .unauthenticated: (.unauthenticated, "UNAUTHENTICATED")
      case .permissionDenied: (.permissionDenied, "PERMISSION_DENIED")
      case .tooManyAttempts: (.resourceExhausted, "TOO_MANY_ATTEMPTS")
      }
    return GRPCStatus(
      code, description, reason: reason, retryAfter: retryAfterSeconds.map { .seconds($0) })
  }
}

extension Evidence {
  /// Collects the evidence of a call.
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
