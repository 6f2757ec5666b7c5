import AnalyticsKernels
import Engines
import GraphStore
import Workers

extension SimpleGraph {
  /// Creates a graph from a projection with a single vertex label and a single edge label; rows are used in place.
  /// - Throws: `EngineError` if the edges do not join the label with itself.
  convenience init(single projection: SimpleProjection, of stored: StoredGraph, _ schema: GraphSchema)
    throws(EngineError)
  {
    let graph = stored.graph
    let (vertices, label) = (projection.vertexLabels[0], projection.edgeLabels[0])
    let ends = GraphSchema.Relation(source: vertices, destination: vertices)
    guard let relation = schema.edgeLabels[label].relations.firstIndex(of: ends) else {
      throw EngineError(.internalFailure, "the projection to a simple graph lacks its edge relation")
    }
    let column = projection.edgeProperties.map {
      graph.edgeColumn(label: label, relation: relation, property: $0[0])
    }
    self.init(
      isDirected: graph.options.isDirected, outgoing: graph.outgoing(label: label, relation: relation),
      incoming: graph.incoming(label: label, relation: relation), weights: column.map(Weights.column) ?? .none,
      segments: Self.segments(projection, graph, schema), owner: stored)
  }

  /// Creates a graph from all labels of a projection, numbered one label after the other; rows are merged in memory.
  convenience init(
    flattening projection: SimpleProjection, of stored: StoredGraph, _ schema: GraphSchema, workers: Workers
  ) throws {
    let segments = Self.segments(projection, stored.graph, schema)
    let count = segments.last?.vertices.upperBound ?? 0
    guard count <= Int(VertexNumber.max) else {
      throw EngineError(
        .resourceExhausted, "the graph has \(count) vertices, but algorithms support at most \(VertexNumber.max)",
        hint: "Project fewer labels")
    }
    let isDirected = stored.graph.options.isDirected
    let pieces = RowPieces(projection, stored.graph, schema, segments)
    let outgoing = try MergedRows(pieces.outgoing, vertexCount: count, hasWeights: true, workers: workers)
    let incoming =
      isDirected
      ? try MergedRows(pieces.incoming, vertexCount: count, hasWeights: false, workers: workers) : outgoing
    self.init(
      isDirected: isDirected, outgoing: outgoing.adjacency, incoming: incoming.adjacency,
      weights: outgoing.weights.map { .perEntry($0, from: pieces.weightColumns) } ?? .none, segments: segments,
      owner: Owners(stored, outgoing, incoming))
  }

  private static func segments(_ projection: SimpleProjection, _ graph: PropertyGraph, _ schema: GraphSchema)
    -> [Segment]
  {
    var first = 0
    return projection.vertexLabels.enumerated().map { position, label in
      let count = graph.vertexCount(label: label)
      defer { first += count }
      return Segment(
        labelID: label, label: graph.schema.vertexLabels[label].name, vertices: first..<first + count,
        ids: graph.ids(label: label),
        data: projection.vertexProperties.map { graph.vertexColumn(label: label, property: $0[position]) },
        properties: projection.isWhole
          ? schema.vertexLabels[label].properties.validIndices.map { graph.vertexColumn(label: label, property: $0) }
          : [],
        find: { graph.vertexNumber(label: label, id: $0) })
    }
  }

  /// Retains everything that a graph's pointers refer to.
  private final class Owners: Sendable {
    let stored: StoredGraph
    let rows: [MergedRows]

    init(_ stored: StoredGraph, _ outgoing: MergedRows, _ incoming: MergedRows) {
      self.stored = stored
      rows = [outgoing, incoming]
    }
  }
}

/// The relations between several labels, in both directions.
private struct RowPieces {
  var outgoing: [RowPiece] = []
  var incoming: [RowPiece] = []
  /// The columns with the weights of edges, one per relation.
  var weightColumns: [Column] = []

  init(
    _ projection: SimpleProjection, _ graph: PropertyGraph, _ schema: GraphSchema, _ segments: [SimpleGraph.Segment]
  ) {
    let first = Dictionary(uniqueKeysWithValues: segments.map { ($0.labelID, $0.vertices.lowerBound) })
    for (position, label) in projection.edgeLabels.enumerated() {
      for (index, relation) in schema.edgeLabels[label].relations.enumerated() {
        guard let source = first[relation.source], let destination = first[relation.destination] else { continue }
        let column = projection.edgeProperties.map {
          graph.edgeColumn(label: label, relation: index, property: $0[position])
        }
        let weights = column.flatMap { NumericColumn($0) }
        if let column { weightColumns.append(column) }
        let forwards = RowPiece(
          rows: graph.outgoing(label: label, relation: index), firstRow: source, firstNeighbour: destination,
          weights: weights)
        let backwards = RowPiece(
          rows: graph.incoming(label: label, relation: index), firstRow: destination, firstNeighbour: source,
          weights: weights)
        outgoing.append(forwards)
        if graph.options.isDirected {
          incoming.append(backwards)
        } else if source != destination {
          // An undirected edge is in the rows of both ends; within one label this is already the case.
          outgoing.append(backwards)
        }
      }
    }
  }
}
