import EmbeddedAnalytics
import Engines
import GraphStore
import Testing
import Turns

@Suite("The catalogue of algorithms answers what exists", .takesTurns)
struct AlgorithmTests {
  private let triangle = TestGraph("triangle", 3, [(0, 1), (1, 2), (2, 0)], directed: false)

  @Test("a name nobody knows gets the client's text")
  func unknownName() {
    #expect(throws: EngineError(.unknownName, "Algorithm does not exist in the gar resource.")) {
      try Algorithms.named("no_such_app")
    }
  }

  @Test(
    "a name that GraphScope knows and this engine does not is told what exists", arguments: ["louvain", "giraph:a.B"])
  func unimplemented(_ name: String) {
    let error = #expect(throws: EngineError.self) { try Algorithms.named(name) }
    #expect(error?.code == .unimplemented)
    #expect(error?.description.contains("'\(name)'") == true)
    for algorithm in Algorithms.offered { #expect(error?.hint.contains(algorithm.name) == true) }
  }

  @Test("arguments that are left out have the client's defaults")
  func defaults() async throws {
    let few = try await run("pagerank", on: triangle.simple()).doubles
    let all = try await run("pagerank", on: triangle.simple(), [.double(0.85), .integer(10)]).doubles
    #expect(few == all)
    #expect(try await run("bfs", on: triangle.simple()).integers == [0, 1, 1])
  }

  @Test("an integer is a number, too")
  func conversion() async throws {
    let result = try await run("pagerank", on: triangle.simple(), [.integer(1), .double(10)]).doubles
    #expect(agree(result, [1.0 / 3, 1.0 / 3, 1.0 / 3]))
  }

  @Test("an argument of a wrong kind is named")
  func wrongKind() async throws {
    let error = await #expect(throws: EngineError.self) {
      try await run("pagerank", on: triangle.simple(), [.string("much")])
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "argument 'delta' of algorithm 'pagerank' must be a number")
  }

  @Test("more arguments than there are is a mistake")
  func tooMany() async throws {
    let error = await #expect(throws: EngineError.self) {
      try await run("wcc", on: triangle.simple(), [.integer(1)])
    }
    #expect(error?.message == "algorithm 'wcc' takes 0 arguments, not 1")
  }

  @Test("a negative weight is refused with its value", arguments: [-1.5, .nan])
  func negativeWeight(_ weight: Double) async throws {
    var graph = triangle
    graph.edges[1].weight = weight
    let error = await #expect(throws: EngineError.self) { try await run("sssp", on: graph.simple()) }
    #expect(error?.code == .invalidValue)
    #expect(error?.evidence == "\(weight)")
    #expect(error?.message.contains("'weight'") == true)
  }

  @Test("with text ids, components have numbers and labels are texts")
  func texts() async throws {
    // The values are those of the recording 06 and of the native engine.
    let graph = TestGraph(
      "modern", 5, [(3, 0), (3, 2)], directed: false, weights: [0.5, 1], texts: ["i2", "i6", "i4", "i1", "zz"])
    #expect(try await run("wcc", on: graph.simple()).unsigned == [0, 1, 0, 0, 4])
    let labels = try #require(try await run("cdlp", on: graph.simple()).vertices)
    #expect(labels.map { graph.texts![Int($0)] } == ["i2", "i6", "i2", "i1", "zz"])
    let far = Double.greatestFiniteMagnitude
    #expect(try await run("sssp", on: graph.simple(), [.string("i1")]).doubles == [0.5, far, 1, 0, far])
    #expect(try await run("sssp", on: graph.simple(), [.integer(1)]).doubles == [far, far, far, far, far])
  }
}
