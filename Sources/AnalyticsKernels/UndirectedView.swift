import Engines
import GraphStore
import Workers

extension SimpleGraph {
  /// Returns the graph with each edge in the rows of both ends; the graph itself if it is already undirected.
  /// - Throws: `EngineError` for a directed graph with several labels, which stores the weights of edges in one direction only.
  package func undirected(_ workers: Workers) throws -> SimpleGraph {
    guard isDirected else { return self }
    var numbers: NumericColumn?
    switch weights {
    case .none: break
    case .column(let column): numbers = NumericColumn(column)
    case .perEntry:
      throw EngineError(
        .notApplicable,
        "the algorithm follows edges in both directions, which is not possible on a directed graph with several labels",
        hint: "Project the graph to one label of each kind, or load it with directed=False")
    }
    let pieces = [outgoing, incoming].map { RowPiece(rows: $0, firstRow: 0, firstNeighbour: 0, weights: numbers) }
    let rows = try MergedRows(pieces, vertexCount: vertexCount, hasWeights: true, workers: workers)
    return SimpleGraph(
      isDirected: false, outgoing: rows.adjacency, incoming: rows.adjacency,
      weights: rows.weights.map { .perEntry($0, from: weights.columns) } ?? .none, segments: segments,
      owner: Both(self, rows))
  }

  private final class Both: Sendable {
    let graph: SimpleGraph
    let rows: MergedRows

    init(_ graph: SimpleGraph, _ rows: MergedRows) { (self.graph, self.rows) = (graph, rows) }
  }
}
