import Cluster
import Coordinator
import Wire

/// What of the state store somebody may see: an operator everything, others the objects of their tenant. What is not to
/// be seen looks as if it did not exist.
struct TenantView: Sendable {
  /// nil: all of them, and what is nobody's.
  let tenant: String?

  init(_ caller: Authentication?) {
    // Nobody is as good as a stranger; no path that shows objects takes one.
    tenant = caller.map { $0.identity.role == .operator ? nil : $0.identity.tenant } ?? ""
  }

  /// Whether the document of a key is to be seen.
  func shows(_ key: String, _ document: JSONValue) -> Bool {
    guard let tenant else { return true }
    guard let object = ObjectName(key: key) else { return false }
    if object.kind == .tenant { return object.name == tenant }
    return (document["tenant"]?.text ?? object.kind.tenantOfOld) == tenant
  }

  /// Whether the value of a key is to be seen.
  func shows(_ key: String, _ value: [UInt8]) -> Bool {
    tenant == nil || shows(key, ObjectDocument.json(key, value, modified: 0))
  }

  /// Whether a change is to be seen: what was deleted, by what it or its session was before. When that is not known any
  /// more it is not.
  func shows(_ change: StateChange, at revision: Revision, _ store: any StateStore) async -> Bool {
    var seen: [String: Bool] = [:]
    return await shows(change, at: revision, store, &seen)
  }

  /// - Parameter seen: what was found out of keys; a session that ends takes many objects along.
  private func shows(
    _ change: StateChange, at revision: Revision, _ store: any StateStore, _ seen: inout [String: Bool]
  ) async -> Bool {
    guard tenant != nil else { return true }
    switch change {
    case .put(let key, let value, _): return shows(key, value)
    case .delete(let key):
      guard let object = ObjectName(key: key) else { return false }
      let owning = object.session.map { ObjectKind.session.key($0) } ?? key
      if let isShown = seen[owning] { return isShown }
      let entry = try? await store.entry(owning, at: revision - 1)
      let isShown = entry.map { shows(owning, $0.value) } ?? false
      seen[owning] = isShown
      return isShown
    }
  }

  /// The records with what of their changes is to be seen, without those of which nothing is.
  func filtered(_ records: [StateRecord], _ store: any StateStore) async -> [StateRecord] {
    guard tenant != nil else { return records }
    var shown: [StateRecord] = []
    var seen: [String: Bool] = [:]
    for var record in records {
      var changes: [StateChange] = []
      for change in record.changes where await shows(change, at: record.revision, store, &seen) {
        changes.append(change)
      }
      guard !changes.isEmpty else { continue }
      record.changes = changes
      shown.append(record)
    }
    return shown
  }
}

extension ObjectName {
  /// The session that the object is or belongs to.
  fileprivate var session: String? {
    switch kind {
    case .session, .step, .instance: String(name.prefix { $0 != "/" })
    case .graphService, .job, .child, .tenant, .host: nil
    }
  }
}

extension ObjectKind {
  /// Whose the objects are that were made before there were tenants; nil: operators' alone.
  fileprivate var tenantOfOld: String? {
    switch self {
    case .session, .step, .instance: defaultTenant
    case .graphService, .job, .child, .tenant, .host: nil
    }
  }
}
