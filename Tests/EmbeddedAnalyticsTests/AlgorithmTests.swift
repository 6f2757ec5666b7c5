import EmbeddedAnalytics
import Engines
import Testing
import Turns

@Suite("The catalogue of algorithms", .takesTurns)
struct AlgorithmTests {
  private let triangle = TestGraph("triangle", 3, [(0, 1), (1, 2), (2, 0)], directed: false)

  @Test("an unknown name fails with the message that clients expect")
  func unknownName() {
    #expect(throws: EngineError(.unknownName, "Algorithm does not exist in the gar resource.")) {
      try Algorithms.builtIn.named("no_such_app")
    }
  }

  @Test(
    "the error for an algorithm that is not built in lists the available ones",
    arguments: ["flash_fluid_community", "giraph:a.B"])
  func unimplemented(_ name: String) {
    let error = #expect(throws: EngineError.self) { try Algorithms.builtIn.named(name) }
    #expect(error?.code == .unimplemented)
    #expect(error?.description.contains("'\(name)'") == true)
    for offered in ["bfs", "cdlp", "katz_centrality", "lcc", "pagerank", "sssp", "wcc"] {
      #expect(error?.hint.contains(offered) == true)
    }
  }

  @Test("omitted arguments have the client's defaults")
  func defaults() async throws {
    let few = try await run("pagerank", on: triangle.simple()).doubles
    let all = try await run("pagerank", on: triangle.simple(), [.double(0.85), .integer(10)]).doubles
    #expect(few == all)
    #expect(try await run("bfs", on: triangle.simple()).integers == [0, 1, 1])
  }

  @Test("integers are accepted as numbers")
  func conversion() async throws {
    let result = try await run("pagerank", on: triangle.simple(), [.integer(1), .double(10)]).doubles
    #expect(agree(result, [1.0 / 3, 1.0 / 3, 1.0 / 3]))
  }

  @Test("an argument of a wrong type is named")
  func wrongKind() async throws {
    let error = await #expect(throws: EngineError.self) {
      try await run("pagerank", on: triangle.simple(), [.string("much")])
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "argument 'delta' of algorithm 'pagerank' must be a number")
  }

  @Test(
    "an invalid number is rejected with the valid range",
    arguments: [
      ("pagerank", [QueryValue.double(2)], "'delta' of algorithm 'pagerank' must be from 0 to 1", "2"),
      ("pagerank", [.double(-1)], "'delta' of algorithm 'pagerank' must be from 0 to 1", "-1"),
      ("pagerank", [.double(.nan)], "'delta' of algorithm 'pagerank' must be from 0 to 1", "nan"),
      ("pagerank_directed", [.double(.infinity)], "must be from 0 to 1", "inf"),
      ("pagerank", [.double(0.85), .integer(-5)], "'max_round' of algorithm 'pagerank' must be 0 or more", "-5"),
      ("pagerank", [.double(0.85), .double(2.5)], "'max_round' of algorithm 'pagerank' must be an integer", "2.5"),
      ("pagerank", [.double(0.85), .bool(true)], "'max_round' of algorithm 'pagerank' must be an integer", "True"),
      ("pagerank", [.bool(true)], "'delta' of algorithm 'pagerank' must be a number", "True"),
      ("cdlp", [.integer(-1)], "'max_round' of algorithm 'cdlp' must be 0 or more", "-1"),
      ("cdlp", [.string("ten")], "'max_round' of algorithm 'cdlp' must be an integer", "'ten'"),
      (
        "bfs", [.string("1")], "'src' of algorithm 'bfs' must be an integer, like the vertex ids of this graph", "'1'"
      ),
      ("sssp", [.double(0.5)], "'src' of algorithm 'sssp' must be a vertex id", "0.5"),
      ("sssp", [.bytes([1, 2])], "'src' of algorithm 'sssp' must be a vertex id", "2 bytes"),
    ])
  func nonsense(_ name: String, _ arguments: [QueryValue], _ message: String, _ evidence: String) async throws {
    let error = await #expect(throws: EngineError.self) { try await run(name, on: triangle.simple(), arguments) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.hasSuffix(message) == true, "\(error?.message ?? "")")
    #expect(error?.evidence == evidence)
  }

  @Test("too many arguments are an error")
  func tooMany() async throws {
    let error = await #expect(throws: EngineError.self) {
      try await run("wcc", on: triangle.simple(), [.integer(1)])
    }
    // The class and the words in parentheses are those of GraphScope's engine.
    #expect(error?.code == .engineFailure)
    #expect(error?.message == "algorithm 'wcc' takes 0 arguments, not 1")
    #expect(error?.evidence.contains("args_num >= query_args.args_size()") == true)
  }

  @Test("a negative weight is rejected with its value", arguments: [-1.5, .nan])
  func negativeWeight(_ weight: Double) async throws {
    var graph = triangle
    graph.edges[1].weight = weight
    let error = await #expect(throws: EngineError.self) { try await run("sssp", on: graph.simple()) }
    #expect(error?.code == .invalidValue)
    #expect(error?.evidence == "\(weight)")
    #expect(error?.message.contains("'weight'") == true)
  }

  @Test("with text ids, components are numbers and labels are texts")
  func texts() async throws {
    // The values come from recording 06 and from the native engine.
    let graph = TestGraph(
      "modern", 5, [(3, 0), (3, 2)], directed: false, weights: [0.5, 1], texts: ["i2", "i6", "i4", "i1", "zz"])
    #expect(try await run("wcc", on: graph.simple()).unsigned == [0, 1, 0, 0, 4])
    let labels = try #require(try await run("cdlp", on: graph.simple()).vertices)
    #expect(labels.map { graph.texts![Int($0)] } == ["i2", "i6", "i2", "i1", "zz"])
    let far = Double.greatestFiniteMagnitude
    #expect(try await run("sssp", on: graph.simple(), [.string("i1")]).doubles == [0.5, far, 1, 0, far])
    #expect(try await run("sssp", on: graph.simple(), [.string("i3")]).doubles == [far, far, far, far, far])
    // The client's default is a number as well.
    for arguments in [[], [QueryValue.integer(1)]] {
      let error = await #expect(throws: EngineError.self) { try await run("sssp", on: graph.simple(), arguments) }
      #expect(
        error?.message == "argument 'src' of algorithm 'sssp' must be a string, like the vertex ids of this graph")
    }
  }
}
