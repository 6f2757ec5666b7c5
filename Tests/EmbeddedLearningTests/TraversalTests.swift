import Testing
import Turns
import Workers

@testable import EmbeddedLearning

@Suite("Ways through vertices and edges", .takesTurns)
struct TraversalTests {
  private func nodes(
    _ service: SamplingService, _ type: String, _ order: String, batch: Int32, from: Int32 = 2, connection: UInt64 = 1
  ) throws -> [Int64]? {
    do {
      return try service.run(
        "GetNodes", ["nt": .texts(type, order), "si": .numbers(from, batch, 0)], connection: connection
      ).integers("nid")
    } catch let error as LearningError where error.code == .outOfRange { return nil }
  }

  private func epoch(_ next: () throws -> [Int64]?) rethrows -> [Int64] {
    var all: [Int64] = []
    while let batch = try next() { all += batch }
    return all
  }

  @Test("By order, each epoch has all vertices in their order and ends once")
  func byOrder() async throws {
    let service = try await ToyGraph().service()
    for _ in 0..<3 {
      #expect(try nodes(service, "item", "by_order", batch: 3) == [7000, 7001, 7002])
      #expect(try nodes(service, "item", "by_order", batch: 3) == [7003, 7004, 7005])
      #expect(try nodes(service, "item", "by_order", batch: 3, connection: 2)?.first == 7000, "another client's way")
      #expect(try nodes(service, "item", "by_order", batch: 3) == [7006, 7007])
      #expect(try nodes(service, "item", "by_order", batch: 3) == nil)
      service.connectionClosed(2)
    }
  }

  @Test("Shuffled, each epoch has all vertices once, in another order; the orders are equally likely")
  func shuffled() async throws {
    let service = try await ToyGraph().service()
    let orders = try (0..<10).map { _ in try epoch { try nodes(service, "item", "shuffle", batch: 3) } }
    #expect(orders.allSatisfy { $0.sorted() == (7000..<7008).map(Int64.init) })
    #expect(Set(orders).count > 8)
    for count in [2, 3, 4] {
      var seen: [Int64: Int] = [:]
      for seed in 0..<6000 {
        let order = RandomOrder(count: count, seed: SampleRandom.mixed(UInt64(seed)))
        seen[(0..<count).reduce(Int64(0)) { $0 * 10 + Int64(order[$1]) }, default: 0] += 1
      }
      let possible = (1...count).reduce(1, *)
      #expect(seen.count == possible)
      #expect(chiSquare(seen, seen.mapValues { _ in 1 }) < chiSquareLimit(possible - 1), "\(seen)")
    }
  }

  @Test("An order has every number once, however many there are", arguments: [1, 2, 255, 256, 257, 5000, 70_000])
  func permutations(_ count: Int) {
    let order = RandomOrder(count: count, seed: 9)
    #expect(Set((0..<count).map { order[$0] }).count == count)
  }

  @Test("Random draws never end and are uniform")
  func random() async throws {
    let service = try await ToyGraph().service()
    var counts: [Int64: Int] = [:]
    for _ in 0..<40 { for id in try nodes(service, "item", "random", batch: 200) ?? [] { counts[id, default: 0] += 1 } }
    #expect(counts.values.reduce(0, +) == 8000 && counts.count == 8)
    #expect(chiSquare(counts, counts.mapValues { _ in 1 }) < chiSquareLimit(7))
  }

  @Test("Ends of edges: with repetition in edge order, shuffled without")
  func ends() async throws {
    let service = try await ToyGraph().service()
    let sources = try epoch { try nodes(service, "knows", "by_order", batch: 5, from: 0) }
    #expect(sources == ToyGraph.knows.map { ToyGraph.id(person: $0.from) })
    let destinations = try epoch { try nodes(service, "knows", "by_order", batch: 5, from: 1) }
    #expect(destinations == ToyGraph.knows.map { ToyGraph.id(person: $0.to) })
    let shuffled = try epoch { try nodes(service, "knows", "shuffle", batch: 5, from: 0) }
    #expect(shuffled.sorted() == Array(Set(sources)).sorted())
  }

  @Test("Edges in their order, with both ends, also against their direction")
  func edges() async throws {
    let service = try await ToyGraph().service()
    func edges(_ type: String, _ order: String) throws -> OperatorAnswer {
      try service.run("GetEdges", ["et": .texts(type, order), "bs": .numbers(100), "si": .numbers(0)])
    }
    let answer = try edges("knows", "by_order")
    #expect(answer.integers("sid") == ToyGraph.knows.map { ToyGraph.id(person: $0.from) })
    #expect(answer.integers("did") == ToyGraph.knows.map { ToyGraph.id(person: $0.to) })
    #expect(answer.integers("eid") == (0..<18).map(Int64.init))
    #expect(throws: LearningError(.outOfRange, "the epoch has ended")) { try edges("knows", "by_order") }
    let against = try edges("knows_reverse", "by_order")
    let pairs = zip(against.integers("did"), against.integers("sid")).map { [$0, $1] }
    #expect(Set(pairs) == Set(ToyGraph.knows.map { [ToyGraph.id(person: $0.from), ToyGraph.id(person: $0.to)] }))
    let codes = try service.run(
      "LookupEdges", ["et": .texts("knows_reverse")],
      ["eid": .int64(against.integers("eid")), "sid": .int64(against.integers("sid"))])
    for (pair, code) in zip(pairs, codes.integers("ia")) {
      #expect(
        ToyGraph.knows.contains {
          ToyGraph.id(person: $0.from) == pair[0] && ToyGraph.id(person: $0.to) == pair[1] && $0.code == code
        })
    }
  }

  @Test("The sets of training, validation and test are those of the native server")
  func masks() async throws {
    var random = MersenneTwister(seed: 0)
    #expect((0..<4).map { _ in random.next() } == [2_357_136_044, 2_546_248_239, 3_071_714_933, 3_626_093_760])
    var sizes: [Int] = []
    var all: Set<UInt32> = []
    for (begin, end) in [(0, 75), (75, 85), (85, 100)] as [(UInt32, UInt32)] {
      let split = LearningSelection.Split(use: .train, label: 0, parts: 100, begin: begin, end: end)
      let members = LearningGraph.members(split, of: 100_000)
      sizes.append(members.count)
      all.formUnion(members)
    }
    #expect(sizes == [74_382, 9_906, 14_785], "contract \"learning\", section 5")
    #expect(all.count == sizes.reduce(0, +))
    let service = try await ToyGraph().service(
      #"{"gen_labels":[["train","person",100,[0,75]],["val","person",100,[75,85]],["test","person",100,[85,100]]]}"#)
    let parts = try ["MASK*person", "MASK**person", "MASK***person"].map { name in
      try epoch { try nodes(service, name, "by_order", batch: 5) }
    }
    #expect(parts.map(\.count) == [9, 3, 0], "as recorded")
    let statistics = try service.run("GetStats", [:])
    #expect(statistics.tensors["MASK*person"] == .numbers(9) && statistics.tensors["knows"] == .numbers(18))
    #expect(throws: LearningError.self) { try nodes(service, "MASK*item", "by_order", batch: 5) }
  }
}
