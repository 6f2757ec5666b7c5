import Engines
import GraphStore
import Workers

/// The positions of vertices when sorted by original id. Comparing positions is equivalent to comparing ids, and positions fit 32
/// bits. Equal ids within a label, which a graph may contain, share a position; equal ids of different labels belong to different
/// vertices and do not.
struct IDRanks {
  /// The position of each vertex.
  let rank: UnsafeMutableBufferPointer<VertexNumber>
  /// The first vertex at each position.
  let vertex: UnsafeMutableBufferPointer<VertexNumber>

  /// Sorts a graph's vertices: integers by value, texts by their bytes.
  init(_ graph: SimpleGraph, workers: Workers, scratch: Scratch) throws {
    if graph.hasStringIDs {
      let texts = try scratch.reserve(UnsafeRawBufferPointer.self, count: graph.vertexCount)
      OriginalIDs(segments: graph.segments).forEachText(0..<graph.vertexCount) { texts[$0] = $1 }
      try self.init(graph, workers, scratch) { one, other in
        let (left, right) = (texts[Int(one)], texts[Int(other)])
        return left.lexicographicallyPrecedes(right)
      }
    } else {
      let ids = try scratch.reserve(Int64.self, count: graph.vertexCount)
      try workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
        try OriginalIDs(segments: graph.segments).copy(range, into: ids)
      }
      try self.init(graph, workers, scratch) { ids[Int($0)] < ids[Int($1)] }
    }
  }

  @inline(__always)
  private init(
    _ graph: SimpleGraph, _ workers: Workers, _ scratch: Scratch, by precedes: (VertexNumber, VertexNumber) -> Bool
  ) throws {
    let (count, segments) = (graph.vertexCount, graph.segments)
    func areOfOneLabel(_ one: VertexNumber, _ other: VertexNumber) -> Bool {
      segments.count == 1 || segments.contains { $0.vertices.contains(Int(one)) && $0.vertices.contains(Int(other)) }
    }
    let rank = try scratch.reserve(VertexNumber.self, count: count)
    var sorted = try scratch.reserve(VertexNumber.self, count: count)
    var spare = rank
    try workers.forEach(count, grain: chunkWork) { range, _ in
      for vertex in range { sorted[vertex] = VertexNumber(truncatingIfNeeded: vertex) }
      var run = UnsafeMutableBufferPointer(rebasing: sorted[range])
      if !run.isAscending(by: precedes) { run.sort(by: precedes) }
    }
    var length = chunkWork
    while length < count {
      let (source, target) = (sorted, spare)
      try workers.forEach((count + 2 * length - 1) / (2 * length), grain: 1) { pairs, _ in
        for pair in pairs {
          let start = pair * 2 * length
          let middle = min(count, start + length)
          try Self.merge(source, start, middle, min(count, middle + length), into: target, workers, by: precedes)
        }
      }
      swap(&sorted, &spare)
      length *= 2
    }
    // `rank` may be either of the two buffers here; it is filled from a copy of the sorted vertices.
    vertex = try scratch.reserve(VertexNumber.self, count: count)
    let order = try scratch.reserve(VertexNumber.self, count: count)
    if let base = sorted.baseAddress { order.baseAddress!.update(from: base, count: count) }
    var place = -1
    for index in 0..<count {
      if index == 0 || precedes(order[index - 1], order[index]) || !areOfOneLabel(order[index - 1], order[index]) {
        place += 1
        vertex[place] = order[index]
      }
      rank[Int(order[index])] = VertexNumber(truncatingIfNeeded: place)
      if index % chunkWork == 0 { try workers.cancellation.check() }
    }
    self.rank = rank
  }

  /// Merges two adjacent sorted runs.
  @inline(__always)
  private static func merge(
    _ source: UnsafeMutableBufferPointer<VertexNumber>, _ start: Int, _ middle: Int, _ end: Int,
    into target: UnsafeMutableBufferPointer<VertexNumber>, _ workers: Workers,
    by precedes: (VertexNumber, VertexNumber) -> Bool
  ) throws {
    if middle >= end || !precedes(source[middle], source[middle - 1]) {
      (target.baseAddress! + start).update(from: source.baseAddress! + start, count: end - start)
      return
    }
    var (left, right) = (start, middle)
    for place in start..<end {
      if left < middle, right == end || !precedes(source[right], source[left]) {
        target[place] = source[left]
        left += 1
      } else {
        target[place] = source[right]
        right += 1
      }
      if place % chunkWork == 0 { try workers.cancellation.check() }
    }
  }
}

extension UnsafeMutableBufferPointer<VertexNumber> {
  /// Returns whether no element precedes the one before it.
  @inline(__always)
  fileprivate func isAscending(by precedes: (VertexNumber, VertexNumber) -> Bool) -> Bool {
    for index in 1..<Swift.max(1, count) where precedes(self[index], self[index - 1]) { return false }
    return true
  }
}
