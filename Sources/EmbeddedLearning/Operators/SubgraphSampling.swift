import GraphStore
import Workers

/// The graph that vertices and their neighbours form.
struct SubgraphSampling: Sendable {
  /// The distance of a vertex that cannot be reached.
  static let unreachable = Int32.max

  let relation: EdgeRelation
  /// The greatest number of neighbours of a vertex in each hop; 0 for all.
  let counts: [Int]
  /// Whether the distances from the first source and destination are computed.
  let hasDistances: Bool

  /// Returns the vertices, and the edges between them in both directions.
  func answer(_ sources: [Int64], _ destinations: [Int64], _ context: OperatorContext) throws -> OperatorAnswer {
    guard relation.source === relation.destination else {
      throw LearningError(.invalidArgument, "the edges '\(relation.name)' connect different node types")
    }
    let found = try relation.source.numbers(sources + destinations, context.workers)
    let seeds = found.filter { $0 >= 0 }
    guard !hasDistances || seeds.count == found.count else {
      throw LearningError(.notFound, "a seed of a subgraph with distances is not a node")
    }
    let nodes = try reach(seeds, context)
    let places = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1, Int32($0)) })
    var (rows, columns): ([Int32], [Int32]) = ([], [])
    var edges: [Int64] = []
    for (place, node) in nodes.enumerated() {
      let claimed = edges.count
      for entry in relation.entries(node) {
        guard let other = places[Int(relation.adjacency.neighbours[entry])] else { continue }
        rows += [Int32(place), other]
        columns += [other, Int32(place)]
        edges += [Int64(entry), Int64(entry)]
      }
      try context.claim(rows: edges.count - claimed, of: 2)
      try context.workers.cancellation.check()
    }
    var answer = OperatorAnswer()
    answer.parameters = ["bs": .int32([Int32(nodes.count)])]
    var (fromSource, fromDestination): ([Int32], [Int32]) = ([], [])
    if hasDistances, seeds.count >= 2 {
      let links = Links(nodes.count, rows, columns)
      let (source, destination) = (Int(places[seeds[0]]!), Int(places[seeds[sources.isEmpty ? 0 : sources.count]]!))
      fromSource = links.distances(from: source, without: destination)
      fromDestination = links.distances(from: destination, without: source)
    }
    answer.tensors = [
      "nid": .int64(nodes.map(relation.source.id)), "ridx": .int32(rows), "cidx": .int32(columns),
      "eid": .int64(edges), "dist_to_src": .int32(fromSource), "dist_to_dst": .int32(fromDestination),
    ]
    return answer
  }

  /// Returns the seeds in their order, then the neighbours by id, without repetition.
  private func reach(_ seeds: [Int], _ context: OperatorContext) throws -> [Int] {
    var seen: Set<Int> = []
    let first = seeds.filter { seen.insert($0).inserted }
    var others: [Int] = []
    var frontier = first
    for count in counts {
      var next: [Int] = []
      for node in frontier {
        let entries = relation.entries(node)
        for entry in entries.prefix(count > 0 ? count : entries.count) {
          let neighbour = Int(relation.adjacency.neighbours[entry])
          if seen.insert(neighbour).inserted { next.append(neighbour) }
        }
      }
      try context.claim(rows: next.count, of: 4)
      try context.workers.cancellation.check()
      others += next
      frontier = next
    }
    return first + others.sorted { relation.source.id($0) < relation.source.id($1) }
  }

  /// The edges of a subgraph by vertex.
  private struct Links {
    private var neighbours: [[Int32]]

    init(_ count: Int, _ rows: [Int32], _ columns: [Int32]) {
      neighbours = Array(repeating: [], count: count)
      for (row, column) in zip(rows, columns) { neighbours[Int(row)].append(column) }
    }

    /// Returns the number of edges to each vertex on ways that avoid one.
    func distances(from start: Int, without avoided: Int) -> [Int32] {
      var result = [Int32](repeating: SubgraphSampling.unreachable, count: neighbours.count)
      result[start] = 0
      var frontier = [start]
      var distance: Int32 = 0
      while !frontier.isEmpty {
        distance += 1
        var next: [Int] = []
        for node in frontier {
          for other in neighbours[node]
          where Int(other) != avoided && result[Int(other)] == SubgraphSampling.unreachable {
            result[Int(other)] = distance
            next.append(Int(other))
          }
        }
        frontier = next
      }
      return result
    }
  }
}
