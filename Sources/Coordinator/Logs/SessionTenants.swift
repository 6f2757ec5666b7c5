import Synchronization

/// Whose the open sessions are, so that every record about one carries its tenant: who may read it is known then, also
/// when the session is long gone.
final class SessionTenants: Sendable {
  private let tenants = Mutex<[String: String]>([:])

  /// The session is this tenant's.
  func assign(_ session: String, to tenant: String) { tenants.withLock { $0[session] = tenant } }

  /// No more will be said about the session.
  func forget(_ session: String) { tenants.withLock { _ = $0.removeValue(forKey: session) } }

  /// The tenant of the session that a record is about; nil when it is about none that is known.
  func tenant(of record: LogRecord) -> String? {
    guard let session = record.session ?? record.object.flatMap(Self.session) else { return nil }
    return tenants.withLock { $0[session] }
  }

  /// The session of an object, `kind/session` or `kind/session/…`.
  private static func session(of object: String) -> String? {
    let parts = object.split(separator: "/", maxSplits: 2)
    guard parts.count >= 2, ["session", "step", "instance"].contains(parts[0]) else { return nil }
    return String(parts[1])
  }
}
