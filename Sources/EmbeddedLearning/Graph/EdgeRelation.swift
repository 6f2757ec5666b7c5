import GraphStore
import Workers

/// The edges from one vertex label to another as a learning client sees them, in the direction of the relation or against it.
///
/// An edge has the position of its entry in the adjacency as its id: sources in vertex order, the edges of a source in the order
/// of their destinations.
final class EdgeRelation: @unchecked Sendable {
  // @unchecked: refers to immutable mappings of the graph, which it keeps.
  let name: String
  let source: NodeTable
  let destination: NodeTable
  let attributes: Attributes
  let adjacency: Adjacency
  /// The same edges by destination.
  let opposite: Adjacency
  private let graph: PropertyGraph
  private let weightTable = Lazily<AliasTable>()
  private let degreeTable = Lazily<AliasTable>()
  private let sources = Lazily<VertexList>()
  private let destinations = Lazily<VertexList>()

  init(
    _ name: String, _ graph: PropertyGraph, from source: NodeTable, to destination: NodeTable, _ adjacency: Adjacency,
    opposite: Adjacency, _ attributes: Attributes
  ) {
    (self.name, self.graph, self.source, self.destination) = (name, graph, source, destination)
    (self.adjacency, self.opposite, self.attributes) = (adjacency, opposite, attributes)
  }

  /// The number of edges.
  var count: Int { adjacency.neighbours.count }

  /// Returns the entries of a source; none for -1.
  @inline(__always)
  func entries(_ source: Int) -> Range<Int> {
    source < 0 ? 0..<0 : Int(adjacency.offsets[source])..<Int(adjacency.offsets[source + 1])
  }

  /// Returns the number of the source of an entry.
  func source(ofEntry entry: Int) -> Int {
    var (low, high) = (0, adjacency.offsets.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(adjacency.offsets[middle]) <= entry { low = middle } else { high = middle }
    }
    return low
  }

  /// Returns the positions at which a destination occurs among the entries of a source, which are in ascending order.
  func occurrences(of destination: Int, in entries: Range<Int>) -> Range<Int> {
    func firstPosition(_ isBefore: (UInt32) -> Bool) -> Int {
      var (low, high) = (entries.lowerBound, entries.upperBound)
      while low < high {
        let middle = (low + high) / 2
        if isBefore(adjacency.neighbours[middle]) { low = middle + 1 } else { high = middle }
      }
      return low
    }
    let wanted = UInt32(destination)
    return firstPosition { $0 < wanted }..<firstPosition { $0 <= wanted }
  }

  /// The weight of an edge; 1 if edges have none.
  @inline(__always)
  func weight(_ entry: Int) -> Double { attributes.weights?.real(Int(adjacency.edges[entry])) ?? 1 }

  /// The number of edges to the destination of an edge.
  @inline(__always)
  func inDegree(_ entry: Int) -> Double { Double(opposite.degree(Int(adjacency.neighbours[entry]))) }

  /// Returns the tables to draw edges of a source in proportion to their weights.
  func weightTable(_ workers: Workers) throws -> AliasTable {
    try weightTable.value { try table(workers, weight) }
  }

  /// Returns the tables to draw edges of a source in proportion to the in-degrees of their destinations.
  func degreeTable(_ workers: Workers) throws -> AliasTable {
    try degreeTable.value { try table(workers, inDegree) }
  }

  private func table(
    _ workers: Workers, _ weight: (Int) -> Double
  ) throws -> AliasTable {
    let offsets = adjacency.offsets
    return try AliasTable(
      rows: adjacency.vertexCount, offset: { Int(offsets[$0]) }, workers, weight: weight)
  }

  /// Returns the vertices with an edge from them.
  func sources(_ workers: Workers) throws -> VertexList {
    try sources.value { try VertexList(adjacency, workers.storage) }
  }

  /// Returns the vertices with an edge to them.
  func destinations(_ workers: Workers) throws -> VertexList {
    try destinations.value { try VertexList(opposite, workers.storage) }
  }
}

/// The vertices that have edges, in vertex order.
final class VertexList: Sendable {
  let numbers: [UInt32]
  private let reservation: StorageReservation

  init(_ adjacency: Adjacency, _ storage: any StorageAccount) throws(StorageRefusal) {
    let vertices = 0..<adjacency.vertexCount
    let count = vertices.reduce(0) { $0 + (adjacency.degree($1) > 0 ? 1 : 0) }
    reservation = try StorageReservation(count * 4, as: .memory, from: storage)
    numbers = vertices.lazy.filter { adjacency.degree($0) > 0 }.map(UInt32.init)
  }

  /// Wraps vertices that are counted elsewhere or few.
  init(_ numbers: [UInt32], _ storage: any StorageAccount) throws(StorageRefusal) {
    reservation = try StorageReservation(numbers.count * 4, as: .memory, from: storage)
    self.numbers = numbers
  }
}
