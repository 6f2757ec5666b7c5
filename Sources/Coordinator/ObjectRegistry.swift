import Engines

/// What a session's operations produced, by the client's operation keys. Keys stay known after their objects are
/// unloaded, since clients unload twice and in any order.
struct ObjectRegistry {
  /// Most keys that a session may have; each costs some 200 bytes.
  static let capacity = 1_000_000

  private var handles: [OperationKey: ObjectHandle] = [:]

  /// Handles that the operation's parents produced.
  func inputs(of operation: StepOperation) throws(EngineError) -> [ObjectHandle] {
    var inputs: [ObjectHandle] = []
    for parent in operation.parents {
      guard let handle = handles[parent] else {
        throw EngineError(
          .invalidArgument, "operation '\(operation.key)' refers to '\(parent)', which this session has not run",
          hint: "Run that operation first; after a reconnect to another session it must be run again")
      }
      inputs.append(handle)
    }
    return inputs
  }

  /// Remembers what an operation produced; a repeated key replaces what it stood for. Returns the replaced handle.
  mutating func record(_ handle: ObjectHandle, for key: OperationKey) throws(EngineError) -> ObjectHandle? {
    if let old = handles.updateValue(handle, forKey: key) { return old }
    guard handles.count <= Self.capacity else {
      handles[key] = nil
      throw EngineError(
        .resourceExhausted, "the session has produced \(Self.capacity) objects, its bound",
        hint: "Close the session and open a new one")
    }
    return nil
  }

  /// Drops the references to tables that were sent along; their files go with them.
  mutating func forgetTables(of keys: some Sequence<OperationKey>) {
    for key in keys {
      if case .tables = handles[key] { handles[key] = ObjectHandle.none }
    }
  }
}
