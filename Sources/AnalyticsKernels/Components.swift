import Engines
import GraphStore
import Workers

/// Depth-first searches (R. Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972), with explicit stacks instead of that
/// of the thread, because paths may be as long as the number of vertices.
package struct DepthFirstSearch {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns, for each vertex, the smallest vertex of its strongly connected component.
  package func strongComponents() throws -> Buffer<VertexNumber> {
    let count = graph.vertexCount
    let result = try Buffer<VertexNumber>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    var walk = try Walk(graph.outgoing, scratch)
    let isOpen = try scratch.reserve(Bool.self, count: count)
    let open = try scratch.reserve(VertexNumber.self, count: count)
    var openCount = 0
    for root in 0..<count where walk.number[root] == 0 {
      try walk.run(
        from: root, workers,
        entering: { vertex, _ in
          isOpen[vertex] = true
          open[openCount] = VertexNumber(truncatingIfNeeded: vertex)
          openCount += 1
        },
        meeting: { vertex, seen, walk in
          if isOpen[seen] { walk.lower(vertex, to: walk.number[seen]) }
        },
        leaving: { vertex, parent, walk in
          if let parent { walk.lower(parent, to: walk.low[vertex]) }
          guard walk.low[vertex] == walk.number[vertex] else { return }
          // The component consists of the vertices entered since.
          var first = openCount
          var smallest = VertexNumber.max
          repeat {
            first -= 1
            smallest = min(smallest, open[first])
          } while Int(open[first]) != vertex
          for place in first..<openCount {
            isOpen[Int(open[place])] = false
            result.mutableValues[Int(open[place])] = smallest
          }
          openCount = first
        })
    }
    return result
  }
}

/// A depth-first traversal that enters and leaves every vertex once.
struct Walk {
  /// The position of each vertex in the order of entering, from 1; 0 if it was not entered.
  let number: UnsafeMutableBufferPointer<UInt32>
  /// The lowest number assigned to each vertex.
  let low: UnsafeMutableBufferPointer<UInt32>
  private let rows: Adjacency
  private let stack: UnsafeMutableBufferPointer<VertexNumber>
  /// The next entry of each vertex to be visited.
  private let next: UnsafeMutableBufferPointer<UInt64>
  private var entered: UInt32 = 0

  init(_ rows: Adjacency, _ scratch: Scratch) throws {
    let count = rows.vertexCount
    self.rows = rows
    number = try scratch.reserve(UInt32.self, count: count)
    low = try scratch.reserve(UInt32.self, count: count)
    stack = try scratch.reserve(VertexNumber.self, count: count)
    next = try scratch.reserve(UInt64.self, count: count)
  }

  func lower(_ vertex: Int, to value: UInt32) { low[vertex] = min(low[vertex], value) }

  mutating func run(
    from root: Int, _ workers: Workers, entering: (_ vertex: Int, _ parent: Int?) -> Void,
    meeting: (_ vertex: Int, _ seen: Int, Walk) -> Void,
    leaving: (_ vertex: Int, _ parent: Int?, Walk) -> Void
  ) throws {
    var depth = 0
    enter(root, at: &depth, entering)
    var steps = 0
    while depth > 0 {
      steps += 1
      if steps % chunkWork == 0 { try workers.cancellation.check() }
      let vertex = Int(stack[depth - 1])
      let entry = Int(next[vertex])
      guard entry < rows.row(vertex).upperBound else {
        depth -= 1
        leaving(vertex, depth > 0 ? Int(stack[depth - 1]) : nil, self)
        continue
      }
      next[vertex] += 1
      let neighbour = Int(rows.neighbours[entry])
      if number[neighbour] == 0 {
        enter(neighbour, at: &depth, entering)
      } else {
        meeting(vertex, neighbour, self)
      }
    }
  }

  private mutating func enter(
    _ vertex: Int, at depth: inout Int, _ entering: (_ vertex: Int, _ parent: Int?) -> Void
  ) {
    let parent = depth > 0 ? Int(stack[depth - 1]) : nil
    entered += 1
    number[vertex] = entered
    low[vertex] = entered
    next[vertex] = UInt64(rows.row(vertex).lowerBound)
    stack[depth] = VertexNumber(truncatingIfNeeded: vertex)
    depth += 1
    entering(vertex, parent)
  }
}
