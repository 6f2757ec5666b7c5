import EmbeddedAnalytics

/// A small graph as matrices, on which definitions can be tried literally.
struct PlainGraph {
  let vertices: Range<Int>
  /// Whether there is an edge from a vertex to another one; of undirected graphs, in both directions. Loops are left out.
  let leads: [[Bool]]
  /// Whether there is an edge in either direction. Loops are left out.
  let joins: [[Bool]]
  /// The number of edges between two vertices in either direction. Loops are left out.
  let edges: [[Int]]
  /// The neighbours of each vertex, in ascending order.
  private let around: [[Int]]

  init(_ graph: TestGraph) {
    let count = graph.vertexCount
    vertices = 0..<count
    var leads = [[Bool]](repeating: [Bool](repeating: false, count: count), count: count)
    var edges = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    for edge in graph.edges where edge.from != edge.to {
      leads[edge.from][edge.to] = true
      if !graph.isDirected { leads[edge.to][edge.from] = true }
      edges[edge.from][edge.to] += 1
      edges[edge.to][edge.from] += 1
    }
    (self.leads, self.edges) = (leads, edges)
    joins = edges.map { $0.map { $0 > 0 } }
    around = edges.map { row in row.indices.filter { row[$0] > 0 } }
  }

  func neighbours(_ vertex: Int) -> [Int] { around[vertex] }

  /// Returns the distance of each vertex in edges of either direction, without passing through some vertices; nil if unreachable.
  func distances(from source: Int, without removed: Set<Int> = [], cutting: (Int, Int)? = nil) -> [Int?] {
    var result = [Int?](repeating: nil, count: vertices.count)
    guard !removed.contains(source) else { return result }
    result[source] = 0
    var queue = [source]
    var place = 0
    while place < queue.count {
      let vertex = queue[place]
      place += 1
      for next in neighbours(vertex) where result[next] == nil && !removed.contains(next) {
        if let cutting, edges[vertex][next] == 1, cutting == (vertex, next) || cutting == (next, vertex) { continue }
        result[next] = result[vertex]! + 1
        queue.append(next)
      }
    }
    return result
  }

  private func degree(_ vertex: Int, among others: Set<Int>) -> Int {
    around[vertex].reduce(0) { others.contains($1) ? $0 + edges[vertex][$1] : $0 }
  }

  /// Calls `body` with each list of distinct vertices.
  func forEachList(of length: Int, _ body: ([Int]) -> Void) {
    func extend(_ list: [Int]) {
      if list.count == length { return body(list) }
      for vertex in vertices where !list.contains(vertex) { extend(list + [vertex]) }
    }
    extend([])
  }

  /// Returns the number of lists of distinct vertices for which a condition holds.
  func count(of length: Int, where isCounted: ([Int]) -> Bool) -> Int {
    var count = 0
    forEachList(of: length) { if isCounted($0) { count += 1 } }
    return count
  }

  /// The core number of each vertex, by its definition. Parallel edges count.
  var coreNumbers: [Int] {
    var numbers = [Int](repeating: 0, count: vertices.count)
    var left = Set(vertices)
    var k = 0
    while !left.isEmpty {
      let gone = left.filter { vertex in degree(vertex, among: left) <= k }
      for vertex in gone { numbers[vertex] = k }
      left.subtract(gone)
      if gone.isEmpty { k += 1 }
    }
    return numbers
  }

  /// The number of rounds after which each vertex is removed if a round removes all vertices that have at most k edges, where k
  /// increases if there are none.
  func layers(from least: Int) -> [Int] {
    var layers = [Int](repeating: 0, count: vertices.count)
    var left = Set(vertices)
    var (k, layer) = (least, 0)
    while !left.isEmpty {
      let gone = left.filter { vertex in degree(vertex, among: left) <= k }
      for vertex in gone { layers[vertex] = layer }
      left.subtract(gone)
      if gone.isEmpty { k += 1 } else { layer += 1 }
    }
    return layers
  }
}

extension TestGraph {
  /// Graphs of a few vertices, with loops and parallel edges, directed and undirected.
  static let small: [TestGraph] = [true, false].flatMap { directed in
    (0..<24).map { seed in
      TestGraph.random(1 + seed % 8, seed * seed % 23, directed: directed, seed: UInt64(100 + seed))
    }
  }

  /// The number of edges from a vertex to another one; an undirected edge leads both ways, a loop of it once in matrices.
  func matrix(loopsTwice: Bool) -> [[Double]] {
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: vertexCount), count: vertexCount)
    for edge in edges {
      matrix[edge.from][edge.to] += 1
      if !isDirected && (edge.from != edge.to || loopsTwice) { matrix[edge.to][edge.from] += 1 }
    }
    return matrix
  }
}
