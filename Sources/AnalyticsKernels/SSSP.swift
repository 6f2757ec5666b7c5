import Engines
import GraphStore
import Synchronization
import Workers

/// Single-source shortest paths along the direction of edges, for non-negative weights.
///
/// Vertices whose tentative distance is below a threshold are relaxed until none is left; then the threshold moves to the nearest
/// vertex beyond it plus Δ (U. Meyer, P. Sanders, "Δ-stepping", 2003, in the two-pile form of A. Davidson et al., "Work-Efficient
/// Parallel GPU Methods for Single-Source Shortest Paths", IPDPS 2014). Δ is a fixed fraction of the mean weight: an edge of
/// weight w puts its target at most w beyond the threshold, so the target is examined at most w/Δ times while it waits, and the
/// total number of examinations is linear in the number of edges.
///
/// Sums of non-negative floating-point numbers are monotone, so the minimum over all paths does not depend on the order of
/// relaxations, nor on the number of threads.
package enum SSSP {
  /// The distance of an unreachable vertex.
  package static let unreachable = Double.greatestFiniteMagnitude

  /// Returns the distances of all vertices from `source`; with nil, all are unreachable. Edges without weights have length 1.
  /// - Throws: `EngineError` of code `invalidValue` if a weight is negative or NaN.
  package static func run(_ graph: SimpleGraph, source: VertexNumber?, workers: Workers) throws -> Buffer<Double> {
    let distances = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    guard let source else {
      try workers.fill(distances.mutableValues, with: unreachable)
      return distances
    }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    try workers.fill(distances.mutableValues, with: .infinity)
    let weights = try EdgeWeights(graph, workers: workers, scratch: scratch)
    var search = try Search(graph, weights, distances: distances.mutableValues, workers: workers, scratch: scratch)
    try search.run(from: source)
    try workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
      let values = distances.mutableValues
      for vertex in range { values[vertex] = min(values[vertex], unreachable) }
    }
    return distances
  }

  private struct Search {
    /// The mean weight in units of Δ. By measurement, 16 takes half the time of 1 on graphs of high degree, and larger values
    /// gain little.
    private static let stepsPerMeanWeight = 16.0

    let graph: SimpleGraph
    let workers: Workers
    let weights: EdgeWeights
    /// The bit patterns of the tentative distances, whose order is that of the numbers if these are not negative.
    let distances: UnsafeMutableBufferPointer<UInt64>
    var near: Frontier
    /// The vertices that are in `near` or collected for it.
    let isNear: UnsafeMutableBufferPointer<UInt64>
    var far: FarPile

    init(
      _ graph: SimpleGraph, _ weights: EdgeWeights, distances: UnsafeMutableBufferPointer<Double>, workers: Workers,
      scratch: Scratch
    ) throws {
      self.graph = graph
      self.workers = workers
      self.weights = weights
      self.distances = UnsafeMutableBufferPointer(
        start: UnsafeMutableRawPointer(distances.baseAddress)?.assumingMemoryBound(to: UInt64.self),
        count: distances.count)
      near = try Frontier(graph.outgoing, width: workers.width, scratch: scratch)
      isNear = try scratch.reserve(UInt64.self, count: (graph.vertexCount + 63) / 64)
      far = try FarPile(vertexCount: graph.vertexCount, scratch: scratch)
    }

    mutating func run(from source: VertexNumber) throws {
      distances[Int(source)] = 0
      _ = isNear.setBit(Int(source))
      near.push(source)
      let step = weights.mean / Self.stepsPerMeanWeight
      var threshold = step
      while true {
        near.advance()
        if near.count > 0 {
          try relax(threshold.bitPattern)
        } else if let nearest = try far.nearest(beyond: threshold.bitPattern, distances, workers) {
          let settled = threshold.bitPattern
          threshold = Double(bitPattern: nearest) + step
          try far.release(settled, threshold.bitPattern, distances, isNear, to: near, workers)
        } else {
          return
        }
      }
    }

    /// Relaxes the edges of the near vertices. Vertices whose distance decreases are collected, or added to the far pile.
    private mutating func relax(_ threshold: UInt64) throws {
      let isNear = isNear
      try near.measure(workers) { isNear.clearBit(Int($0)) }
      let visitor = Visitor(
        distances: distances, isNear: isNear, far: far, neighbours: graph.outgoing.neighbours,
        weights: weights.perEntry, threshold: threshold)
      try near.expand(workers, visitor)
    }
  }

  /// Lowers the distances of neighbours.
  private struct Visitor: EdgeVisitor {
    let distances: UnsafeMutableBufferPointer<UInt64>
    let isNear: UnsafeMutableBufferPointer<UInt64>
    let far: FarPile
    let neighbours: UnsafeBufferPointer<VertexNumber>
    let weights: UnsafeMutableBufferPointer<Double>?
    let threshold: UInt64

    @inline(__always)
    func collects(_ vertex: VertexNumber, _ entry: Int) -> Bool {
      let distance = Double(bitPattern: distances.atomic(Int(vertex)).pointee.load(ordering: .relaxed))
      let candidate = (distance + (weights?[entry] ?? 1)).bitPattern
      let neighbour = neighbours[entry]
      guard distances.lower(Int(neighbour), to: candidate) else { return false }
      if candidate <= threshold { return isNear.setBit(Int(neighbour)) }
      far.add(neighbour)
      return false
    }
  }

  /// Vertices beyond the threshold, without duplicates.
  private struct FarPile {
    private let members: UnsafeMutableBufferPointer<UInt64>
    private var waiting: UnsafeMutableBufferPointer<VertexNumber>
    private var spare: UnsafeMutableBufferPointer<VertexNumber>
    private let counts: UnsafeMutableBufferPointer<UInt64>

    init(vertexCount: Int, scratch: Scratch) throws {
      members = try scratch.reserve(UInt64.self, count: (vertexCount + 63) / 64)
      waiting = try scratch.reserve(VertexNumber.self, count: vertexCount)
      spare = try scratch.reserve(VertexNumber.self, count: vertexCount)
      counts = try scratch.reserve(UInt64.self, count: 2)
    }

    /// Adds a vertex unless it is already waiting; from any thread.
    @inline(__always)
    func add(_ vertex: VertexNumber) {
      guard members.setBit(Int(vertex)) else { return }
      waiting[Int(counts.atomic(0).pointee.add(1, ordering: .relaxed).oldValue)] = vertex
    }

    /// Returns the smallest distance of a waiting vertex beyond the threshold; nil if there is none.
    func nearest(
      beyond threshold: UInt64, _ distances: UnsafeMutableBufferPointer<UInt64>, _ workers: Workers
    ) throws -> UInt64? {
      counts[1] = .max
      let (waiting, counts) = (waiting, counts)
      try workers.forEach(Int(counts[0]), grain: chunkWork) { range, _ in
        var smallest = UInt64.max
        for index in range {
          let distance = distances[Int(waiting[index])]
          if distance > threshold { smallest = min(smallest, distance) }
        }
        _ = counts.lower(1, to: smallest)
      }
      return counts[1] == .max ? nil : counts[1]
    }

    /// Moves the waiting vertices up to a threshold to the near frontier, and drops those whose distance fell below the last
    /// threshold while they waited: they are settled.
    mutating func release(
      _ settled: UInt64, _ threshold: UInt64, _ distances: UnsafeMutableBufferPointer<UInt64>,
      _ isNear: UnsafeMutableBufferPointer<UInt64>, to near: Frontier, _ workers: Workers
    ) throws {
      let (waiting, spare, members) = (waiting, spare, members)
      let kept = Atomic<Int>(0)
      try workers.forEach(Int(counts[0]), grain: 1 << 10) { range, _ in
        withUnsafeTemporaryAllocation(of: VertexNumber.self, capacity: 1 << 10) { released in
          var count = 0
          for index in range {
            let vertex = waiting[index]
            if distances[Int(vertex)] > threshold {
              spare[kept.add(1, ordering: .relaxed).oldValue] = vertex
              continue
            }
            members.clearBit(Int(vertex))
            guard distances[Int(vertex)] > settled else { continue }
            _ = isNear.setBit(Int(vertex))
            released[count] = vertex
            count += 1
          }
          near.push(UnsafeMutableBufferPointer(rebasing: released[..<count]))
        }
      }
      counts[0] = UInt64(kept.load(ordering: .relaxed))
      swap(&self.waiting, &self.spare)
    }
  }
}
