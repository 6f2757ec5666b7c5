import Engines
import GraphStore
import Workers

/// Shortest paths from one source at a time, on a single thread: breadth-first if every edge has length 1, otherwise Dijkstra's
/// algorithm. Each search clears only what the previous one has reached.
final class PathSearch {
  private let rows: Adjacency
  private let weights: EdgeWeights
  private let cancellation: Cancellation
  /// The length of a shortest path to each vertex; infinite if it was not reached.
  let distance: UnsafeMutableBufferPointer<Double>
  /// The reached vertices, in ascending order of distance.
  private let order: UnsafeMutableBufferPointer<VertexNumber>
  private let heap: VertexHeap
  /// The number of reached vertices.
  private(set) var count = 0

  /// Creates a search along some rows, for one thread, with memory from `scratch`.
  init(_ rows: Adjacency, _ weights: EdgeWeights, workers: Workers, scratch: Scratch) throws {
    self.rows = rows
    self.weights = weights
    cancellation = workers.cancellation
    distance = try scratch.reserve(Double.self, count: rows.vertexCount)
    order = try scratch.reserve(VertexNumber.self, count: rows.vertexCount)
    heap = try VertexHeap(weights.perEntry == nil ? 0 : rows.vertexCount, scratch: scratch)
    distance.update(repeating: .infinity)
  }

  /// The reached vertices, in ascending order of distance.
  var reached: UnsafeMutableBufferPointer<VertexNumber> { UnsafeMutableBufferPointer(rebasing: order[..<count]) }

  /// Finds the shortest paths from a vertex.
  func run(from source: VertexNumber) throws {
    for vertex in reached { distance[Int(vertex)] = .infinity }
    distance[Int(source)] = 0
    var steps = 0
    if weights.perEntry == nil {
      try searchBreadthFirst(source, &steps)
    } else {
      try searchByDistance(source, &steps)
    }
  }

  private func searchBreadthFirst(_ source: VertexNumber, _ steps: inout Int) throws {
    order[0] = source
    var count = 1
    defer { self.count = count }
    var next = 0
    while next < count {
      let vertex = Int(order[next])
      next += 1
      let farther = distance[vertex] + 1
      for entry in rows.row(vertex) {
        let neighbour = rows.neighbours[entry]
        guard distance[Int(neighbour)] == .infinity else { continue }
        distance[Int(neighbour)] = farther
        order[count] = neighbour
        count += 1
      }
      try look(&steps, rows.row(vertex).count + 1)
    }
  }

  private func searchByDistance(_ source: VertexNumber, _ steps: inout Int) throws {
    var (heap, count) = (heap, 0)
    defer { self.count = count }
    heap.insert(source, distance)
    while let vertex = heap.removeNearest(distance) {
      order[count] = vertex
      count += 1
      let near = distance[Int(vertex)]
      for entry in rows.row(Int(vertex)) {
        let neighbour = rows.neighbours[entry]
        let candidate = near + weights[entry]
        guard candidate < distance[Int(neighbour)] else { continue }
        let isNew = distance[Int(neighbour)] == .infinity
        distance[Int(neighbour)] = candidate
        if isNew { heap.insert(neighbour, distance) } else { heap.rise(neighbour, distance) }
      }
      try look(&steps, rows.row(Int(vertex)).count + 1)
    }
  }

  /// Checks the cancellation flag from time to time.
  @inline(__always)
  private func look(_ steps: inout Int, _ taken: Int) throws {
    steps += taken
    guard steps > chunkWork else { return }
    steps = 0
    try cancellation.check()
  }
}

/// A heap of vertices, ordered by distance and, for equal distances, by number.
struct VertexHeap {
  private let vertices: UnsafeMutableBufferPointer<VertexNumber>
  /// The position of each vertex in the heap.
  private let places: UnsafeMutableBufferPointer<UInt32>
  private var count = 0

  typealias Distances = UnsafeMutableBufferPointer<Double>

  init(_ vertexCount: Int, scratch: Scratch) throws {
    vertices = try scratch.reserve(VertexNumber.self, count: vertexCount)
    places = try scratch.reserve(UInt32.self, count: vertexCount)
  }

  /// Inserts a vertex that is not in the heap.
  mutating func insert(_ vertex: VertexNumber, _ distances: Distances) {
    count += 1
    climb(vertex, from: count - 1, distances)
  }

  /// Moves a vertex up after its distance has decreased.
  mutating func rise(_ vertex: VertexNumber, _ distances: Distances) {
    climb(vertex, from: Int(places[Int(vertex)]), distances)
  }

  /// Removes and returns the nearest vertex; nil if the heap is empty.
  mutating func removeNearest(_ distances: Distances) -> VertexNumber? {
    guard count > 0 else { return nil }
    let nearest = vertices[0]
    count -= 1
    if count > 0 { sink(vertices[count], distances) }
    return nearest
  }

  @inline(__always)
  private func precedes(_ one: VertexNumber, _ other: VertexNumber, _ distances: Distances) -> Bool {
    let (near, far) = (distances[Int(one)], distances[Int(other)])
    return near < far || (near == far && one < other)
  }

  private func climb(_ vertex: VertexNumber, from start: Int, _ distances: Distances) {
    var place = start
    while place > 0 {
      let above = (place - 1) / 2
      guard precedes(vertex, vertices[above], distances) else { break }
      put(vertices[above], at: place)
      place = above
    }
    put(vertex, at: place)
  }

  private func sink(_ vertex: VertexNumber, _ distances: Distances) {
    var place = 0
    while case let child = 2 * place + 1, child < count {
      let least = child + 1 < count && precedes(vertices[child + 1], vertices[child], distances) ? child + 1 : child
      guard precedes(vertices[least], vertex, distances) else { break }
      put(vertices[least], at: place)
      place = least
    }
    put(vertex, at: place)
  }

  @inline(__always)
  private func put(_ vertex: VertexNumber, at place: Int) {
    vertices[place] = vertex
    places[Int(vertex)] = UInt32(truncatingIfNeeded: place)
  }
}
