import Engines
import GraphStore
import Workers

extension PowerIteration {
  /// Computes PageRank as networkx defines it: with weights, and until the ranks converge.
  package func pageRank(alpha: Double) throws -> Result {
    let count = graph.vertexCount
    let result = try Buffer<Double>(count: count, storage: workers.storage)
    guard count > 0 else { return (result, true) }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let bounds = EdgeWeights.Bounds(user: "PageRanks", least: 0)
    let shares = try scratch.reserve(Double.self, count: count)
    let portion = try outgoingPortions(bounds, scratch)
    let matrix = try AdjacencyMatrix(graph, transposed: true, bounds, workers: workers, scratch: scratch)
    let sums = try matrix.partialSums(scratch)
    let (rank, even) = (result.mutableValues, 1 / Double(count))
    try workers.fill(rank, with: even)
    for round in 0..<maximumRounds {
      workers.progress.begin(round: round + 1, of: maximumRounds)
      let dangling = try share(rank, portion, into: shares)
      let base = (alpha * dangling + 1 - alpha) * even
      let change = try matrix.multiply(shares, partialSums: sums) { vertex, received in
        let last = rank[vertex]
        rank[vertex] = alpha * received + base
        return abs(rank[vertex] - last)
      }
      if change < Double(count) * tolerance { return (result, true) }
    }
    return (result, false)
  }

  /// Returns, for each vertex, the reciprocal of the sum of the weights of its outgoing edges; 0 if the sum is 0.
  private func outgoingPortions(_ bounds: EdgeWeights.Bounds, _ scratch: Scratch) throws -> Vector {
    let ones = try scratch.reserve(Double.self, count: graph.vertexCount)
    try workers.fill(ones, with: 1)
    let outgoing = try AdjacencyMatrix(graph, transposed: false, bounds, workers: workers, scratch: scratch)
    let portion = try scratch.reserve(Double.self, count: graph.vertexCount)
    _ = try outgoing.multiply(ones, partialSums: try outgoing.partialSums(scratch)) { vertex, total in
      portion[vertex] = total == 0 ? 0 : 1 / total
      return 0
    }
    return portion
  }

  /// Divides the ranks by the weights of outgoing edges; returns the sum of the ranks of vertices without any.
  private func share(_ rank: Vector, _ portion: Vector, into shares: Vector) throws -> Double {
    let grain = 1 << 16
    var sums = [Double](repeating: 0, count: rank.count / grain + 1)
    try sums.withUnsafeMutableBufferPointer { sums in
      let sums = sums
      try workers.forEach(rank.count, grain: grain) { range, _ in
        var dangling = 0.0
        for vertex in range {
          shares[vertex] = rank[vertex] * portion[vertex]
          if portion[vertex] == 0 { dangling += rank[vertex] }
        }
        sums[range.lowerBound / grain] = dangling
      }
    }
    return sums.reduce(0, +)
  }
}
