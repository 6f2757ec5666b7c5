import Engines
import Workers

/// The objects of a session, by key. Objects refer to what they need directly, never by key, so they can be removed in any order.
struct SessionObjects {
  /// A graph of either kind.
  enum Graph: Sendable {
    case property(PropertyView)
    case simple(SimpleView)

    var description: GraphDescription {
      switch self {
      case .property(let view): view.description
      case .simple(let view): view.description
      }
    }
  }

  private(set) var graphs: [String: Graph] = [:]
  /// Graphs of graphscope.nx.
  private(set) var dynamics: [String: DynamicObject] = [:]
  private(set) var applications: [String: BoundApplication] = [:]
  private(set) var contexts: [String: ResultContext] = [:]
  /// Objects of an earlier process that have not been used yet.
  private(set) var dormant: [String: DormantObject] = [:]
  /// Objects with files in the workspace that were not asked for, by key.
  private(set) var unclaimed: [String: UnclaimedObject] = [:]
  private(set) var use = StoredGraphUse()
  /// Selections of results, by the operations that made them.
  private(set) var selections: [OperationKey: FrameSelection] = [:]
  private var selectionOrder: [OperationKey] = []

  /// The greatest number of selections that are kept; the oldest is forgotten.
  private static let maximumSelections = 1024
  private(set) var isClosed = false

  mutating func add(_ view: PropertyView) throws(EngineError) {
    try checkOpen()
    graphs[view.description.key] = .property(view)
    use.add(view.stored.name, for: view.description.key)
  }

  mutating func add(_ view: SimpleView) throws(EngineError) {
    try checkOpen()
    graphs[view.description.key] = .simple(view)
    use.add(view.recipe.directory, for: view.description.key)
  }

  mutating func add(_ graph: DynamicObject) throws(EngineError) {
    try checkOpen()
    dynamics[graph.key] = graph
  }

  mutating func add(_ application: BoundApplication, key: String) throws(EngineError) {
    try checkOpen()
    applications[key] = application
    use.add(application.graph.recipe.directory, for: key)
  }

  mutating func add(_ context: ResultContext) throws(EngineError) {
    try checkOpen()
    contexts[context.description.key] = context
    use.add(context.graph.recipe.directory, for: context.description.key)
  }

  mutating func keep(_ selection: FrameSelection, for operation: OperationKey) {
    if selections.updateValue(selection, forKey: operation) == nil { selectionOrder.append(operation) }
    if selectionOrder.count > Self.maximumSelections { selections[selectionOrder.removeFirst()] = nil }
  }

  mutating func add(_ object: DormantObject, key: String) {
    dormant[key] = object
    use.add(object.record.graph.directory, for: key)
  }

  /// Adds an object that is lost; its remaining files stay until it is unloaded.
  mutating func addLost(key: String) { use.add(key, for: key) }

  mutating func add(_ object: UnclaimedObject) {
    unclaimed[object.key] = object
    if let directory = object.directory { use.add(directory, for: object.key) }
  }

  /// Removes an unclaimed object.
  /// - Returns: the object, and its directory if no other object needs it.
  mutating func removeUnclaimed(_ key: String) -> (object: UnclaimedObject, directory: String?)? {
    guard let object = unclaimed.removeValue(forKey: key) else { return nil }
    return (object, use.remove(key))
  }

  /// Removes an object from the dormant ones after it was made ready for use.
  mutating func woke(key: String) { dormant[key] = nil }

  /// Removes an object.
  /// - Returns: the object, if it exists; the name of its directory, if no other object needs it; and the number of a graph.
  mutating func remove(_ handle: ObjectHandle) -> (object: (any Sendable)?, directory: String?, number: Int64?) {
    guard let key = handle.key else { return (nil, nil, nil) }
    var number: Int64?
    if case .graph = handle { number = (graphs[key]?.description ?? dormant[key]?.record.graph.description)?.objectID }
    let object: (any Sendable)? =
      if let object = dormant.removeValue(forKey: key) { object } else {
        switch handle {
        case .graph: graphs.removeValue(forKey: key) ?? dynamics.removeValue(forKey: key)
        case .boundApplication: applications.removeValue(forKey: key)
        case .context: contexts.removeValue(forKey: key)
        case .none, .tables, .application: nil
        }
      }
    return (object, use.remove(key), number)
  }

  /// Removes all objects; afterwards none can be added.
  mutating func close() {
    self = SessionObjects()
    isClosed = true
  }

  private func checkOpen() throws(EngineError) {
    guard isClosed else { return }
    throw EngineError(.illegalState, "the session's analytical engine was closed")
  }
}

/// An object of an earlier process: its record and the files that it needs.
struct DormantObject: Sendable {
  let record: ObjectRecord
  let files: StoredFiles
  /// The reservation for the file of a result's values.
  let values: StorageReservation?
}

extension ObjectHandle {
  /// The key of the object; nil for handles that are not objects of the engine.
  var key: String? {
    switch self {
    case .graph(let key), .boundApplication(let key), .context(let key): key
    case .none, .tables, .application: nil
    }
  }
}

/// Returns a new key: a prefix and eight random letters and digits, as clients expect.
func objectKey(_ prefix: String) -> String {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
  return prefix + "_" + String((0..<8).map { _ in letters[Int.random(in: 0..<letters.count)] })
}
