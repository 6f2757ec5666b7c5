import Engines
import GraphStore

/// What a session holds, by key. Objects refer to what they need, never to each other's keys: they may be forgotten in
/// any order.
struct SessionObjects {
  /// A graph of either kind.
  enum Graph: Sendable {
    case property(PropertyView)
    case simple(SimpleView)
  }

  private(set) var graphs: [String: Graph] = [:]
  private(set) var applications: [String: BoundApplication] = [:]
  private(set) var contexts: [String: ResultContext] = [:]
  /// Objects of an earlier process that nobody asked for yet.
  private(set) var dormant: [String: DormantObject] = [:]
  private var isClosed = false

  mutating func add(_ view: PropertyView) throws(EngineError) {
    try checkOpen()
    graphs[view.description.key] = .property(view)
  }

  mutating func add(_ view: SimpleView) throws(EngineError) {
    try checkOpen()
    graphs[view.description.key] = .simple(view)
  }

  mutating func add(_ application: BoundApplication, key: String) throws(EngineError) {
    try checkOpen()
    applications[key] = application
  }

  mutating func add(_ context: ResultContext) throws(EngineError) {
    try checkOpen()
    contexts[context.description.key] = context
  }

  mutating func add(_ object: DormantObject, key: String) { dormant[key] = object }

  /// Takes out an object that was dormant and is awake now.
  mutating func woke(key: String) { dormant[key] = nil }

  /// Forgets an object and returns it, if it is there.
  mutating func remove(_ handle: ObjectHandle) -> (any Sendable)? {
    if let key = handle.key, let object = dormant.removeValue(forKey: key) { return object }
    switch handle {
    case .graph(let key): return graphs.removeValue(forKey: key)
    case .boundApplication(let key): return applications.removeValue(forKey: key)
    case .context(let key): return contexts.removeValue(forKey: key)
    case .none, .tables, .application: return nil
    }
  }

  /// Forgets everything and takes nothing more.
  mutating func close() {
    self = SessionObjects()
    isClosed = true
  }

  private func checkOpen() throws(EngineError) {
    guard isClosed else { return }
    throw EngineError(.illegalState, "the session's analytical engine was closed")
  }
}

/// An object of an earlier process: what it was made of, and the files that must stay for it.
struct DormantObject: Sendable {
  let record: ObjectRecord
  let files: StoredFiles
  /// What the file of a result's values was taken for.
  let values: StorageReservation?
}

extension ObjectHandle {
  /// The object's key; nil for what is no object of the engine.
  var key: String? {
    switch self {
    case .graph(let key), .boundApplication(let key), .context(let key): key
    case .none, .tables, .application: nil
    }
  }
}

/// A new key: a prefix and eight random letters and digits, as clients know them.
func objectKey(_ prefix: String) -> String {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
  return prefix + "_" + String((0..<8).map { _ in letters[Int.random(in: 0..<letters.count)] })
}
