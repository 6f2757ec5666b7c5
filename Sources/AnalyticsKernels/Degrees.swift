import Engines
import GraphStore
import Workers

/// Which edges of a vertex count for its degree; on undirected graphs, all do.
package enum DegreeKind: String, CaseIterable {
  case incoming = "in"
  case outgoing = "out"
  case both = "in+out"
}

extension SimpleGraph {
  /// Returns the degree of each vertex, or the sum of the weights of its edges. A loop of an undirected graph counts twice.
  package func degrees(
    _ kind: DegreeKind, isWeighted: Bool, workers: Workers, scratch: Scratch
  ) throws -> UnsafeMutableBufferPointer<Double> {
    let degrees = try scratch.reserve(Double.self, count: vertexCount)
    let kind = isDirected ? kind : .outgoing
    for isIncoming in [false, true] where kind == .both || kind == (isIncoming ? .incoming : .outgoing) {
      let rows = isIncoming ? incoming : outgoing
      let weights =
        isWeighted
        ? try EdgeWeights(self, incoming: isIncoming, .any("degrees"), workers: workers, scratch: scratch) : .ones
      try workers.forEachVertexRange(of: rows) { vertices, _, _ in
        for vertex in vertices {
          guard let numbers = weights.perEntry else {
            degrees[vertex] += Double(rows.row(vertex).count)
            continue
          }
          try workers.forEachBlock(of: rows.row(vertex)) { for entry in $0 { degrees[vertex] += numbers[entry] } }
        }
      }
    }
    return degrees
  }
}
