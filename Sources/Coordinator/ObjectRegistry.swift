import Engines
import Support
import Vocabulary

/// The objects made by a session's operations, by the client's operation keys. Keys remain known after their objects are
/// unloaded, because clients unload repeatedly and in any order.
struct ObjectRegistry {
  /// The maximum number of keys of a session; each takes about 200 bytes.
  static let capacity = 1_000_000

  private struct Entry {
    /// Its number in the state store.
    let number: Int
    var handle: ObjectHandle
    var origin: ObjectOrigin
    /// Whether it was unloaded; its key remains known.
    var isUnloaded = false
  }

  private var entries: [OperationKey: Entry] = [:]
  private var changes = GraphChanges()
  /// The graphs of graphscope.nx that show property graphs.
  var views = GraphViews()
  private var nextNumber = 0

  /// Returns the handles made by the operation's parents. Parents in `step`, the operations run earlier in the same step, may
  /// have made something known only to their engine.
  func inputs(
    of operation: StepOperation, inStep step: Set<OperationKey> = []
  ) throws(EngineError) -> [ObjectHandle] {
    var inputs: [ObjectHandle] = []
    for parent in operation.parents {
      guard let entry = entries[parent] else {
        if step.contains(parent) {
          inputs.append(.none)
          continue
        }
        throw EngineError(
          .invalidArgument,
          "operation '\(operation.key)' refers to operation '\(parent)', which has not run in this session",
          hint: "Run that operation first; in a new session, operations of an earlier session must be run again")
      }
      inputs.append(entry.handle)
    }
    return inputs
  }

  /// Records what an operation made; a repeated key replaces the earlier object.
  /// - Returns: The number of the object, and the handle that was replaced.
  mutating func record(
    _ handle: ObjectHandle, for operation: StepOperation
  ) throws(EngineError) -> (number: Int, replaced: ObjectHandle?) {
    let key = operation.key
    let now = nowMilliseconds()
    var origin = ObjectOrigin(algorithm: algorithm(of: [operation]), madeMilliseconds: now)
    if let old = entries[key] {
      entries[key]?.handle = handle
      entries[key]?.origin = origin
      entries[key]?.isUnloaded = false
      return (old.number, old.handle)
    }
    if case .graph(let graph) = handle, operation.changedGraph == graph {
      origin.isChange = true
      if let spent = changes.add(key, of: graph, milliseconds: now), let old = entries.removeValue(forKey: spent) {
        entries[key] = Entry(number: old.number, handle: handle, origin: origin)
        return (old.number, nil)
      }
    }
    try admit(1)
    entries[key] = Entry(number: nextNumber, handle: handle, origin: origin)
    nextNumber += 1
    return (nextNumber - 1, nil)
  }

  /// Checks that there is room for the results of operations.
  func admit(_ operations: [StepOperation]) throws(EngineError) {
    try admit(
      operations.count { operation in
        guard entries[operation.key] == nil else { return false }
        return operation.changedGraph.map { !changes.hasPlace(for: $0) } ?? true
      })
  }

  private func admit(_ added: Int) throws(EngineError) {
    guard entries.count + added <= Self.capacity else {
      throw EngineError(
        .resourceExhausted, "the session has produced \(entries.count) objects; the limit is \(Self.capacity)",
        hint: "Close the session and open a new one")
    }
  }

  /// Reverts the record of an operation to its earlier handle.
  mutating func takeBack(_ key: OperationKey, to earlier: ObjectHandle?) { entries[key]?.handle = earlier ?? .none }

  /// Recovers an object of an earlier process under its number.
  mutating func restore(
    _ handle: ObjectHandle, for key: OperationKey, number: Int, _ origin: ObjectOrigin = ObjectOrigin()
  ) {
    entries[key] = Entry(number: number, handle: handle, origin: origin)
    nextNumber = max(nextNumber, number + 1)
    if case .graph(let graph) = handle, origin.isChange == true {
      changes.restore(key, of: graph, milliseconds: origin.madeMilliseconds ?? 0)
    }
  }

  /// Skips a number whose entry in the state store is unreadable.
  mutating func skip(_ number: Int) { nextNumber = max(nextNumber, number + 1) }

  /// Returns the operations whose results have this handle in an engine.
  func keys(of handle: ObjectHandle) -> [OperationKey] {
    guard let name = handle.engineKey else { return [] }
    return entries.filter { $0.value.handle.engineKey == name }.map(\.key)
  }

  /// The documents of all objects as in the state store, by number, without the clients' numbers of graphs.
  var documents: [Int: ObjectDocument] {
    let documents = entries.map { key, entry in
      var document = ObjectDocument(entry.handle, of: key)
      document.origin = entry.origin
      return (entry.number, document)
    }
    return Dictionary(uniqueKeysWithValues: documents)
  }

  /// Returns the numbers and keys of objects.
  func entries(of handles: [ObjectHandle]) -> [(number: Int, key: OperationKey)] {
    let names = Set(handles.compactMap(\.engineKey))
    return entries.compactMap { key, entry in
      entry.handle.engineKey.flatMap { names.contains($0) ? (entry.number, key) : nil }
    }
  }

  /// Records that objects are lost: their operations no longer have results.
  mutating func lose(_ handles: [ObjectHandle]) {
    for (_, key) in entries(of: handles) { entries[key]?.handle = .none }
  }

  /// Returns the number of an operation's object; nil if there is none.
  func number(of key: OperationKey) -> Int? { entries[key]?.number }

  /// Returns the known origin of an operation's object.
  func origin(of key: OperationKey) -> ObjectOrigin { entries[key]?.origin ?? ObjectOrigin() }

  /// Returns the algorithm that operations run or prepare; nil if there is none.
  func algorithm(of operations: [StepOperation]) -> String? {
    var known: [OperationKey: String] = [:]
    var found: String?
    for operation in operations {
      switch operation.type {
      case .createApp: known[operation.key] = try? operation.algorithm().name
      case .bindApp, .runApp:
        known[operation.key] = operation.parents.lazy.compactMap { known[$0] ?? entries[$0]?.origin.algorithm }.first
      default: continue
      }
      found = known[operation.key] ?? found
    }
    return found
  }

  /// The objects that were not unloaded, with their known origins.
  var objects: [(handle: ObjectHandle, origin: ObjectOrigin)] {
    entries.values.filter { !$0.isUnloaded }.map { ($0.handle, $0.origin) }
  }

  /// Records that an operation's object was unloaded.
  mutating func unloaded(_ key: OperationKey) {
    entries[key]?.isUnloaded = true
    guard case .graph(let graph) = entries[key]?.handle else { return }
    for change in changes.unloaded(graph) { entries[change]?.isUnloaded = true }
  }

  /// Returns whether an operation unloads a graph of graphscope.nx that shows a property graph, and not that graph.
  mutating func unloadsView(_ operation: StepOperation) -> Bool {
    guard operation.unloads, let parent = operation.parents.first, case .graph(let graph) = entries[parent]?.handle
    else { return false }
    return views.unloadsView(operation.key, of: graph)
  }

  /// The handles of all objects that an engine may have.
  var handles: [ObjectHandle] { entries.values.map(\.handle) }

  /// The numbers of all objects.
  var numbers: [Int] { entries.values.map(\.number) }

  /// Drops the references to tables sent with the operations; their files are removed with them.
  mutating func forgetTables(of keys: some Sequence<OperationKey>) {
    for key in keys {
      if case .tables = entries[key]?.handle { entries[key]?.handle = .none }
    }
  }
}

/// The origin of an object.
struct ObjectOrigin: Codable, Sendable {
  /// The algorithm of an application or of a result.
  var algorithm: String?
  /// When it was made, in milliseconds since 1970; nil if unknown.
  var madeMilliseconds: Int64?
  /// Whether the operation changed the object, instead of making it. nil means no.
  var isChange: Bool?
}

extension ObjectHandle {
  /// The kind and the engine's key; nil if it is not an object of an engine.
  fileprivate var engineKey: [String]? {
    switch self {
    case .graph(let key): ["graph", key]
    case .boundApplication(let key): ["application", key]
    case .context(let key): ["result", key]
    case .none, .tables, .application: nil
    }
  }
}
