import GraphStore

/// Samples the edges of sources.
struct NeighbourSampling: Sendable {
  /// How edges are chosen, by the name of the operator.
  enum Kind: String, CaseIterable, Sendable {
    /// Independent draws; parallel edges count.
    case random = "RandomSampler"
    /// A random order of the edges, repeated if more are requested than there are.
    case withoutReplacement = "RandomWithoutReplacementSampler"
    /// Independent draws in proportion to weights.
    case edgeWeight = "EdgeWeightSampler"
    /// Independent draws in proportion to the in-degrees of the destinations.
    case inDegree = "InDegreeSampler"
    /// The edges of greatest weight, in the order of the table if equal, repeated if more are requested than there are.
    case topK = "TopkSampler"
    /// All edges, or the first of them.
    case full = "FullSampler"
  }

  let kind: Kind
  let relation: EdgeRelation
  /// The number of edges for each source; for `full` the greatest number, 0 for all.
  let count: Int

  /// Returns the destinations and edges.
  /// - Parameter excluded: for each source, or for groups of sources, the id of a destination that is not chosen.
  func answer(_ sources: [Int64], excluded: [Int64]?, _ context: OperatorContext) throws -> OperatorAnswer {
    let rows = try relation.source.numbers(sources, context.workers)
    var filter: [Int]?
    if let excluded, !rows.isEmpty {
      guard !excluded.isEmpty, rows.count % excluded.count == 0 else {
        throw LearningError(
          .invalidArgument, "\(excluded.count) filter values do not fit \(rows.count) sources")
      }
      filter = try relation.destination.numbers(excluded, context.workers)
    }
    let groupSize = filter.map { rows.count / $0.count } ?? 1
    let exclusion: (Int) -> Range<Int>? = { row in
      guard let filter, filter[row / groupSize] >= 0 else { return nil }
      return relation.occurrences(of: filter[row / groupSize], in: relation.entries(rows[row]))
    }
    return kind == .full ? try full(rows, exclusion, context) : try dense(rows, exclusion, context)
  }

  // MARK: Equal numbers

  private func dense(
    _ rows: [Int], _ exclusion: (Int) -> Range<Int>?, _ context: OperatorContext
  ) throws -> OperatorAnswer {
    try context.claim(rows: rows.count, of: 2 * count)
    let table: AliasTable? =
      switch kind {
      case .edgeWeight: try relation.weightTable(context.workers)
      case .inDegree: try relation.degreeTable(context.workers)
      case .random, .withoutReplacement, .topK, .full: nil
      }
    let total = rows.count * count
    var nodes: [Int64] = []
    let edges = try [Int64](unsafeUninitializedCapacity: total) { edges, edgesFilled in
      nodes = try [Int64](unsafeUninitializedCapacity: total) { nodes, nodesFilled in
        let (edges, nodes) = (edges.baseAddress, nodes.baseAddress)
        try context.forEachRow(total == 0 ? 0 : rows.count, width: count) { range, random in
          var row = RowSampling(sampling: self, table: table)
          for number in range {
            let target = edges! + number * count
            row.fill(target, relation.entries(rows[number]), exclusion(number), &random)
            for place in 0..<count {
              let edge = Int(target[place])
              let node = edge < 0 ? 0 : relation.destination.id(Int(relation.adjacency.neighbours[edge]))
              (nodes! + number * count + place).initialize(to: node)
            }
          }
        }
        nodesFilled = total
      }
      edgesFilled = total
    }
    var answer = parameters(rows.count)
    answer.tensors = ["nid": .int64(nodes), "eid": .int64(edges)]
    return answer
  }

  // MARK: All edges

  private func full(
    _ rows: [Int], _ exclusion: (Int) -> Range<Int>?, _ context: OperatorContext
  ) throws -> OperatorAnswer {
    let limit = count > 0 ? count : .max
    let segments = rows.indices.map { row in
      Int32(clamping: min(limit, relation.entries(rows[row]).count - (exclusion(row)?.count ?? 0)))
    }
    let total = segments.reduce(0) { $0 + Int($1) }
    try context.claim(rows: total, of: 2)
    var edges: [Int64] = []
    edges.reserveCapacity(total)
    for (row, segment) in segments.enumerated() {
      let excluded = exclusion(row)
      var entry = relation.entries(rows[row]).lowerBound
      for _ in 0..<segment {
        if let excluded, excluded.contains(entry) { entry = excluded.upperBound }
        edges.append(Int64(entry))
        entry += 1
      }
    }
    let nodes = edges.map { relation.destination.id(Int(relation.adjacency.neighbours[Int($0)])) }
    var answer = parameters(rows.count)
    answer.sparse = [
      ("nid", SparseTensor(segments: segments, values: nodes)),
      ("eid", SparseTensor(segments: segments, values: edges)),
    ]
    return answer
  }

  private func parameters(_ rows: Int) -> OperatorAnswer {
    var answer = OperatorAnswer()
    answer.parameters = ["bs": .int32([Int32(rows)]), "nbc": .int32([Int32(count)])]
    return answer
  }
}

/// Samples the edges of one source after the other.
private struct RowSampling {
  let sampling: NeighbourSampling
  /// The tables of weights or in-degrees.
  let table: AliasTable?
  private var scratch: [Int] = []

  init(sampling: NeighbourSampling, table: AliasTable?) { (self.sampling, self.table) = (sampling, table) }

  /// Writes the ids of edges; -1 if there are none.
  mutating func fill(
    _ target: UnsafeMutablePointer<Int64>, _ entries: Range<Int>, _ excluded: Range<Int>?, _ random: inout SampleRandom
  ) {
    let count = sampling.count
    if let excluded, !excluded.isEmpty {
      return fill(
        target,
        candidates: Array(entries.lowerBound..<excluded.lowerBound)
          + Array(excluded.upperBound..<entries.upperBound), &random)
    }
    guard !entries.isEmpty else { return target.initialize(repeating: -1, count: count) }
    let (first, degree) = (entries.lowerBound, entries.count)
    switch sampling.kind {
    case .random:
      for place in 0..<count { target[place] = Int64(first + random.below(degree)) }
    case .edgeWeight, .inDegree:
      for place in 0..<count { target[place] = Int64(first + table!.draw(first: first, count: degree, &random)) }
    case .withoutReplacement where degree > 4 * count && count <= 64:
      // Few of many: draw again what was drawn before.
      for place in 0..<count {
        repeat {
          target[place] = Int64(first + random.below(degree))
        } while (0..<place).contains {
          target[$0] == target[place]
        }
      }
    case .withoutReplacement, .topK, .full:
      scratch.removeAll(keepingCapacity: true)
      scratch.append(contentsOf: entries)
      order(&scratch, &random)
      for place in 0..<count { target[place] = Int64(scratch[place % degree]) }
    }
  }

  /// Brings the first `count` candidates into the order in which they are chosen.
  private func order(_ candidates: inout [Int], _ random: inout SampleRandom) {
    if sampling.kind == .withoutReplacement {
      for place in 0..<min(sampling.count, candidates.count) {
        candidates.swapAt(place, place + random.below(candidates.count - place))
      }
    } else if sampling.kind == .topK, sampling.relation.attributes.weights != nil {
      let weight = { (entry: Int) in
        let weight = sampling.relation.weight(entry)
        return weight.isNaN ? -Double.infinity : weight
      }
      candidates.sort { weight($0) == weight($1) ? $0 < $1 : weight($0) > weight($1) }
    }
  }

  /// Chooses among entries that are not a range, without tables.
  private func fill(
    _ target: UnsafeMutablePointer<Int64>, candidates: [Int], _ random: inout SampleRandom
  ) {
    let count = sampling.count
    guard !candidates.isEmpty else { return target.initialize(repeating: -1, count: count) }
    switch sampling.kind {
    case .random:
      for place in 0..<count { target[place] = Int64(candidates[random.below(candidates.count)]) }
    case .edgeWeight, .inDegree:
      let weight = sampling.kind == .inDegree ? sampling.relation.inDegree : sampling.relation.weight
      let sums = WeightSums(candidates.map(weight))
      for place in 0..<count { target[place] = Int64(candidates[sums.draw(&random)]) }
    case .withoutReplacement, .topK, .full:
      var ordered = candidates
      order(&ordered, &random)
      for place in 0..<count { target[place] = Int64(ordered[place % ordered.count]) }
    }
  }
}

/// Draws positions in proportion to weights, in logarithmic time, for weights that are used once.
struct WeightSums {
  private let sums: [Double]

  /// Weights that are not positive and finite count as 0; if all are 0, they are equal.
  init(_ weights: [Double]) {
    let usable = weights.map { $0 > 0 && $0.isFinite ? $0 : 0 }
    let areAllZero = usable.allSatisfy { $0 == 0 }
    var sum = 0.0
    sums = usable.map {
      sum += areAllZero ? 1 : $0
      return sum
    }
  }

  func draw(_ random: inout SampleRandom) -> Int {
    let wanted = random.unit() * sums.last!
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > wanted { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
