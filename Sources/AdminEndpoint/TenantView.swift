import Access
import Coordinator
import JSON
import Objects
import StateStore
import Wire

/// The part of the state store that a caller may see: everything for an operator, the objects of its tenant for other callers.
/// Everything else is treated as nonexistent.
struct TenantView: Sendable {
  /// The tenant whose objects are visible; nil for the objects of all tenants and of none.
  let tenant: String?

  init(_ caller: Authentication?) {
    // An unknown caller sees nothing; paths that show objects require a known caller.
    tenant = caller.map { $0.identity.role == .operator ? nil : $0.identity.tenant } ?? ""
  }

  /// Returns whether the document of a key is visible.
  func shows(_ key: String, _ document: JSONValue) -> Bool {
    guard let tenant else { return true }
    guard let object = ObjectReference(key: key) else { return false }
    if object.kind == .tenant { return object.name == tenant }
    return (document["tenant"]?.text ?? object.kind.tenantOfOld) == tenant
  }

  /// Returns whether the value of a key is visible.
  func shows(_ key: String, _ value: [UInt8]) -> Bool {
    tenant == nil || shows(key, ObjectDocument.json(key, value, modified: 0))
  }

  /// Returns whether a change is visible. A deletion is visible if the deleted object, or the session to which it belongs, was
  /// visible before; if that is no longer known, it is hidden.
  func shows(_ change: StateChange, at revision: Revision, _ store: any StateStore) async -> Bool {
    var seen: [String: Bool] = [:]
    return await shows(change, at: revision, store, &seen)
  }

  /// - Parameter seen: a cache of the results for keys: the end of a session deletes many of its objects.
  private func shows(
    _ change: StateChange, at revision: Revision, _ store: any StateStore, _ seen: inout [String: Bool]
  ) async -> Bool {
    guard tenant != nil else { return true }
    switch change {
    case .put(let key, let value, _): return shows(key, value)
    case .delete(let key):
      guard let object = ObjectReference(key: key) else { return false }
      let owning = object.session.map { ObjectKind.session.key($0) } ?? key
      if let isShown = seen[owning] { return isShown }
      let entry = try? await store.entry(owning, at: revision - 1)
      let isShown = entry.map { shows(owning, $0.value) } ?? false
      seen[owning] = isShown
      return isShown
    }
  }

  /// Removes the changes that are not visible from records, and the records that then contain none.
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

extension ObjectKind {
  /// The tenant of objects that were stored before tenants existed; nil if only operators may see them.
  fileprivate var tenantOfOld: String? { descriptor.belongsToSession ? defaultTenant : nil }
}
