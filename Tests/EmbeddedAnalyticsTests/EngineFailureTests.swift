import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Wire

@Suite("Failures have the messages that clients expect and leave nothing behind", .takesTurns)
struct EngineFailureTests {
  /// Returns the error of an operation on the modern graph.
  private func failure(
    _ operation: Engines.Operation, on graph: GraphDescription, _ fixture: EngineFixture
  ) async -> EngineError? {
    do {
      _ = try await fixture.perform(operation, graph.handle)
      return nil
    } catch { return error as? EngineError }
  }

  @Test("invalid projections")
  func projections() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let cases: [(Engines.Operation, EngineError.Code, String)] = [
      (.project(vertices: ["nope": []], edges: ["knows": []]), .unknownName, "nope not exists."),
      (.project(vertices: ["person": []], edges: ["nope": []]), .unknownName, "nope not exists."),
      (.project(vertices: ["person": ["nope"]], edges: ["knows": []]), .unknownName, "nope"),
      (.project(vertices: ["person": []], edges: ["knows": ["nope"]]), .unknownName, "nope"),
      (
        .project(vertices: ["software": []], edges: ["knows": []]), .invalidValue,
        "Cannot find a valid relation in given vertices and edges"
      ),
      (
        .projectToSimple(vertexProperty: "age", edgeProperty: nil), .runtimeFailure,
        "Property age doesn't exists in all vertex labels"
      ),
      (
        .projectToSimple(vertexProperty: nil, edgeProperty: "nope"), .runtimeFailure,
        "Property nope doesn't exists in all edge labels"
      ),
    ]
    for (operation, code, message) in cases {
      let error = await failure(operation, on: graph, fixture)
      #expect(error?.code == code && error?.message == message, "\(operation)")
    }
  }

  @Test("a property hidden by an earlier projection is distinguished from one that does not exist")
  func hidden() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let projected = try await fixture.graph(.project(vertices: ["person": []], edges: ["knows": []]), graph.handle)
    let again = Engines.Operation.project(vertices: ["person": ["age"]], edges: ["knows": []])
    #expect(
      await failure(again, on: projected, fixture) == EngineError(.invalidValue, "age not exist in properties"))
    let vertex = Engines.Operation.project(vertices: ["software": []], edges: ["knows": []])
    #expect(
      await failure(vertex, on: projected, fixture)
        == EngineError(.invalidValue, "Vertex software not exists in graph"))
    let edge = Engines.Operation.project(vertices: ["person": []], edges: ["created": []])
    #expect(
      await failure(edge, on: projected, fixture) == EngineError(.invalidValue, "Edge created not exists in graph"))
  }

  @Test("graphs that cannot be projected to a simple graph")
  func simple() async throws {
    let fixture = try await EngineFixture()
    let empty = try await fixture.load([])
    let simple = Engines.Operation.projectToSimple(vertexProperty: nil, edgeProperty: nil)
    #expect(
      await failure(simple, on: empty, fixture)
        == EngineError(.runtimeFailure, "Failed to project to simple graph as no vertex exists in this graph."))
    let people = try await fixture.load([try fixture.modernGraph()[0]])
    #expect(
      await failure(simple, on: people, fixture)
        == EngineError(.runtimeFailure, "Failed to project to simple graph as no edge exists in this graph."))
    let crossing = try await fixture.load([
      TableSource(
        role: .edges(label: "e", sourceLabel: "a", destinationLabel: "b", source: .index(0), destination: .index(1)),
        location: try fixture.csv("e.csv", "s|d\n1|2\n"))
    ])
    let one = try await fixture.graph(.project(vertices: ["a": [], "b": []], edges: ["e": []]), crossing.handle)
    #expect(await failure(simple, on: one, fixture) == nil, "two labels are flattened")
  }

  @Test("invalid selectors")
  func selectors() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let simple = try await fixture.simple(graph, vertices: ["person": []], edges: ["knows": []])
    let result = try await fixture.run("bfs", on: simple, [.integer(1)])
    for selector in ["r.bogus", "v.label_id", "v.foo", "x", "", "r:person", "v:person.id"] {
      let error = await #expect(throws: EngineError.self) { try await fixture.array(selector, result) }
      #expect(error?.code == .invalidSyntax)
      #expect(
        error?.message
          == "Invalid selector: `\(selector)`. Please inspect the result with `ret.schema` and choose a valid selector."
      )
    }
    let data = await #expect(throws: EngineError.self) { try await fixture.array("v.data", result) }
    #expect(data?.code == .notApplicable)
    let projected = try await fixture.graph(
      .project(vertices: ["person": ["age"]], edges: ["knows": []]), graph.handle)
    let cases: [(String, GraphDescription, EngineError)] = [
      ("v:nope.id", graph, EngineError(.unknownName, "nope not exists.")),
      ("e:knows.weight", graph, EngineError(.unknownName, "knows not exists.")),
      ("v:person.nope", graph, EngineError(.unknownName, "nope")),
      ("v:software.name", projected, EngineError(.invalidValue, "Vertex software not exists in graph")),
      ("v:person.name", projected, EngineError(.invalidValue, "name not exist in properties")),
    ]
    for (selector, graph, expected) in cases {
      let error = await #expect(throws: EngineError.self) { try await fixture.array(selector, graph.handle) }
      #expect(error == expected)
    }
    #expect(try await fixture.array("v:person.id", projected.handle) == .int64([2, 6, 4, 1]))
    let mixed = await #expect(throws: EngineError.self) {
      try await fixture.frame(["a": "v:person.id", "b": "v:software.id"], graph.handle)
    }
    #expect(mixed?.code == .invalidArgument)
  }

  @Test("algorithms and operations that are not built in")
  func unknown() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let app = await #expect(throws: EngineError.self) { try await fixture.run("no_such_app", on: graph) }
    #expect(app == EngineError(.unknownName, "Algorithm does not exist in the gar resource."))
    let missing = await #expect(throws: EngineError.self) { try await fixture.run("flash_fluid_community", on: graph) }
    #expect(missing?.code == .unimplemented)
    let property = await #expect(throws: EngineError.self) { try await fixture.run("bfs", on: graph) }
    #expect(property?.code == .invalidArgument)
    let archive = await #expect(throws: EngineError.self) {
      try await fixture.perform(.createApplication(algorithm: "mine", archive: [1, 2, 3]))
    }
    #expect(archive?.code == .compilationFailure)
    let other = await #expect(throws: EngineError.self) {
      try await fixture.perform(.plain(.archiveGraph), graph.handle)
    }
    #expect(other?.code == .unimplemented)
    #expect(
      other?.message == "graph.save_to() in GraphAr's format is not built into the embedded analytical engine",
      "in the words of users")
    for error in [missing, other] {
      #expect(error?.hint.contains("--engine graphscope") == true)
      #expect(error?.description.contains("_GRAPH") == false, "no operation of the protocol")
    }
    let stored = await #expect(throws: EngineError.self) {
      try await fixture.perform(.graphFromStore)
    }
    #expect(stored?.code == .engineFailure && stored?.message.hasPrefix("Object not exists") == true)
  }

  @Test("a failed load names file, line, column and value, and leaves no file")
  func loading() async throws {
    let fixture = try await EngineFixture()
    var sources = try fixture.modernGraph()
    sources[2].location = try fixture.csv("bad.csv", "src_id|dst_id|weight\n1|2|0.5\nx7|4|1.0\n")
    if case .csv(let path, var options) = sources[2].location {
      options.columns = [(.name("src_id"), "int64_t"), (.name("dst_id"), "int64_t"), (.name("weight"), nil)]
      sources[2].location = .csv(path: path, options)
    }
    let bad = await #expect(throws: EngineError.self) { try await fixture.load(sources) }
    #expect(bad?.code == .engineFailure)
    for part in ["bad.csv", "line 3", "src_id", "x7"] {
      #expect(bad?.description.contains(part) == true, "\(part) in \(bad?.description ?? "")")
    }
    sources[2].location = .csv(path: fixture.root + "/nowhere.csv", CSVOptions())
    let missing = await #expect(throws: EngineError.self) { try await fixture.load(sources) }
    #expect(missing?.code == .engineFailure && missing?.message.contains("nowhere.csv") == true)
    sources[2].location = .other(protocol: "hdfs", source: "hdfs://a/b")
    let other = await #expect(throws: EngineError.self) { try await fixture.load(sources) }
    #expect(other?.code == .unimplemented && other?.evidence == "hdfs://a/b")
    #expect(fixture.files == [])
  }

  @Test("a cancelled load stops and leaves no file")
  func cancelledLoad() async throws {
    let fixture = try await EngineFixture()
    let text = "id\n" + (0..<300_000).map { "\($0 * 7919 % 1_000_003)\n" }.joined()
    let source = TableSource(
      role: .vertices(label: "v", id: .index(0)), location: try fixture.csv("large.csv", text))
    // The load waits at its first line, on a thread of the pool, until it is cancelled.
    final class Gate: ProgressLog {
      let arrivals = AsyncStream.makeStream(of: Void.self)
      private let opened = DispatchSemaphore(value: 0)
      func info(_ line: String) {
        arrivals.continuation.yield()
        opened.wait()
        opened.signal()
      }
      func open() { opened.signal() }
    }
    let gate = Gate()
    let job = Task {
      try await fixture.engine.perform(
        .createGraph(GraphOptions(), GraphLayout()), on: [.tables([source])], log: gate)
    }
    for await _ in gate.arrivals.stream { break }
    job.cancel()
    gate.open()
    await #expect(throws: CancellationError.self) { _ = try await job.value }
    #expect(fixture.files == [])
  }
}
