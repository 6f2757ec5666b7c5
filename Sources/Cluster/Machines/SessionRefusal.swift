/// Why a session does not do what it is asked.
public enum SessionRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// It is closing or closed.
  case closing
  /// An instance of that name exists.
  case nameTaken(String)
  /// It has as many instances as it may.
  case tooManyInstances
  /// It has as many graphs as it may.
  case tooManyGraphs
  /// It has an analytical instance.
  case analyticalExists(String)
  /// It has no such graph.
  case noGraph(String)
  /// An instance serves the graph.
  case graphInUse(String, by: String)
  /// No such analytical instance, or it is not ready.
  case notServing(String)
  /// Another step runs.
  case busy(String)
  /// The instance is not over.
  case notOver(String)

  /// What failed, why and what to do.
  public var description: String {
    switch self {
    case .closing: "The session is being closed; open a new one."
    case .nameTaken(let name): "The session has an instance named \(name); choose another name."
    case .tooManyInstances:
      "The session has \(SessionComposition.maximumInstances) instances, the most; end some first."
    case .tooManyGraphs: "The session has \(SessionComposition.maximumGraphs) graphs, the most; unload some first."
    case .analyticalExists(let name): "The session has an analytical instance, \(name); a session has one at a time."
    case .noGraph(let graph): "The session has no graph named \"\(graph)\"; load it first."
    case .graphInUse(let graph, let user): "Instance \(user) serves graph \(graph); stop the instance first."
    case .notServing(let name): "\(name) is no analytical instance that is ready; wait until it is, or request one."
    case .busy(let step): "Step \(step) runs; wait for it or cancel it."
    case .notOver(let name): "Instance \(name) is not over; stop it first."
    }
  }
}
