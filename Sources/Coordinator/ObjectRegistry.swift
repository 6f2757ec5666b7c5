import Engines

/// What a session's operations produced, by the client's operation keys. Keys stay known after their objects are
/// unloaded, since clients unload twice and in any order.
struct ObjectRegistry {
  /// Most keys that a session may have; each costs some 200 bytes.
  static let capacity = 1_000_000
  /// Longest key, in UTF-8 bytes; clients use 32.
  private static let maximumKeyBytes = 1024

  private struct Entry {
    /// Its number in the state store.
    let number: Int
    var handle: ObjectHandle
  }

  private var entries: [OperationKey: Entry] = [:]
  private var nextNumber = 0

  /// Handles that the operation's parents produced. Those of `step`, the operations that its step has run before it, may
  /// have produced something that only their engine knows.
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
          .invalidArgument, "operation '\(operation.key)' refers to '\(parent)', which this session has not run",
          hint: "Run that operation first; after a reconnect to another session it must be run again")
      }
      inputs.append(entry.handle)
    }
    return inputs
  }

  /// Remembers what an operation produced; a repeated key replaces what it stood for.
  /// - Returns: the object's number, and the handle that was replaced.
  mutating func record(
    _ handle: ObjectHandle, for key: OperationKey
  ) throws(EngineError) -> (number: Int, replaced: ObjectHandle?) {
    if let old = entries[key] {
      entries[key]?.handle = handle
      return (old.number, old.handle)
    }
    guard key.utf8.count <= Self.maximumKeyBytes else {
      throw EngineError(
        .invalidArgument,
        "the key of an operation has \(key.utf8.count) bytes; at most \(Self.maximumKeyBytes) are taken")
    }
    guard entries.count < Self.capacity else {
      throw EngineError(
        .resourceExhausted, "the session has produced \(Self.capacity) objects, its bound",
        hint: "Close the session and open a new one")
    }
    entries[key] = Entry(number: nextNumber, handle: handle)
    nextNumber += 1
    return (nextNumber - 1, nil)
  }

  /// Takes back what was remembered of an operation; it stands for what it stood for before.
  mutating func takeBack(_ key: OperationKey, to earlier: ObjectHandle?) { entries[key]?.handle = earlier ?? .none }

  /// Remembers an object of an earlier process under its number.
  mutating func restore(_ handle: ObjectHandle, for key: OperationKey, number: Int) {
    entries[key] = Entry(number: number, handle: handle)
    nextNumber = max(nextNumber, number + 1)
  }

  /// Objects are lost: what their operations produced is nothing any more.
  /// - Returns: their numbers and keys.
  mutating func lose(_ handles: [ObjectHandle]) -> [(number: Int, key: OperationKey)] {
    let lost = Set(handles.compactMap(\.engineKey))
    var gone: [(number: Int, key: OperationKey)] = []
    for (key, entry) in entries {
      guard let name = entry.handle.engineKey, lost.contains(name) else { continue }
      entries[key]?.handle = .none
      gone.append((entry.number, key))
    }
    return gone
  }

  /// The number of an operation's object; nil when there is none.
  func number(of key: OperationKey) -> Int? { entries[key]?.number }

  /// All objects that an engine may have.
  var handles: [ObjectHandle] { entries.values.map(\.handle) }

  /// Numbers of all objects.
  var numbers: [Int] { entries.values.map(\.number) }

  /// Drops the references to tables that were sent along; their files go with them.
  mutating func forgetTables(of keys: some Sequence<OperationKey>) {
    for key in keys {
      if case .tables = entries[key]?.handle { entries[key]?.handle = .none }
    }
  }
}

extension ObjectHandle {
  /// Its kind and the engine's key; nil for what is no object of an engine.
  fileprivate var engineKey: [String]? {
    switch self {
    case .graph(let key): ["graph", key]
    case .boundApplication(let key): ["application", key]
    case .context(let key): ["result", key]
    case .none, .tables, .application: nil
    }
  }
}
