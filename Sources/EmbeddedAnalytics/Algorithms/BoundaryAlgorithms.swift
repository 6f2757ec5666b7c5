import AnalyticsKernels
import GraphStore
import Workers

/// The vertices outside a set, or in a second set, to which edges lead from the set.
struct NodeBoundaryAlgorithm: Algorithm {
  let names = ["node_boundary"]
  private let first = Parameter.vertices("nbunch1")
  private let second = Parameter.vertices("nbunch2", default: "")
  var parameters: [any AlgorithmParameter] { [first, second] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let sets = try VertexSets(call, first, second)
    let rows = call.graph.outgoing
    let scratch = Scratch(storage: call.workers.storage)
    defer { scratch.free() }
    let isFound = try scratch.reserve(UInt64.self, count: (call.graph.vertexCount + 63) / 64)
    for vertex in sets.ordered {
      try call.workers.forEachBlock(of: rows.row(Int(vertex))) { block in
        for entry in block {
          let neighbour = rows.neighbours[entry]
          guard !sets.first.contains(neighbour), sets.second?.contains(neighbour) ?? true else { continue }
          _ = isFound.setBit(Int(neighbour))
        }
      }
    }
    var boundary = GrowingArray<VertexNumber>(storage: call.workers.storage)
    for vertex in 0..<call.graph.vertexCount where isFound.bit(vertex) {
      try boundary.append(VertexNumber(truncatingIfNeeded: vertex))
    }
    return try .ids(of: boundary.values, shape: [boundary.values.count], call)
  }
}

/// The edges between a set of vertices and all others, or a second set.
struct EdgeBoundaryAlgorithm: Algorithm {
  let names = ["edge_boundary"]
  private let first = Parameter.vertices("nbunch1")
  private let second = Parameter.vertices("nbunch2", default: "")
  var parameters: [any AlgorithmParameter] { [first, second] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let sets = try VertexSets(call, first, second)
    let rows = call.graph.outgoing
    var ends = GrowingArray<VertexNumber>(storage: call.workers.storage)
    for vertex in sets.ordered {
      var loops = 0
      for (step, entry) in rows.row(Int(vertex)).enumerated() {
        if step % chunkWork == 0 { try call.workers.cancellation.check() }
        let neighbour = rows.neighbours[entry]
        guard sets.joins(vertex, neighbour) else { continue }
        if !call.graph.isDirected {
          // An edge within the first set is in the rows of both ends; a loop is in one row twice.
          if vertex == neighbour { loops += 1 }
          if vertex == neighbour ? loops % 2 == 0 : neighbour < vertex && sets.first.contains(neighbour) { continue }
        }
        try ends.append(vertex)
        try ends.append(neighbour)
      }
    }
    return try .ids(of: ends.values, shape: [ends.values.count / 2, 2], call)
  }
}

/// The two sets of vertices that define a boundary.
private struct VertexSets {
  let first: Set<VertexNumber>
  /// nil: all vertices that are not in the first set.
  let second: Set<VertexNumber>?

  init(_ call: AlgorithmCall, _ one: Parameter<[VertexID]?>, _ other: Parameter<[VertexID]?>) throws {
    first = Set(try (call[one] ?? []).compactMap(call.graph.vertex))
    second = try call[other].map { Set($0.compactMap(call.graph.vertex)) }
  }

  /// The vertices of the first set, in ascending order.
  var ordered: [VertexNumber] { first.sorted() }

  /// Returns whether an edge from a vertex of the first set belongs to the boundary.
  func joins(_ vertex: VertexNumber, _ neighbour: VertexNumber) -> Bool {
    guard let second else { return !first.contains(neighbour) }
    return second.contains(neighbour) || (first.contains(neighbour) && second.contains(vertex))
  }
}
