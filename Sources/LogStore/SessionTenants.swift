import Synchronization

/// The tenants of the open sessions. Every record about a session carries its tenant, so that it is known who may read the record
/// even when the session no longer exists.
final class SessionTenants: Sendable {
  private let tenants = Mutex<[String: String]>([:])

  /// Assigns a session to a tenant.
  func assign(_ session: String, to tenant: String) { tenants.withLock { $0[session] = tenant } }

  /// Forgets a session that will have no more records.
  func forget(_ session: String) { tenants.withLock { _ = $0.removeValue(forKey: session) } }

  /// Returns the tenant of the session that a record is about; nil if it is about no known session.
  func tenant(of record: LogRecord) -> String? {
    guard let session = record.session ?? record.object.flatMap(Self.session) ?? Self.session(ofLineIn: record)
    else { return nil }
    return tenants.withLock { $0[session] }
  }

  /// Returns the session whose child wrote a line: the names of children begin with their session. Records about a child as an
  /// object are visible to operators only.
  private static func session(ofLineIn record: LogRecord) -> String? {
    guard record.object == nil, let child = record.child else { return nil }
    return String(child.prefix { $0 != "/" })
  }

  /// Returns the session of an object, `kind/session` or `kind/session/…`.
  private static func session(of object: String) -> String? {
    let parts = object.split(separator: "/", maxSplits: 2)
    guard parts.count >= 2, ["session", "step", "instance"].contains(parts[0]) else { return nil }
    return String(parts[1])
  }
}
