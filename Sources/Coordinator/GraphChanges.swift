import Engines
import Vocabulary

/// The operations that changed graphs of graphscope.nx.
///
/// A client names a graph by the operation that changed it last, and views of the graph by an earlier one. There may be a million
/// changes, so that a graph keeps only its newest ones; a further change takes the place of the oldest.
struct GraphChanges {
  /// The number of changes that a graph keeps.
  static let keptPerGraph = 1024

  private typealias Change = (key: OperationKey, milliseconds: Int64)

  private var changes: [String: [Change]] = [:]
  /// Changes of unloaded graphs, whose places any change may take.
  private var spare: [OperationKey] = []

  /// Whether a further change of a graph takes the place of another one.
  func hasPlace(for graph: String) -> Bool {
    !spare.isEmpty || changes[graph]?.count ?? 0 >= Self.keptPerGraph
  }

  /// Adds a change of a graph.
  /// - Returns: The change whose place it takes; nil if it needs a new one.
  mutating func add(_ key: OperationKey, of graph: String, milliseconds: Int64) -> OperationKey? {
    // Changes of an earlier process are added in any order.
    var place = changes[graph]?.endIndex ?? 0
    while place > 0, let earlier = changes[graph]?[place - 1], earlier.milliseconds > milliseconds { place -= 1 }
    changes[graph, default: []].insert((key, milliseconds), at: place)
    if changes[graph]?.count ?? 0 > Self.keptPerGraph { return changes[graph]?.removeFirst().key }
    return spare.popLast()
  }

  /// Adds a change of a graph that has a place already.
  mutating func restore(_ key: OperationKey, of graph: String, milliseconds: Int64) {
    if let oldest = add(key, of: graph, milliseconds: milliseconds) { spare.append(oldest) }
  }

  /// Gives the places of a graph's changes to others, after it was unloaded.
  /// - Returns: The changes.
  mutating func unloaded(_ graph: String) -> [OperationKey] {
    let keys = (changes.removeValue(forKey: graph) ?? []).map(\.key)
    spare += keys
    return keys
  }
}

extension StepOperation {
  /// The graph of graphscope.nx that the operation changes; nil for other operations.
  var changedGraph: String? {
    guard traits.effect == .changes, traits.yields == .mutableGraph else { return nil }
    return try? optionalText(.graphName)
  }
}
