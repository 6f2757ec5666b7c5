import AnalyticsKernels
import GraphStore

/// A random graph with few vertices of high degree and many of low degree, generated in memory: R-MAT with the parameters of the
/// Graph500 benchmark (D. Chakrabarti, Y. Zhan, C. Faloutsos, 2004).
final class GeneratedGraph: @unchecked Sendable {
  // @unchecked: written in `init` only.
  let offsets: UnsafeMutableBufferPointer<UInt64>
  let neighbours: UnsafeMutableBufferPointer<UInt32>
  let edges: UnsafeMutableBufferPointer<UInt32>
  let ids: UnsafeMutableBufferPointer<Int64>
  let weights: Column

  init(scale: Int, edgeCount: Int, seed: UInt64, weightsPath: String) throws {
    let vertexCount = 1 << scale
    var generator = Generator(state: seed)
    let shuffle = UInt32(truncatingIfNeeded: generator.next() | 1)
    let ends = UnsafeMutableBufferPointer<(UInt32, UInt32)>.allocate(capacity: edgeCount)
    defer { ends.deallocate() }
    for index in 0..<edgeCount {
      var (row, column): (UInt32, UInt32) = (0, 0)
      for _ in 0..<scale {
        let draw = generator.next() >> 11
        let part = Double(draw) / Double(1 << 53)
        row = row << 1 | (part >= 0.76 ? 1 : 0)
        column = column << 1 | ((part >= 0.57 && part < 0.76) || part >= 0.95 ? 1 : 0)
      }
      let mask = UInt32(vertexCount - 1)
      ends[index] = ((row &* shuffle) & mask, (column &* shuffle) & mask)
    }
    offsets = .allocate(capacity: vertexCount + 1)
    offsets.initialize(repeating: 0)
    for (from, to) in ends {
      offsets[Int(from) + 1] += 1
      offsets[Int(to) + 1] += 1
    }
    for vertex in 0..<vertexCount { offsets[vertex + 1] += offsets[vertex] }
    let neighbours = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 2 * edgeCount)
    let edges = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 2 * edgeCount)
    (self.neighbours, self.edges) = (neighbours, edges)
    var next = Array(offsets)
    for (index, (from, to)) in ends.enumerated() {
      for (vertex, neighbour) in [(from, to), (to, from)] {
        let place = Int(next[Int(vertex)])
        next[Int(vertex)] += 1
        neighbours[place] = neighbour
        edges[place] = UInt32(index)
      }
    }
    for vertex in 0..<vertexCount {
      let row = Int(offsets[vertex])..<Int(offsets[vertex + 1])
      let sorted = row.map { (neighbours[$0], edges[$0]) }.sorted { $0 < $1 }
      for (place, entry) in zip(row, sorted) { (neighbours[place], edges[place]) = entry }
    }
    ids = .allocate(capacity: vertexCount)
    for vertex in 0..<vertexCount { ids[vertex] = Int64(vertex) }
    let file = try MappedFile.create(path: weightsPath, byteCount: edgeCount * 8)
    for index in 0..<edgeCount { file.mutableValues(as: Double.self)[index] = Double(generator.next() % 1000) / 10 }
    weights = Column(name: "weight", type: .double, count: edgeCount, data: file)
  }

  /// The vertex with the most neighbours.
  var busiest: Int { ids.indices.max { degree($0) < degree($1) } ?? 0 }

  private func degree(_ vertex: Int) -> UInt64 { offsets[vertex + 1] - offsets[vertex] }

  /// Returns the graph in the form that kernels use.
  func simple() -> SimpleGraph {
    let rows = Adjacency(
      offsets: UnsafeBufferPointer(offsets), neighbours: UnsafeBufferPointer(neighbours),
      edges: UnsafeBufferPointer(edges))
    let segment = SimpleGraph.Segment(
      labelID: 0, vertices: 0..<ids.count, ids: .int64(UnsafeBufferPointer(ids)),
      find: { if case .int64(let id) = $0 { UInt32(id) } else { nil } })
    return SimpleGraph(
      isDirected: false, outgoing: rows, incoming: rows, weights: .column(weights), segments: [segment], owner: self)
  }
}

/// SplitMix64 (G. Steele et al., 2014).
struct Generator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
