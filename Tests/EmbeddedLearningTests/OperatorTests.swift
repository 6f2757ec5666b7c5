import Testing
import Turns
import Workers

@testable import EmbeddedLearning

@Suite("Operators", .takesTurns)
struct OperatorTests {
  @Test("Attributes have the order of the wire format; unknown vertices have zeros and -1")
  func lookups() async throws {
    let service = try await ToyGraph().service()
    let answer = try service.run("LookupNodes", ["nt": .texts("person")], ["nid": .int64([100, 105, 999])])
    #expect(answer.parameters["si"] == .numbers(23, 2, 2, 2) && answer.parameters["bs"] == .numbers(3))
    #expect(answer.integers("ia") == [20, 0, 25, 2, 0, 0])
    #expect(answer.tensors["fa"] == .float([0, 1, 1.25, 2, 0, 0]))
    #expect(answer.tensors["sa"] == .texts("p0", "c0", "p5", "c2", "", ""))
    #expect(answer.tensors["wei"] == .float([1, 2, -1]) && answer.tensors["lb"] == .numbers(0, 2, -1))
    let items = try service.run("LookupNodes", ["nt": .texts("item")], ["nid": .int64([7003])])
    #expect(items.parameters["si"] == .numbers(17, 1, 1, 0))
    #expect(items.tensors["wei"] == nil && items.integers("ia") == [1] && items.tensors["fa"] == .float([4.5]))
    let edges = try service.run(
      "LookupEdges", ["et": .texts("knows")], ["eid": .int64([0, 17, 18, -1]), "sid": .int64([101, 111, 1, 1])])
    let codes = ToyGraph.knows.map(\.code)
    #expect(edges.integers("ia") == [codes[0], codes[17], 0, 0] && edges.parameters["si"] == .numbers(19, 1, 1, 0))
    #expect(edges.tensors["wei"] == .float([1, Float(ToyGraph.knows[17].weight), -1, -1]))
  }

  @Test("Selected attributes alone are sent; weights and labels are sent in any case")
  func selection() async throws {
    let service = try await ToyGraph().service(
      #"{"nodes":["person"],"node_attributes":{"person":[["city","age"],[1,0,1]]}}"#)
    let answer = try service.run("LookupNodes", ["nt": .texts("person")], ["nid": .int64([105])])
    #expect(answer.integers("ia") == [25] && answer.tensors["sa"] == .texts("c2") && answer.tensors["fa"] == nil)
    #expect(answer.tensors["wei"] == .float([2]) && answer.tensors["lb"] == .numbers(2))
  }

  @Test("Graphs with strings as ids number their vertices")
  func textIDs() async throws {
    let service = try await ToyGraph(hasTextIDs: true).service()
    let nodes = try service.run("GetNodes", ["nt": .texts("item", "by_order"), "si": .numbers(2, 3, 0)])
    #expect(nodes.integers("nid") == [0, 1, 2])
    let names = try service.run("LookupNodes", ["nt": .texts("person")], ["nid": .int64([5, -1, 12])])
    #expect(names.tensors["sa"] == .texts("p5", "c2", "", "", "", ""))
    let edges = try service.run("FullSampler", ["tp": .texts("knows"), "nbc": .numbers(0)], ["sid": .int64([7])])
    #expect(edges.sparse("nid")?.values == [8, 9, 10])
  }

  @Test("Undirected edges are edges of both ends")
  func undirected() async throws {
    let service = try await ToyGraph(directed: false).service()
    let answer = try service.run("FullSampler", ["tp": .texts("knows"), "nbc": .numbers(0)], ["sid": .int64([108])])
    #expect(answer.sparse("nid")?.values == [106, 107])
    let weights = try service.run(
      "LookupEdges", ["et": .texts("knows")], ["eid": .int64(answer.sparse("eid")!.values)])
    #expect(weights.tensors["wei"] == .float([2, 1]))
  }

  @Test("Degrees in both directions")
  func degrees() async throws {
    let service = try await ToyGraph().service()
    func degrees(_ direction: Int32) throws -> Tensor? {
      try service.run(
        "GetDegree", ["et": .texts("knows"), "si": .numbers(direction)],
        ["nid": .int64([100, 101, 102, 103, 107, 999])]
      ).tensors["dg"]
    }
    #expect(try degrees(0) == .numbers(0, 1, 2, 3, 3, -1))
    let incoming = [0, 1, 2, 3, 7].map { person in Int32(ToyGraph.knows.count { $0.to == person }) }
    #expect(try degrees(1) == .int32(incoming + [-1]))
  }

  @Test("Aggregators combine real attributes by segment")
  func aggregators() async throws {
    let service = try await ToyGraph().service()
    let expected: [(String, [Float])] = [
      ("SumAggregator", [4.5, 0, 15]), ("MeanAggregator", [1.5, 0, 7.5]), ("MinAggregator", [1.5, 0, 6]),
      ("MaxAggregator", [1.5, 0, 9]), ("ProdAggregator", [3.375, 0, 54]),
    ]
    for (name, values) in expected {
      let answer = try service.run(
        name, ["nt": .texts("item"), "ns": .numbers(3)],
        ["nid": .int64([7001, 7001, 7001, 7006, 7004]), "segi": .numbers(0, 0, 0, 2, 2)])
      #expect(answer.tensors["fa"] == .float(values), "\(name)")
      #expect(answer.tensors["sm"] == .numbers(3, 0, 2) && answer.parameters["si"] == .numbers(1))
    }
    #expect(throws: LearningError.self) {
      try service.run(
        "SumAggregator", ["nt": .texts("item"), "ns": .numbers(1)],
        ["nid": .int64([7001]), "segi": .numbers(1)])
    }
  }

  @Test("Negatives are drawn from the destinations, and avoid neighbours where they should")
  func negatives() async throws {
    let service = try await ToyGraph().service()
    func counts(_ name: String, _ type: String, _ source: Int64) throws -> [Int64: Int] {
      let answer = try service.run(
        name, ["tp": .texts(type), "nbc": .numbers(4)], ["sid": .int64(Array(repeating: source, count: 3000))])
      #expect(answer.integers("nid").count == 12_000 && answer.integers("eid").isEmpty && answer.tensors["eid"] != nil)
      return answer.integers("nid").reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    let destinations = Set(ToyGraph.buys.map { ToyGraph.id(item: $0.to) })
    let random = try counts("RandomNegativeSampler", "buy", 101)
    #expect(Set(random.keys) == destinations)
    #expect(chiSquare(random, random.mapValues { _ in 1 }) < chiSquareLimit(destinations.count - 1))
    let own = Set(ToyGraph.buys.filter { $0.from == 1 }.map { ToyGraph.id(item: $0.to) })
    var degrees: [Int64: Double] = [:]
    for edge in ToyGraph.buys where !own.contains(ToyGraph.id(item: edge.to)) {
      degrees[ToyGraph.id(item: edge.to), default: 0] += 1
    }
    let strict = try counts("InDegreeNegativeSampler", "buy", 101)
    #expect(Set(strict.keys) == Set(degrees.keys))
    #expect(chiSquare(strict, degrees) < chiSquareLimit(degrees.count - 1))
    let weighted = try counts("NodeWeightNegativeSampler", "person", 101)
    var weights: [Int64: Double] = [:]
    for person in 0..<12 where person != 1 { weights[ToyGraph.id(person: person)] = Double(1 + person % 4) }
    #expect(Set(weighted.keys) == Set(weights.keys))
    #expect(chiSquare(weighted, weights) < chiSquareLimit(10))
  }

  @Test("Conditional negatives share attributes in the requested proportion, and are as many as requested")
  func conditional() async throws {
    let service = try await ToyGraph().service()
    let pairs = (0..<3000).map { ToyGraph.buys[$0 % ToyGraph.buys.count] }
    let answer = try service.run(
      "ConditionalNegativeSampler",
      [
        "tp": .texts("buy"), "dt": .texts("item"), "nbc": .numbers(4), "str": .texts("random"), "unique": .numbers(1),
        "batch_share": .numbers(0), "icols": .numbers(0), "ipps": .float([0.5]),
      ],
      [
        "sid": .int64(pairs.map { ToyGraph.id(person: $0.from) }),
        "did": .int64(pairs.map { ToyGraph.id(item: $0.to) }),
      ])
    let nodes = answer.integers("nid")
    #expect(nodes.count == 12_000)
    for (row, pair) in pairs.enumerated() {
      let own = Array(nodes[4 * row..<4 * row + 4])
      let bought = ToyGraph.buys.filter { $0.from == pair.from }.map { ToyGraph.id(item: $0.to) }
      let alike = (0..<8).filter { $0 % 2 == pair.to % 2 && !bought.contains(ToyGraph.id(item: $0)) }
      #expect(own.allSatisfy { !bought.contains($0) } || alike.count < 2)
      if alike.count >= 2 {
        #expect(own[..<2].allSatisfy { $0 % 2 == Int64(pair.to % 2) } && Set(own).count == 4)
      }
    }
  }

  @Test("A walk visits neighbours, and stops where there are none")
  func walks() async throws {
    let service = try await ToyGraph().service()
    let answer = try service.run(
      "RandomWalk", ["et": .texts("knows"), "si": .float([1, 1]), "dis": .numbers(4)],
      ["sid": .int64([101, 100, 999, 107])])
    let nodes = answer.integers("nid")
    #expect(nodes.count == 16 && nodes[4..<12].allSatisfy { $0 == 0 })
    for row in [0, 3] {
      var current: Int64 = row == 0 ? 101 : 107
      for next in nodes[4 * row..<4 * row + 4] {
        let neighbours = ToyGraph.knows.filter { ToyGraph.id(person: $0.from) == current }.map {
          ToyGraph.id(person: $0.to)
        }
        #expect(neighbours.isEmpty || current == 0 ? next == 0 : neighbours.contains(next))
        current = next
      }
    }
  }

  @Test(
    "Walks of node2vec have the probabilities of its definition", arguments: [(4.0, 0.25), (0.01, 3.0), (1.0, 2.0)])
  func biasedWalks(_ p: Double, _ q: Double) async throws {
    let service = try await ToyGraph(directed: false).service()
    let answer = try service.run(
      "RandomWalk", ["et": .texts("knows"), "si": .float([Float(p), Float(q)]), "dis": .numbers(2)],
      ["sid": .int64(Array(repeating: 107, count: 30_000))])
    let nodes = answer.integers("nid")
    func weights(_ id: Int64) -> [Int64: Double] {
      var result: [Int64: Double] = [:]
      for edge in ToyGraph.knows {
        let ends = (ToyGraph.id(person: edge.from), ToyGraph.id(person: edge.to))
        if ends.0 == id { result[ends.1, default: 0] += edge.weight }
        if ends.1 == id { result[ends.0, default: 0] += edge.weight }
      }
      return result
    }
    let first = weights(107)
    var steps: [Int64: [Int64: Int]] = [:]
    for row in 0..<30_000 { steps[nodes[2 * row], default: [:]][nodes[2 * row + 1], default: 0] += 1 }
    #expect(chiSquare(steps.mapValues { $0.values.reduce(0, +) }, first) < chiSquareLimit(first.count - 1))
    for (middle, counts) in steps {
      var expected = weights(middle)
      for (next, weight) in expected {
        expected[next] = weight * (next == 107 ? 1 / p : first[next] != nil ? 1 : 1 / q)
      }
      // Rare steps do not have the distribution of chi-square.
      let sum = expected.values.reduce(0, +)
      let total = Double(counts.values.reduce(0, +))
      let common = expected.filter { $0.value / sum * total >= 5 }
      guard common.count > 1, common.count == expected.count else { continue }
      #expect(chiSquare(counts, expected) < chiSquareLimit(expected.count - 1), "\(middle): \(counts), \(expected)")
    }
  }

  @Test("A subgraph has its seeds, their neighbours and the edges between them, with distances")
  func subgraphs() async throws {
    let service = try await ToyGraph().service()
    let answer = try service.run(
      "SubGraphSampler", ["nbrt": .texts("knows"), "nbc": .numbers(0), "need_dist": .numbers(1)],
      ["sid": .int64([103]), "did": .int64([105])])
    let nodes = answer.integers("nid")
    #expect(nodes == [103, 105, 104, 106])
    let rows = answer.integers("ridx")
    let columns = answer.integers("cidx")
    let edges = answer.integers("eid")
    var found: Set<[Int64]> = []
    for place in stride(from: 0, to: rows.count, by: 2) {
      let edge = ToyGraph.knows[Int(edges[place])]
      let (from, to) = (nodes[Int(rows[place])], nodes[Int(columns[place])])
      #expect(from == ToyGraph.id(person: edge.from) && to == ToyGraph.id(person: edge.to))
      #expect(
        rows[place + 1] == columns[place] && columns[place + 1] == rows[place] && edges[place + 1] == edges[place])
      found.insert([from, to])
    }
    let expected = ToyGraph.knows.map { [ToyGraph.id(person: $0.from), ToyGraph.id(person: $0.to)] }
      .filter { nodes.contains($0[0]) && nodes.contains($0[1]) }
    #expect(found == Set(expected) && rows.count == 2 * expected.count)
    // To 105 without 103 leads 106 only; to 103 without 105, 104 and 106.
    #expect(answer.tensors["dist_to_src"] == .numbers(0, .max, 1, 1))
    #expect(answer.tensors["dist_to_dst"] == .numbers(.max, 0, .max, 1))
  }

  @Test("What the graph does not have is an error in at most 126 bytes")
  func errors() async throws {
    let service = try await ToyGraph().service()
    let long = String(repeating: "ü", count: 500)
    let requests: [(String, TensorList, TensorList, LearningError.Code)] = [
      ("RandomSampler", ["tp": .texts("nose"), "nbc": .numbers(1)], ["sid": .int64([1])], .notFound),
      ("RandomSampler", ["tp": .texts(long), "nbc": .numbers(1)], ["sid": .int64([1])], .notFound),
      ("RandomSampler", ["tp": .texts("knows"), "nbc": .numbers(0)], ["sid": .int64([1])], .invalidArgument),
      ("RandomSampler", ["tp": .texts("knows"), "nbc": .numbers(1)], [:], .invalidArgument),
      ("RandomSampler", ["tp": .texts("knows")], ["sid": .int64([1])], .invalidArgument),
      ("RandomSampler", ["nbc": .numbers(1)], ["sid": .int64([1])], .invalidArgument),
      (
        "RandomSampler", ["tp": .texts("knows"), "nbc": .numbers(1 << 24)], ["sid": .int64([1, 2])], .resourceExhausted
      ),
      (
        "RandomSampler", ["tp": .texts("knows"), "nbc": .numbers(1), "ftype": .numbers(2), "field": .numbers(1)],
        ["sid": .int64([1])], .unimplemented
      ),
      ("KnnSampler", [:], [:], .unimplemented), (long, [:], [:], .unimplemented),
      ("LookupNodes", ["nt": .texts("knows")], ["nid": .int64([1])], .notFound),
      ("LookupNodes", ["nt": .numbers(1)], ["nid": .int64([1])], .invalidArgument),
      ("GetNodes", ["nt": .texts("item", "backwards"), "si": .numbers(2, 1, 0)], [:], .unimplemented),
      ("GetNodes", ["nt": .texts("item", "by_order"), "si": .numbers(3, 1, 0)], [:], .invalidArgument),
      (
        "RandomWalk", ["et": .texts("knows"), "si": .float([0, 1]), "dis": .numbers(1)], ["sid": .int64([1])],
        .invalidArgument
      ),
    ]
    for (name, parameters, inputs, code) in requests {
      let error = #expect(throws: LearningError.self, "\(name.prefix(20)) \(code)") {
        try service.run(name, parameters, inputs)
      }
      #expect(error?.code == code && (error?.description.utf8.count ?? 999) <= 126, "\(error as Any)")
    }
  }

  @Test("Memory is charged to the session before it is used, and returned")
  func memory() async throws {
    let account = SmallAccount(room: 100_000)
    let toy = try await ToyGraph()
    let service = try toy.service()
    let request = { @Sendable (count: Int32) in
      OperatorRequest(
        name: "RandomSampler", parameters: ["tp": .texts("knows"), "nbc": .numbers(count)],
        inputs: ["sid": .int64([107])])
    }
    let pool = WorkerPool(threads: 1)
    await #expect(throws: StorageRefusal.self) {
      _ = try await pool.run(storage: account) { try service.run(request(1_000_000), connection: 1, $0) }
    }
    _ = try await pool.run(storage: account) { try service.run(request(1000), connection: 1, $0) }
    #expect(account.taken == 0)
  }
}
