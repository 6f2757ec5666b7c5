import Engines
import GraphStore
import Synchronization

extension EmbeddedAnalyticalEngine {
  func unload(_ inputs: [ObjectHandle]) -> AnalyticalResult {
    if let handle = inputs.first { forget(handle) }
    return .done
  }

  func forget(_ handle: ObjectHandle) {
    // Removed objects are released outside the lock: that may unmap files.
    let (removed, isClosed) = objects.withLock { ($0.remove(handle), $0.isClosed) }
    // After the engine has ended, its files belong to a later process.
    guard !isClosed, let key = handle.key else { return }
    if let number = removed.number { graphs.remove(number) }
    removeFiles(of: key)
    if let directory = removed.directory { removeTree("\(workspace)/\(directory)") }
  }

  func propertyGraph(_ inputs: [ObjectHandle], for operation: String) throws(EngineError) -> PropertyView {
    switch try graph(inputs, for: operation) {
    case .property(let view): return view
    case .simple(let view):
      throw EngineError(
        .invalidArgument,
        "\(operation) requires a property graph, but '\(view.description.key)' is projected to a simple graph")
    }
  }

  func simpleGraph(_ inputs: [ObjectHandle], for algorithm: String) throws(EngineError) -> SimpleView {
    switch try graph(inputs, for: "BIND_APP") {
    case .simple(let view): return view
    case .property(let view):
      throw EngineError(
        .invalidArgument,
        "algorithm '\(algorithm)' runs on simple graphs, but '\(view.description.key)' is a property graph",
        hint: "Project it to one vertex label and one edge label")
    }
  }

  private func graph(_ inputs: [ObjectHandle], for operation: String) throws(EngineError) -> SessionObjects.Graph {
    guard case .graph(let key) = inputs.first else {
      throw EngineError(.invalidArgument, "\(operation) needs a graph as its parent")
    }
    guard let graph = objects.withLock({ $0.graphs[key] }) else { throw Self.notThere("graph", key) }
    return graph
  }

  static func notThere(_ kind: String, _ key: String) -> EngineError {
    EngineError(
      .illegalState, "\(kind) '\(key)' is no longer in this session", hint: "It was unloaded; create it again")
  }
}
