import Gremlin
import QueryAlgebra
import QueryValues
import Testing

@Suite("Compiling traversals")
struct GremlinCompilerTests {
  private func compile(_ text: String) throws -> TraversalQuery {
    try GremlinCompiler.compile(GremlinParser.parse(text))
  }

  @Test("A simple chain is recognisable")
  func chain() throws {
    let query = try compile("g.V().has('age', gt(30)).out('knows').count()")
    let steps = query.traversal.steps.map(\.operation)
    guard steps.count == 4, case .vertices(nil) = steps[0], case .has(.property("age"), .greater) = steps[1],
      case .adjacent(.out, labels: ["knows"]) = steps[2], case .reduce(.count, .global) = steps[3]
    else {
      Issue.record("other steps: \(steps)")
      return
    }
    #expect(query.history == .none)
  }

  @Test(
    "Only what is read of histories is kept",
    arguments: [
      ("g.V().out().values('name')", TraversalQuery.HistoryNeed.none), ("g.V().as('a').out().select('a')", .labels),
      ("g.V().out().path()", .all), ("g.V().repeat(out().simplePath()).times(2)", .all),
      ("g.V().outE().otherV()", .all),
    ])
  func history(text: String, need: TraversalQuery.HistoryNeed) throws {
    #expect(try compile(text).history == need)
  }

  @Test(
    "Wrong steps and arguments are rejected",
    arguments: [
      "g.V().foo()", "g.out()", "g.V().limit('a')", "g.V().has()", "g.V().by('x')", "g.V().times(2).out()",
      "g.V().group().by('a').by('b').by('c')", "g.V().range(3, 1)", "g.V().math('1 +')", "g.V().math('(((')",
      "g.V().project('a', 'a')", "g.V().dedup().by('a').by('b')", "g.V().out().with('x', 'y')",
    ])
  func mistakes(text: String) throws {
    let error = try #require(throws: QueryError.self) { _ = try compile(text) }
    #expect(error.kind == .syntax || error.kind == .argument)
  }

  @Test(
    "What writes, needs a graph computer or reaches outside is rejected by name",
    arguments: [
      "g.addV('a')", "g.V().drop()", "g.V().property('a', 1)", "g.V().pageRank()", "g.withComputer().V()",
      "g.call('x')",
      "g.io('x').read()", "g.withStrategies(ElementIdStrategy).V()", "g.V().where(expr('1 = 1'))",
    ])
  func unsupported(text: String) throws {
    let error = try #require(throws: QueryError.self) { _ = try compile(text) }
    #expect(error.kind == .unsupported)
  }

  @Test("Options of the source are read")
  func options() throws {
    let query = try compile("g.with('evaluationTimeout', 500L).withSack(1).withSideEffect('x', [1]).V().profile()")
    #expect(query.timeout == 500)
    #expect(query.sack != nil)
    #expect(query.sideEffects.map(\.name) == ["x"])
    #expect(query.mode == .profile)
  }
}
