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

  /// Whether a change is to be seen: what was deleted, by what it was before. When that is not known any more it is not.
  func shows(_ change: StateChange, at revision: Revision, _ store: any StateStore) async -> Bool {
    guard tenant != nil else { return true }
    switch change {
    case .put(let key, let value, _): return shows(key, value)
    case .delete(let key):
      guard ObjectName(key: key) != nil, let entry = try? await store.entry(key, at: revision - 1) else { return false }
      return shows(key, entry.value)
    }
  }

  /// The records with what of their changes is to be seen, without those of which nothing is.
  func filtered(_ records: [StateRecord], _ store: any StateStore) async -> [StateRecord] {
    guard tenant != nil else { return records }
    var shown: [StateRecord] = []
    for var record in records {
      var changes: [StateChange] = []
      for change in record.changes where await shows(change, at: record.revision, store) { changes.append(change) }
      guard !changes.isEmpty else { continue }
      record.changes = changes
      shown.append(record)
    }
    return shown
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
