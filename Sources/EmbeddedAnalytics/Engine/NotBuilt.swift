import Engines

extension EngineError {
  /// Makes the error for a feature that only GraphScope's own engine has.
  static func notBuilt(_ what: String, hint: String = EmbeddedAnalyticalEngine.offer) -> EngineError {
    EngineError(
      .unimplemented, "\(what) is not built into the embedded analytical engine",
      hint: "\(hint). GraphScope's own engine has it: start the coordinator with --engine graphscope")
  }

  /// Makes the error for an operation that is not built in.
  static func notBuilt(_ operation: Operation) -> EngineError {
    guard operation.graphOrigin != .store else {
      return EngineError(
        .engineFailure,
        "Object not exists: the embedded analytical engine does not keep graphs in an object store, so "
          + "they have no ids or names there",
        hint: "Load the graph with session.g() and its methods, or start the coordinator with --engine graphscope")
    }
    return notBuilt(operation.userWords ?? "operation \(operation.title)")
  }
}

extension EmbeddedAnalyticalEngine {
  /// The built-in features, as users write them.
  static let offer =
    "The embedded engine offers session.g() and load_from(), add_vertices(), add_edges(), add_column(), "
    + "consolidate_columns(), project(), to_directed(), to_undirected(), save_to(), to_numpy(), to_dataframe(), output(), "
    + "graphscope.nx, and the algorithms " + Algorithms.builtIn.offeredToUsers.joined(separator: ", ")
}
