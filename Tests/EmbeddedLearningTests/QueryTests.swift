import Testing
import Turns
import Workers

@testable import EmbeddedLearning

@Suite("Queries in batches", .takesTurns)
struct QueryTests {
  private typealias Node = QueryDefinition.Node
  private typealias Edge = QueryDefinition.Edge

  /// V(person).batch(batch), its neighbours by a sampler, and their attributes.
  private func query(_ sampler: String = "RandomSampler", batch: Int32 = 5, order: String = "by_order", id: Int = 1)
    -> QueryDefinition
  {
    QueryDefinition(
      id: id,
      nodes: [
        Node(
          id: 1, name: "GetNodes",
          parameters: [
            "nt": .texts("person"), "nf": .numbers(2), "bs": .numbers(batch), "ep": .numbers(.max),
            "str": .texts(order),
          ], outputs: [Edge(id: 1, output: "nid", input: "sid"), Edge(id: 4, output: "nid", input: "fake")]),
        Node(
          id: 2, name: sampler, parameters: ["et": .texts("knows"), "nbc": .numbers(3), "str": .texts(sampler)],
          inputs: [Edge(id: 1, output: "nid", input: "sid")],
          outputs: [Edge(id: 2, output: "nid", input: "nid"), Edge(id: 3, output: "nid", input: "fake")]),
        Node(
          id: 3, name: "LookupNodes", parameters: ["nt": .texts("person")],
          inputs: [Edge(id: 2, output: "nid", input: "nid")], outputs: [Edge(id: 5, output: "fake", input: "fake")]),
        Node(id: 4, name: "Sink", inputs: [Edge(id: 5, output: "fake", input: "fake")]),
      ])
  }

  private func next(_ service: SamplingService, _ id: Int = 1, connection: UInt64 = 1, client: Int = 0) -> BatchAnswer {
    service.batch(BatchRequest(query: id, client: client), connection: connection, .alone()) {
      Issue.record("\($0)")
    }
  }

  private func roots(_ batch: BatchAnswer) -> [Int64] { batch.values.first?.answer.integers("nid") ?? [] }

  @Test("An epoch has all vertices, then one empty answer; indexes count requests", arguments: ["by_order", "shuffle"])
  func epochs(_ order: String) async throws {
    let service = try await ToyGraph().service()
    try service.accept(query(order: order), connection: 1)
    var index = 0
    for epoch in 0..<3 {
      var seen: [Int64] = []
      for size in [5, 5, 2, 0] {
        let batch = next(service)
        #expect(batch.epoch == epoch && batch.index == index && batch.values.count == (size == 0 ? 0 : 3))
        #expect(roots(batch).count == size)
        if size > 0 {
          #expect(batch.values[1].answer.integers("nid").count == 3 * size)
          #expect(batch.values[2].answer.integers("ia").count == 2 * 3 * size)
        }
        seen += roots(batch)
        index += 1
      }
      #expect(seen.sorted() == (100..<112).map(Int64.init) && (order == "shuffle") == (seen != seen.sorted()))
    }
  }

  @Test("Rows of different lengths flow on")
  func sparse() async throws {
    let service = try await ToyGraph().service()
    try service.accept(query("FullSampler"), connection: 1)
    let batch = next(service)
    #expect(
      batch.values[1].answer.sparse("nid")
        == SparseTensor(segments: [0, 1, 2, 3, 0], values: [102, 103, 104, 104, 105, 106]))
    #expect(batch.values[2].answer.integers("ia").count == 12)
  }

  @Test("Queries have places of their own; clients that sent the same query share it")
  func sharing() async throws {
    let service = try await ToyGraph().service()
    try service.accept(query(), connection: 1)
    try service.accept(query(id: 2), connection: 1)
    #expect(roots(next(service)).first == 100 && roots(next(service, 2)).first == 100)
    try service.accept(query(), connection: 2)
    let shared = next(service, connection: 2, client: 1)
    #expect(roots(shared).first == 105 && shared.index == 0, "its own first request")
    try service.accept(query(batch: 7), connection: 3)
    #expect(roots(next(service, connection: 3)).count == 7, "another query of the same number")
    #expect(roots(next(service)) == [110, 111])
  }

  @Test("A client that connects again goes on; a new one begins")
  func reconnecting() async throws {
    let service = try await ToyGraph().service()
    try service.accept(query(), connection: 1)
    _ = next(service)
    service.connectionClosed(1)
    let second = next(service, connection: 2)
    #expect(second.index == 1 && roots(second).first == 105)
    service.connectionClosed(2)
    try service.accept(query(), connection: 3)
    #expect(next(service, connection: 3).index == 0)
  }

  @Test("A query sent again, which is empty, changes nothing; an unknown one has no batches")
  func repetition() async throws {
    let service = try await ToyGraph().service()
    try service.accept(query(), connection: 1)
    _ = next(service)
    try service.accept(QueryDefinition(), connection: 1)
    #expect(next(service).index == 1)
    var reason = ""
    let batch = service.batch(BatchRequest(query: 77, client: 0), connection: 1, .alone()) { reason = $0 }
    #expect(batch.values.isEmpty && reason.contains("77"))
  }

  @Test("Many requests at once: each batch once, each index once")
  func concurrency() async throws {
    let service = try await ToyGraph().service()
    try service.accept(query(batch: 1), connection: 1)
    let pool = WorkerPool(threads: 4)
    let batches = try await withThrowingTaskGroup(of: BatchAnswer.self) { group in
      for _ in 0..<130 {
        group.addTask {
          try await pool.run { service.batch(BatchRequest(query: 1, client: 0), connection: 1, $0) { _ in } }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(batches.map(\.index).sorted() == Array(0..<130))
    for epoch in 0..<10 {
      let own = batches.filter { $0.epoch == epoch }
      #expect(own.flatMap(roots).sorted() == (100..<112).map(Int64.init) && own.count == 13)
    }
  }

  @Test("Batches follow from the seed, whatever the order in which they are computed")
  func seeds() async throws {
    let toy = try await ToyGraph()
    var all: [[[Int64]]] = []
    for seed in [4, 4, 5] as [UInt64] {
      let service = try toy.service(seed: seed)
      try service.accept(query(order: "shuffle"), connection: 1)
      all.append((0..<8).map { _ in next(service).values.flatMap { $0.answer.integers("nid") } })
    }
    #expect(all[0] == all[1] && all[1] != all[2])
  }

  @Test("A query that cannot run is rejected when it is sent")
  func rejections() async throws {
    let service = try await ToyGraph().service()
    func rejected(_ code: LearningError.Code, _ change: (inout QueryDefinition) -> Void) {
      var definition = query()
      change(&definition)
      let error = #expect(throws: LearningError.self, "\(code)") { try service.accept(definition, connection: 1) }
      #expect(error?.code == code && (error?.description.utf8.count ?? 999) <= 126, "\(error as Any)")
    }
    rejected(.unimplemented) { $0.nodes[1].name = "RandomNodeSubGraphSampler" }
    rejected(.unimplemented) { $0.nodes[1].name = "GetStats" }
    rejected(.notFound) { $0.nodes[1].parameters["et"] = .texts("hates") }
    rejected(.notFound) { $0.nodes[0].parameters["nt"] = .texts("nobody") }
    rejected(.invalidArgument) { $0.nodes[1].parameters["nbc"] = nil }
    rejected(.invalidArgument) { $0.nodes[1].parameters["nbc"] = .numbers(-1) }
    rejected(.resourceExhausted) { $0.nodes[1].parameters["nbc"] = .numbers(1 << 23) }
    rejected(.invalidArgument) { $0.nodes[1].inputs[0].id = 99 }
    rejected(.invalidArgument) { $0.nodes[1].inputs = [] }
    rejected(.invalidArgument) { $0.nodes.swapAt(1, 2) }
    rejected(.invalidArgument) { $0.nodes[0].outputs[0].output = "eid" }
    rejected(.invalidArgument) { $0.nodes.removeFirst() }
    rejected(.invalidArgument) { $0.nodes.append($0.nodes[0]) }
    rejected(.resourceExhausted) { $0.nodes = Array(repeating: $0.nodes[3], count: 300) }
  }
}
