import Testing
import Turns
import Workers

@testable import EmbeddedLearning

/// The value of chi-square that a correct sampler exceeds about once in ten thousand tests (Wilson, Hilferty 1931).
func chiSquareLimit(_ degrees: Int) -> Double {
  let k = Double(degrees)
  let root = 1 - 2 / (9 * k) + 3.72 * (2 / (9 * k)).squareRoot()
  return k * root * root * root
}

/// Returns how far counts are from proportions.
func chiSquare(_ counts: [Int64: Int], _ expected: [Int64: Double]) -> Double {
  let total = Double(counts.values.reduce(0, +))
  let sum = expected.values.reduce(0, +)
  return expected.reduce(0) { result, entry in
    let wanted = entry.value / sum * total
    let difference = Double(counts[entry.key] ?? 0) - wanted
    return result + difference * difference / wanted
  }
}

@Suite("Samplers of neighbours", .takesTurns)
struct SamplerTests {
  private func sample(
    _ service: SamplingService, _ name: String, _ sources: [Int64], _ count: Int32, type: String = "knows",
    excluded: [Int64]? = nil
  ) throws -> OperatorAnswer {
    var parameters: TensorList = ["tp": .texts(type), "nbc": .numbers(count)]
    var inputs: TensorList = ["sid": .int64(sources)]
    if let excluded {
      parameters["ftype"] = .numbers(1)
      parameters["field"] = .numbers(1)
      inputs["filt"] = .int64(excluded)
    }
    return try service.run(name, parameters, inputs)
  }

  private func counts(_ values: [Int64]) -> [Int64: Int] { values.reduce(into: [:]) { $0[$1, default: 0] += 1 } }

  @Test("Each edge is one of its source, and has the id of its position", arguments: NeighbourSampling.Kind.allCases)
  func edges(_ kind: NeighbourSampling.Kind) async throws {
    let toy = try await ToyGraph()
    let service = try toy.service()
    let sources: [Int64] = [100, 101, 103, 999, 107, 111]
    let answer = try sample(service, kind.rawValue, sources, 5)
    #expect(answer.parameters["bs"] == .numbers(6) && answer.parameters["nbc"] == .numbers(5))
    let (nodes, edges, sizes): ([Int64], [Int64], [Int]) =
      if let sparse = answer.sparse("nid") {
        (sparse.values, answer.sparse("eid")!.values, sparse.segments.map(Int.init))
      } else {
        (answer.integers("nid"), answer.integers("eid"), Array(repeating: 5, count: 6))
      }
    var place = 0
    for (source, size) in zip(sources, sizes) {
      let own = ToyGraph.knows.enumerated().filter { ToyGraph.id(person: $1.from) == source }
      if kind == .full { #expect(size == own.count) }
      for _ in 0..<size {
        let known = own.first { Int64($0.offset) == edges[place] }
        if own.isEmpty {
          #expect(nodes[place] == 0 && edges[place] == -1)
        } else {
          #expect(known.map { ToyGraph.id(person: $0.element.to) } == nodes[place])
        }
        place += 1
      }
    }
    #expect(place == nodes.count && place == edges.count)
  }

  @Test("Independent draws have the documented probabilities")
  func probabilities() async throws {
    let toy = try await ToyGraph()
    let service = try toy.service()
    // Edges to 8, 9 and 10 with the weights 1, 2 and 3.
    let inDegrees = [8, 9, 10].map { to in Double(ToyGraph.knows.count { $0.to == to }) }
    let expected: [(String, [Double])] = [
      ("RandomSampler", [1, 1, 1]), ("EdgeWeightSampler", [1, 2, 3]), ("InDegreeSampler", inDegrees),
    ]
    for (name, weights) in expected {
      let answer = try sample(service, name, Array(repeating: 107, count: 4000), 3)
      let counts = counts(answer.integers("nid"))
      #expect(Set(counts.keys).isSubset(of: [108, 109, 110]))
      let proportions = Dictionary(uniqueKeysWithValues: zip([108, 109, 110] as [Int64], weights))
      #expect(chiSquare(counts, proportions) < chiSquareLimit(2), "\(name): \(counts)")
      // Without the destination 109.
      let rest = try sample(service, name, Array(repeating: 107, count: 6000), 1, excluded: [109])
      let others: [Int64: Double] = [108: weights[0], 110: weights[2]]
      #expect(rest.integers("nid").allSatisfy { $0 != 109 })
      #expect(chiSquare(self.counts(rest.integers("nid")), others) < chiSquareLimit(1), "\(name)")
    }
  }

  @Test("Without replacement, all orders are equally likely, and repeat when there are too few edges")
  func withoutReplacement() async throws {
    let service = try await ToyGraph().service()
    let answer = try sample(service, "RandomWithoutReplacementSampler", Array(repeating: 107, count: 6000), 4)
    let nodes = answer.integers("nid")
    var orders: [Int64: Int] = [:]
    for row in 0..<6000 {
      let own = Array(nodes[4 * row..<4 * row + 4])
      #expect(Set(own) == [108, 109, 110] && own[3] == own[0])
      orders[own[0] * 1_000_000 + own[1] * 1000 + own[2], default: 0] += 1
    }
    let all = Dictionary(uniqueKeysWithValues: orders.keys.map { ($0, 1.0) })
    #expect(orders.count == 6 && chiSquare(orders, all) < chiSquareLimit(5))
  }

  @Test("The edges of greatest weight come first, and repeat")
  func top() async throws {
    let service = try await ToyGraph().service()
    let answer = try sample(service, "TopkSampler", [107, 102, 100], 4)
    #expect(answer.integers("nid") == [110, 109, 108, 110, 104, 103, 104, 103, 0, 0, 0, 0])
    let first = try sample(service, "TopkSampler", [101], 2, type: "buy")
    #expect(first.integers("eid") == [3, 4], "without weights, in the order of the table")
  }

  @Test("All edges, or the first of them, without an excluded one")
  func full() async throws {
    let service = try await ToyGraph().service()
    let some = try sample(service, "FullSampler", [107, 101, 999], 2)
    #expect(some.sparse("nid") == SparseTensor(segments: [2, 1, 0], values: [108, 109, 102]))
    let rest = try sample(service, "FullSampler", [107, 101], 0, excluded: [108, 102])
    #expect(rest.sparse("nid") == SparseTensor(segments: [2, 0], values: [109, 110]))
  }

  @Test("The same seed draws the same, on any number of threads; another seed does not")
  func seeds() async throws {
    let toy = try await ToyGraph()
    let sources = Array(repeating: Int64(107), count: 50_000)
    let request = OperatorRequest(
      name: "EdgeWeightSampler", parameters: ["tp": .texts("knows"), "nbc": .numbers(3)],
      inputs: ["sid": .int64(sources)])
    var answers: [OperatorAnswer] = []
    for (threads, seed) in [(1, 5), (4, 5), (4, 6)] as [(Int, UInt64)] {
      let service = try toy.service(seed: seed)
      answers.append(
        try await WorkerPool(threads: threads).run { workers in
          try service.run(request, connection: 1, workers)
        })
    }
    #expect(answers[0] == answers[1])
    #expect(answers[1] != answers[2])
  }

  @Test("Tables draw in proportion to any weights", arguments: 0..<20)
  func tables(_ seed: UInt64) throws {
    var random = SampleRandom(seed: seed)
    var weights = (0..<1 + random.below(40)).map { _ in random.below(3) == 0 ? 0 : Double(random.below(1000)) }
    weights[0] = 1
    let table = try AliasTable(rows: 1, offset: { $0 == 0 ? 0 : weights.count }, .alone()) { weights[$0] }
    var counts: [Int64: Int] = [:]
    for _ in 0..<20_000 { counts[Int64(table.draw(first: 0, count: weights.count, &random)), default: 0] += 1 }
    let expected = weights.enumerated().filter { $1 > 0 }.map { (Int64($0), $1) }
    let drawn = Set(counts.keys)
    #expect(drawn.isSubset(of: expected.map(\.0)), "nothing without weight")
    // Only where many are expected does the statistic have its distribution.
    let sum = weights.reduce(0, +)
    let common = expected.filter { $0.1 / sum * 20_000 >= 5 }
    guard common.count > 1 else { return }
    let rest = Double(counts.filter { c in !common.contains { $0.0 == c.key } }.values.reduce(0, +))
    #expect(rest <= 20_000 * 0.05)
    let known = counts.filter { c in common.contains { $0.0 == c.key } }
    #expect(chiSquare(known, Dictionary(uniqueKeysWithValues: common)) < chiSquareLimit(common.count - 1))
  }

  @Test("Weights that are not positive numbers count as nothing; if none is, all edges are equally likely")
  func unusableWeights() throws {
    var random = SampleRandom(seed: 3)
    let rows: [[Double]] = [[.nan, -1, .infinity, 2], [0, 0], [1e308, 1e308]]
    let flat = rows.flatMap { $0 }
    let table = try AliasTable(rows: 3, offset: { [0, 4, 6, 8][$0] }, .alone()) { flat[$0] }
    for _ in 0..<1000 { #expect(table.draw(first: 0, count: 4, &random) == 3) }
    for first in [4, 6] {
      var counts: [Int64: Int] = [:]
      for _ in 0..<4000 { counts[Int64(table.draw(first: first, count: 2, &random)), default: 0] += 1 }
      #expect(chiSquare(counts, [0: 1, 1: 1]) < chiSquareLimit(1))
    }
  }
}
