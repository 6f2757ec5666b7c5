import Engines
import GraphStore
import Synchronization
import Workers

/// The weighted adjacency matrix of a graph, for products with vectors. Parallel edges are summed; a loop of an undirected graph,
/// which is in its row twice, counts once.
///
/// Each element of a product is summed in the order of its row, so results do not depend on the number of threads.
package struct AdjacencyMatrix {
  package typealias Vector = UnsafeMutableBufferPointer<Double>

  private let rows: Adjacency
  private let weights: EdgeWeights
  /// The excess weight of the loops of an undirected graph, by vertex; nil if there are none.
  private let surplus: Vector?
  private let workers: Workers

  /// Creates the matrix, with one row per vertex. If `transposed`, each row contains the incoming edges of its vertex.
  /// - Parameter bounds: the valid weights of edges; nil to count each edge as 1.
  package init(
    _ graph: SimpleGraph, transposed: Bool, _ bounds: EdgeWeights.Bounds?, workers: Workers, scratch: Scratch
  ) throws {
    rows = transposed ? graph.incoming : graph.outgoing
    self.workers = workers
    weights =
      if let bounds {
        try EdgeWeights(graph, incoming: transposed, bounds, workers: workers, scratch: scratch)
      } else {
        .ones
      }
    surplus = graph.isDirected ? nil : try Self.surplus(rows, weights, workers, scratch)
  }

  private static func surplus(
    _ rows: Adjacency, _ weights: EdgeWeights, _ workers: Workers, _ scratch: Scratch
  ) throws -> Vector? {
    let hasLoops = Atomic(false)
    let surplus = try scratch.reserve(Double.self, count: rows.vertexCount)
    try workers.forEach(rows.vertexCount, grain: 1 << 12) { vertices, _ in
      for vertex in vertices {
        let loops = rows.entries(of: vertex, to: vertex)
        for entry in loops { surplus[vertex] += weights[entry] / 2 }
        if !loops.isEmpty { hasLoops.store(true, ordering: .relaxed) }
      }
    }
    return hasLoops.load(ordering: .relaxed) ? surplus : nil
  }

  /// Calls `body` with each element of the product with a vector, from several threads, and returns the sum of its results, which
  /// does not depend on the number of threads.
  package func multiply(
    _ vector: Vector, partialSums: Vector, _ body: (_ vertex: Int, _ element: Double) -> Double
  ) throws -> Double {
    try workers.forEachVertexRange(of: rows) { vertices, chunk, _ in
      var total = 0.0
      for vertex in vertices { total += body(vertex, try element(vertex, vector)) }
      partialSums[chunk] = total
    }
    return partialSums.reduce(0, +)
  }

  /// Allocates the partial sums of `multiply`.
  package func partialSums(_ scratch: Scratch) throws -> Vector {
    try scratch.reserve(Double.self, count: VertexCuts(rows, grain: chunkWork).count)
  }

  @inline(__always)
  private func element(_ vertex: Int, _ vector: Vector) throws -> Double {
    let row = rows.row(vertex)
    var sum = 0.0
    if let numbers = weights.perEntry {
      try workers.forEachBlock(of: row) { block in
        for entry in block { sum += numbers[entry] * vector[Int(rows.neighbours[entry])] }
      }
    } else {
      try workers.forEachBlock(of: row) { block in
        for entry in block { sum += vector[Int(rows.neighbours[entry])] }
      }
    }
    guard let surplus else { return sum }
    return sum - surplus[vertex] * vector[vertex]
  }
}

extension Adjacency {
  /// Returns the positions in a vertex's row that refer to a neighbour.
  package func entries(of vertex: Int, to neighbour: Int) -> Range<Int> {
    let row = row(vertex)
    let first = firstEntry(in: row) { $0 >= neighbour }
    return first..<firstEntry(in: first..<row.upperBound) { $0 > neighbour }
  }

  private func firstEntry(in row: Range<Int>, where isFound: (Int) -> Bool) -> Int {
    var (low, high) = (row.lowerBound, row.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if isFound(Int(neighbours[middle])) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
