import Engines
import StateStore
import Synchronization

/// Tracks how much of the state store each tenant uses, so that no tenant can fill it for all: the documents of the objects and
/// steps of its sessions, plus the overhead of the store.
final class StateShares: Sendable {
  /// The default limit of a tenant in bytes: a quarter of the default size of the store.
  static let defaultBound = 512 << 20
  /// The overhead of a document in bytes: rows, indexes and the history of its changes.
  static let overhead = 512

  private struct Holding {
    /// Nil until the session is known.
    var tenant: String?
    var bytes = 0
    var sizes: [Int: Int] = [:]
  }

  private struct State {
    var holdings: [String: Holding] = [:]
    var tenants: [String: Int] = [:]

    /// Changes the usage of a session.
    mutating func change(_ session: String, _ body: (inout Holding) -> Void) {
      var holding = holdings[session] ?? Holding()
      let (oldTenant, oldBytes) = (holding.tenant, holding.bytes)
      body(&holding)
      if let oldTenant { tenants[oldTenant, default: 0] -= oldBytes }
      if let tenant = holding.tenant { tenants[tenant, default: 0] += holding.bytes }
      for tenant in [oldTenant, holding.tenant] {
        if let tenant, tenants[tenant] == 0 { tenants[tenant] = nil }
      }
      holdings[session] = holding.sizes.isEmpty && holding.tenant == nil ? nil : holding
    }
  }

  private let state = Mutex(State())
  private let bound: Int

  init(bound: Int = StateShares.defaultBound) { self.bound = bound }

  /// Assigns a session to a tenant.
  func open(_ session: String, of tenant: String) { state.withLock { $0.change(session) { $0.tenant = tenant } } }

  /// Removes a session.
  func close(_ session: String) {
    state.withLock {
      $0.change(session) { $0 = Holding() }
    }
  }

  /// Records changes that the store has applied or already contains.
  func applied(_ changes: [StateChange]) {
    state.withLock { state in
      for change in changes {
        guard let (session, item) = Self.place(of: change.key) else { continue }
        var size: Int?
        if case .put(let key, let value, _) = change { size = key.utf8.count + value.count + Self.overhead }
        state.change(session) { holding in
          holding.bytes += (size ?? 0) - (holding.sizes[item] ?? 0)
          holding.sizes[item] = size
        }
      }
    }
  }

  /// Checks whether a session may use additional bytes.
  /// - Throws: `EngineError` that names the limit.
  func admit(_ bytes: Int, to session: String) throws(EngineError) {
    let held = state.withLock { state in state.holdings[session]?.tenant.flatMap { state.tenants[$0] } ?? 0 }
    guard held + bytes <= bound else {
      throw EngineError(
        .resourceExhausted,
        "the tenant's sessions use \(held) bytes of the coordinator's state, and this step needs up to \(bytes) more: "
          + "the limit per tenant is \(bound)",
        hint: "Unload graphs and results that are no longer needed, or close a session")
    }
  }

  /// Returns the usage of a tenant in bytes.
  func bytes(of tenant: String) -> Int { state.withLock { $0.tenants[tenant] ?? 0 } }

  /// Returns the session of a key and the number of its item; nil for keys of other kinds.
  private static func place(of key: String) -> (session: String, item: Int)? {
    let parts = key.split(separator: "/", maxSplits: 2)
    guard parts.count == 3, let number = Int(parts[2]) else { return nil }
    switch parts[0] {
    case "objects": return (String(parts[1]), number)
    case "steps": return (String(parts[1]), -1 - number)
    default: return nil
    }
  }
}
