import ClientOperations
import Engines
import GraphStore
import Testing
import Turns
import Wire

@testable import EmbeddedAnalytics

@Suite("Label propagation between users and items", .takesTurns)
struct UserItemLabelsTests {
  private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state
    }
  }

  /// A random graph: the users' two labels, and weighted edges to items, some of them parallel.
  private struct Example {
    var users: [[Double]]
    let itemCount: Int
    var edges: [(user: Int, item: Int, weight: Double)]

    init(seed: UInt64) {
      var random = Random(state: seed)
      let choices = [0, 1, 0.5, 0.25]
      let (userCount, itemCount) = (Int.random(in: 1...8, using: &random), Int.random(in: 1...6, using: &random))
      self.itemCount = itemCount
      users = (0..<userCount).map { _ in (0..<2).map { _ in choices.randomElement(using: &random)! } }
      edges = (0..<Int.random(in: 1...20, using: &random)).map { _ in
        (
          Int.random(in: 0..<userCount, using: &random), Int.random(in: 0..<itemCount, using: &random),
          Double(Int.random(in: 1...4, using: &random)) / 2
        )
      }
    }

    func tables(_ fixture: EngineFixture) throws -> [TableSource] {
      let rows = users.enumerated().map { "\($0)|\($1[0])|\($1[1])\n" }.joined()
      let items = (0..<itemCount).map { "\($0 + 100)|x\n" }.joined()
      let edges = edges.map { "\($0.user)|\($0.item + 100)|\($0.weight)\n" }.joined()
      return [
        TableSource(
          role: .vertices(label: "buyer", id: .name("id")), location: try fixture.csv("u.csv", "id|a|b\n" + rows)),
        TableSource(
          role: .vertices(label: "product", id: .name("id")), location: try fixture.csv("i.csv", "id|name\n" + items)),
        TableSource(
          role: .edges(
            label: "likes", sourceLabel: "buyer", destinationLabel: "product", source: .name("s"),
            destination: .name("t")),
          location: try fixture.csv("e.csv", "s|t|w\n" + edges)),
      ]
    }

    /// The definition, one weight at a time.
    func expected(_ place: Int, turns: Int) -> [Double] {
      var label = users.map { $0[place] }
      var items = [Double](repeating: 0, count: itemCount)
      for turn in 0..<max(0, turns) {
        guard turn % 2 == 1 else {
          items = items.indices.map { item in
            edges.reduce(0) { $0 + ($1.item == item ? label[$1.user] * $1.weight : 0) }
          }
          continue
        }
        label = label.indices.map { user in
          guard label[user] != 0, label[user] != 1 else { return label[user] }
          let own = edges.filter { $0.user == user }
          let others = own.reduce(0) { sum, edge in sum + edges.count { $0.item == edge.item } } - own.count
          guard others > 0 else { return label[user] }
          let received = own.reduce(0) { $0 + items[$1.item] * $1.weight } - Double(own.count) * label[user]
          return received / Double(others)
        }
      }
      return label
    }
  }

  @Test("Random graphs, against the definition", arguments: 1...30)
  func random(_ seed: UInt64) async throws {
    let example = Example(seed: seed)
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try example.tables(fixture))
    for rounds in [0, 1, 2, 3, 4, 7] {
      let result = try await fixture.run("lpau2i", on: graph, [.integer(Int64(rounds))])
      for place in 0..<2 {
        guard case .double(let values) = try await fixture.array("r:buyer.label_\(place)", result) else {
          throw EngineFixture.Surprise()
        }
        let expected = example.expected(place, turns: rounds - 1)
        #expect(values.count == expected.count)
        #expect(zip(values, expected).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) }, "round \(rounds)")
      }
    }
  }

  @Test("Properties of all labels can be read with the result, which survives a restart")
  func selectors() async throws {
    let fixture = try await EngineFixture()
    let example = Example(seed: 5)
    let graph = try await fixture.load(try example.tables(fixture))
    let bound = try await fixture.bind("lpau2i", to: graph)
    let result = try await fixture.run(bound)
    #expect(try await fixture.array("v:buyer.a", result) == .double(example.users.map { $0[0] }))
    #expect(try await fixture.array("v:product.id", result) == .int64((0..<example.itemCount).map { Int64($0) + 100 }))
    let before = try await fixture.array("r:buyer.label_0", result)
    for selector in ["r:product.label_0", "v:nobody.id", "v:buyer.age"] {
      let error = await #expect(throws: EngineError.self) { try await fixture.array(selector, result) }
      #expect(error?.code == .unknownName, "\(selector)")
    }
    await (fixture.engine as? EmbeddedAnalyticalEngine)?.suspend()
    let later = try await EngineFixture(after: fixture)
    #expect(
      try await (later.engine as? EmbeddedAnalyticalEngine)?.recover([graph.handle, bound, result]).isEmpty == true)
    #expect(try await later.array("r:buyer.label_0", result) == before)
    #expect(try await later.array("r:buyer.label_0", later.run(bound)) == before)
    #expect(try await later.array("v:buyer.b", result) == .double(example.users.map { $0[1] }))
  }

  @Test("Graphs without users, items, labels or weights are rejected by what they lack")
  func unsuitable() async throws {
    let fixture = try await EngineFixture()
    let modern = try await fixture.load(try fixture.modernGraph())
    let cases: [(vertices: [String: [String]?], edges: [String: [String]?], needs: String)] = [
      (["person": nil], ["knows": nil], "two vertex labels"),
      (["person": ["age"], "software": nil], ["created": nil], "two numeric properties of vertex label 'person'"),
      (["person": nil, "software": nil], ["created": nil], "two numeric properties of vertex label 'person'"),
      (["person": nil, "software": nil], ["created": []], "a numeric property of its first edge label"),
    ]
    for (vertices, edges, needs) in cases {
      let projected = try await fixture.graph(.project(vertices: vertices, edges: edges), modern.handle)
      let error = await #expect(throws: EngineError.self) { try await fixture.run("lpau2i", on: projected) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains(needs) == true, "\(String(describing: error))")
    }
    let simple = try await fixture.simple(modern, vertices: ["person": []], edges: ["knows": []])
    let error = await #expect(throws: EngineError.self) { try await fixture.run("lpau2i", on: simple) }
    #expect(error?.message.contains("requires a property graph") == true)
  }
}
