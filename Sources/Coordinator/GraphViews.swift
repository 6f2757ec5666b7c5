import Engines
import Vocabulary

/// The graphs of graphscope.nx that show property graphs of the session.
///
/// A client makes one without telling, and unloads it like the property graph itself, so that the first unload would take the
/// graph from the other one. Its first question is for the number of nodes: each such question stands for a view, whose unload
/// leaves the property graph alone. A client that asks more often than it makes views keeps the graph until its session ends.
struct GraphViews {
  private struct Shown {
    var views = 0
    /// The operations that unloaded views.
    var unloads: Set<OperationKey> = []
  }

  /// By the engine's keys of property graphs.
  private var graphs: [String: Shown] = [:]

  /// Adds a property graph.
  mutating func add(_ graph: String) { graphs[graph] = Shown() }

  /// Records a successful operation, which may be the first question of a view.
  mutating func asked(_ operation: StepOperation) {
    guard operation.type == .reportGraph,
      operation.arguments[.reportType]?.integer == Int64(ReportType.nodeNum.rawValue),
      let graph = try? operation.optionalText(.graphName)
    else { return }
    graphs[graph]?.views += 1
  }

  /// Returns whether an unload of a property graph is that of a view.
  mutating func unloadsView(_ operation: OperationKey, of graph: String) -> Bool {
    guard let shown = graphs[graph] else { return false }
    if shown.unloads.contains(operation) { return true }
    guard shown.views > 0 else {
      graphs[graph] = nil
      return false
    }
    graphs[graph]?.views -= 1
    graphs[graph]?.unloads.insert(operation)
    return true
  }
}
