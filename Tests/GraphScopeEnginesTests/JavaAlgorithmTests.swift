import Engines
import Testing

@testable import GraphScopeEngines

@Suite struct JavaAlgorithmTests {
  private let installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
  private let runtime = "/gs/lib/grape-runtime-0.29.0-shaded.jar"
  private let giraph = "/gs/lib/grape-giraph-0.29.0-shaded.jar"

  @Test func namesOfAlgorithmsInJava() throws {
    #expect(JavaAlgorithm("pagerank") == nil)
    #expect(JavaAlgorithm("my_java_pie:x") == nil)
    let pie = try #require(JavaAlgorithm("java_pie:com.example.Bfs"))
    #expect(pie.className == "com.example.Bfs" && !pie.isGiraph)
    let giraph = try #require(JavaAlgorithm("giraph:com.example.Sssp"))
    #expect(giraph.className == "com.example.Sssp" && giraph.isGiraph)
  }

  @Test func whatIsNotInstalledIsNamedWithWhereItIsToBeHad() throws {
    let none = FakeFiles(programs: [], others: [])
    let pie = try #require(JavaAlgorithm("java_pie:com.example.Bfs")).refusal(installation, none)
    #expect(pie.code == .unimplemented)
    #expect(pie.message.contains("com.example.Bfs") && pie.message.contains(runtime) && !pie.message.contains(giraph))
    #expect(pie.hint.contains("graphscope.home"))
    let both = try #require(JavaAlgorithm("giraph:com.example.Sssp"))
    #expect(both.refusal(installation, none).message.contains("\(runtime), \(giraph)"))
    let half = both.refusal(installation, FakeFiles(programs: [], others: [runtime]))
    #expect(half.message.contains(giraph) && !half.message.contains(runtime))
    let installed = both.refusal(installation, FakeFiles(programs: [], others: [runtime, giraph]))
    #expect(!installed.message.contains("not installed"))
  }
}
