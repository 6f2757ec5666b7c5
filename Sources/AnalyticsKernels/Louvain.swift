import Engines
import GraphStore
import Workers

/// Communities of an undirected graph by the Louvain method (V. Blondel et al., "Fast unfolding of communities in large
/// networks", 2008): vertices move to the neighbouring community with the largest gain in modularity until few move; then each
/// community becomes a vertex, and the process is repeated.
///
/// A single thread moves vertices in the order of their numbers, so the result does not depend on the number of threads.
package struct Louvain {
  let graph: SimpleGraph
  let workers: Workers
  /// The number of moved vertices below which a pass makes no progress.
  let leastProgress: Int
  /// The number of passes without progress after which communities become vertices.
  let tries: Int

  package init(graph: SimpleGraph, workers: Workers, leastProgress: Int, tries: Int) {
    (self.graph, self.workers, self.leastProgress, self.tries) = (graph, workers, leastProgress, tries)
  }

  /// Returns the community of each vertex, numbered from 0 in the order of their first vertices.
  package func run() throws -> Buffer<Int64> {
    let count = graph.vertexCount
    let result = try Buffer<Int64>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let bounds = EdgeWeights.Bounds(user: "communities", least: 0)
    let weights = try EdgeWeights(graph, bounds, workers: workers, scratch: scratch)
    let group = result.mutableValues
    for vertex in 0..<count { group[vertex] = Int64(vertex) }
    var level = Level(
      offsets: graph.outgoing.offsets, neighbours: graph.outgoing.neighbours,
      weights: weights.perEntry.map { UnsafeBufferPointer($0) })
    var memory = Scratch(storage: workers.storage)
    defer { memory.free() }
    var round = 0
    while level.count > 0 {
      round += 1
      workers.progress.begin(round: round)
      let next = Scratch(storage: workers.storage)
      var isKept = false
      defer { if !isKept { next.free() } }
      let communities = try level.communities(
        least: min(leastProgress, max(1, level.count / 1000)), tries: tries, workers, next)
      for vertex in 0..<count { group[vertex] = Int64(communities.number[Int(group[vertex])]) }
      if communities.count == level.count { break }
      level = try level.joined(communities, workers, next)
      memory.free()
      (memory, isKept) = (next, true)
    }
    try renumber(group, scratch)
    return result
  }

  private func renumber(_ group: UnsafeMutableBufferPointer<Int64>, _ scratch: Scratch) throws {
    let numbers = try scratch.reserve(UInt32.self, count: group.count)
    var known: UInt32 = 0
    for vertex in group.indices {
      let old = Int(group[vertex])
      if numbers[old] == 0 {
        known += 1
        numbers[old] = known
      }
      group[vertex] = Int64(numbers[old]) - 1
    }
  }
}

/// The communities of vertices, numbered from 0.
private struct Communities {
  let number: UnsafeMutableBufferPointer<UInt32>
  let count: Int
}

/// A graph whose vertices are communities of the previous one. Rows contain each edge at both ends; a loop is in its row twice,
/// or once with twice the weight.
private struct Level {
  let offsets: UnsafeBufferPointer<UInt64>
  let neighbours: UnsafeBufferPointer<VertexNumber>
  /// nil if each edge has the weight 1.
  let weights: UnsafeBufferPointer<Double>?

  var count: Int { max(0, offsets.count - 1) }

  private func row(_ vertex: Int) -> Range<Int> { Int(offsets[vertex])..<Int(offsets[vertex + 1]) }
  private func weight(_ entry: Int) -> Double { weights?[entry] ?? 1 }

  /// Sums of weights by community; touched sums are cleared afterwards.
  private struct Tally {
    let sums: UnsafeMutableBufferPointer<Double>
    let isSeen: UnsafeMutableBufferPointer<Bool>
    let seen: UnsafeMutableBufferPointer<UInt32>
    var count = 0

    init(_ size: Int, _ scratch: Scratch) throws {
      sums = try scratch.reserve(Double.self, count: size)
      isSeen = try scratch.reserve(Bool.self, count: size)
      seen = try scratch.reserve(UInt32.self, count: size)
    }

    mutating func add(_ weight: Double, to community: UInt32) {
      if !isSeen[Int(community)] {
        isSeen[Int(community)] = true
        seen[count] = community
        count += 1
      }
      sums[Int(community)] += weight
    }

    mutating func clear() {
      for place in 0..<count { (sums[Int(seen[place])], isSeen[Int(seen[place])]) = (0, false) }
      count = 0
    }
  }

  /// Moves vertices between communities; initially each vertex is its own community.
  func communities(least: Int, tries: Int, _ workers: Workers, _ scratch: Scratch) throws -> Communities {
    let community = try scratch.reserve(UInt32.self, count: count)
    let degree = try scratch.reserve(Double.self, count: count)
    let total = try scratch.reserve(Double.self, count: count)
    var everything = 0.0
    for vertex in 0..<count {
      community[vertex] = UInt32(truncatingIfNeeded: vertex)
      for entry in row(vertex) { degree[vertex] += weight(entry) }
      total[vertex] = degree[vertex]
      everything += degree[vertex]
    }
    var tally = try Tally(count, scratch)
    var left = max(1, tries)
    while everything > 0 {
      var moved = 0
      for vertex in 0..<count {
        let row = row(vertex)
        try workers.forEachBlock(of: row) { block in
          for entry in block where Int(neighbours[entry]) != vertex {
            tally.add(weight(entry), to: community[Int(neighbours[entry])])
          }
        }
        let own = community[vertex]
        total[Int(own)] -= degree[vertex]
        let share = degree[vertex] / everything
        var (best, most) = (own, tally.sums[Int(own)] - share * total[Int(own)])
        for place in 0..<tally.count {
          let candidate = tally.seen[place]
          let gain = tally.sums[Int(candidate)] - share * total[Int(candidate)]
          // Gains smaller than rounding errors could be found forever.
          if gain > most + 1e-12 * everything { (best, most) = (candidate, gain) }
        }
        total[Int(best)] += degree[vertex]
        if best != own {
          community[vertex] = best
          moved += 1
        }
        tally.clear()
        if vertex % 1024 == 0 { try workers.cancellation.check() }
      }
      if moved == 0 { break }
      if moved < least {
        left -= 1
        if left == 0 { break }
      }
    }
    return renumbered(community, try scratch.reserve(UInt32.self, count: count))
  }

  private func renumbered(
    _ community: UnsafeMutableBufferPointer<UInt32>, _ numbers: UnsafeMutableBufferPointer<UInt32>
  ) -> Communities {
    var known: UInt32 = 0
    for vertex in community.indices {
      let old = Int(community[vertex])
      if numbers[old] == 0 {
        known += 1
        numbers[old] = known
      }
      community[vertex] = numbers[old] - 1
    }
    return Communities(number: community, count: Int(known))
  }

  /// Returns the graph whose vertices are the communities.
  func joined(_ communities: Communities, _ workers: Workers, _ scratch: Scratch) throws -> Level {
    let size = communities.count
    let starts = try scratch.reserve(UInt64.self, count: size + 1)
    let members = try scratch.reserve(UInt32.self, count: count)
    for vertex in 0..<count { starts[Int(communities.number[vertex]) + 1] += 1 }
    try workers.sumUp(starts)
    let next = try scratch.reserve(UInt64.self, count: size)
    for vertex in 0..<count {
      let number = Int(communities.number[vertex])
      members[Int(starts[number] + next[number])] = UInt32(truncatingIfNeeded: vertex)
      next[number] += 1
    }
    let offsets = try scratch.reserve(UInt64.self, count: size + 1)
    var neighbours = GrowingArray<VertexNumber>(storage: workers.storage)
    var weights = GrowingArray<Double>(storage: workers.storage)
    var tally = try Tally(size, scratch)
    for number in 0..<size {
      for member in starts[number]..<starts[number + 1] {
        try workers.forEachBlock(of: row(Int(members[Int(member)]))) { block in
          for entry in block { tally.add(weight(entry), to: communities.number[Int(self.neighbours[entry])]) }
        }
      }
      for place in 0..<tally.count {
        try neighbours.append(tally.seen[place])
        try weights.append(tally.sums[Int(tally.seen[place])])
      }
      offsets[number + 1] = UInt64(neighbours.values.count)
      tally.clear()
      if number % 1024 == 0 { try workers.cancellation.check() }
    }
    return Level(
      offsets: UnsafeBufferPointer(offsets), neighbours: try kept(neighbours, scratch),
      weights: try kept(weights, scratch))
  }

  private func kept<T>(_ array: GrowingArray<T>, _ scratch: Scratch) throws -> UnsafeBufferPointer<T> {
    let copy = try scratch.reserve(T.self, count: array.values.count)
    _ = copy.update(from: array.values)
    return UnsafeBufferPointer(copy)
  }
}
