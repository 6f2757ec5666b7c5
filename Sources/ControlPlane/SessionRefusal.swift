/// Why a session rejects an event.
public enum SessionRefusal: Error, Sendable, Equatable, Codable, CustomStringConvertible {
  /// The session is closing or closed.
  case closing
  /// An instance of that name exists.
  case nameTaken(String)
  /// The session has the maximum number of instances.
  case tooManyInstances
  /// The session has the maximum number of graphs.
  case tooManyGraphs
  /// The session already has an analytical instance.
  case analyticalExists(String)
  /// The session has no such graph.
  case noGraph(String)
  /// An instance serves the graph.
  case graphInUse(String, by: String)
  /// There is no such analytical instance, or it is not ready.
  case notServing(String)
  /// Another step is running.
  case busy(String)
  /// The instance has not ended.
  case notOver(String)

  /// What failed, why, and what to do.
  public var description: String {
    switch self {
    case .closing: "The session is being closed; open a new one."
    case .nameTaken(let name): "The session already has an instance named \(name); choose another name."
    case .tooManyInstances:
      "The session has \(SessionComposition.maximumInstances) instances, which is the limit; close some first."
    case .tooManyGraphs:
      "The session has \(SessionComposition.maximumGraphs) graphs, which is the limit; unload some first."
    case .analyticalExists(let name):
      "The session already has an analytical instance, \(name); a session has only one. Stop it first."
    case .noGraph(let graph): "The session has no graph named \"\(graph)\"; load it first."
    case .graphInUse(let graph, let user): "Instance \(user) serves graph \(graph); stop the instance first."
    case .notServing(let name):
      "There is no analytical instance \(name), or it is not ready; request one, or wait until it is ready."
    case .busy(let step): "Step \(step) is running; wait for it or cancel it."
    case .notOver(let name): "Instance \(name) has not ended; stop it first."
    }
  }
}
