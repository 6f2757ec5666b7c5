/// The kinds of objects that the coordinator keeps track of.
public enum ObjectKind: String, Sendable, CaseIterable, Codable {
  /// A client's session.
  case session
  /// A step that runs or ran in a session.
  case step
  /// A graph of a session. It is known to the session's engine, not to the state store.
  case graph
  /// The result of an algorithm in a session. It is known to the session's engine, not to the state store.
  case result
  /// An engine, query service or learning service of a session.
  case instance
  /// A service that answers queries on a graph, independent of sessions.
  case graphService
  /// Work that runs outside of sessions until it is done.
  case job
  /// A child process.
  case child
  /// A tenant: its policy, and the resources it holds.
  case tenant
  /// A host that engines run on.
  case host
}
