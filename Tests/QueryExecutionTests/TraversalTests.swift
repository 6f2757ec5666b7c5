import Gremlin
import QueryAlgebra
import QueryExecution
import QueryValues
import Testing

@Suite("Traversals")
struct TraversalTests {
  /// The results of a script as texts, each as often as it counts.
  private func run(
    _ text: String, limits: TraversalLimits = TraversalLimits(), isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> [String] {
    let query = try GremlinCompiler.compile(GremlinParser.parse(text))
    let results = Results()
    try TraversalExecution(query, graph: TraversalGraph.people, limits: limits, isCancelled: isCancelled).run {
      value, bulk in
      results.texts += Array(repeating: TraversalTests.text(value), count: Int(bulk))
      return true
    }
    return results.texts
  }

  private final class Results {
    var texts: [String] = []
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)L"
    case .integer32(let value): "\(value)"
    case .float(let value): "\(value)"
    case .float32(let value): "\(value)f"
    case .string(let value): value
    case .list(let values): "[" + values.map(text).joined(separator: ",") + "]"
    case .set(let values): "{" + values.map(text).joined(separator: ",") + "}"
    case .map(let map): "<" + map.entries.map { "\(text($0.key)):\(text($0.value))" }.joined(separator: ",") + ">"
    case .vertex(let vertex): "v\(vertex.id)"
    case .edge(let edge): "e\(edge.id)"
    case .path(let path): "(" + path.objects.map(text).joined(separator: "-") + ")"
    case .property(let property): "\(property.key)=\(text(property.value))"
    case .token(let token): "T.\(token.rawValue)"
    case .temporal(.dateTime(let time)): GremlinDateTime.text(time)
    case .temporal: "time"
    }
  }

  @Test(
    "Filters",
    arguments: [
      ("g.V().has('age', gt(26)).values('name')", ["ann", "cid"]), ("g.V('0', 2L, 99).id()", ["0L", "2L"]),
      ("g.V(null)", []), ("g.V([])", []), ("g.V().hasLabel('work').values('name')", ["map", "song"]),
      ("g.V().hasNot('age').count()", ["2L"]), ("g.V().not(out()).values('name')", ["bob", "map", "song"]),
      ("g.V().or(has('age', 41), has('kind')).count()", ["3L"]),
      ("g.V().has('name', TextP.regex('^[ab]')).count()", ["2L"]),
      ("g.V().out('knows').out().dedup().by('kind').values('name')", ["map"]),
      ("g.V().values('age').is(25).count()", ["2L"]),
      ("g.V().range(1, 3).id()", ["1L", "2L"]), ("g.V().tail(2).id()", ["4L", "5L"]), ("g.inject(1).is(lt('a'))", []),
      ("g.inject(1).not(is(lt('a')))", []), ("g.inject(NaN).is(neq(NaN)).count()", ["1L"]),
      ("g.V().as('a').out('knows').where(gt('a')).by('age').values('name')", ["cid"]),
      ("g.V().as('a').out('made').in('made').where(neq('a')).count()", ["6L"]),
      ("g.V().where(__.as('x').out('knows')).count()", ["0L"]), ("g.V().coin(1.0).count()", ["6L"]),
      ("g.V(0).both().both().simplePath().path().by('name').limit(1)", ["(ann-cid-dan)"]),
    ] as [(String, [String])])
  func filters(text: String, expected: [String]) throws {
    #expect(try run(text) == expected)
  }

  @Test(
    "Maps, projections that yield nothing, and local scope",
    arguments: [
      ("g.V(0).valueMap('name')", ["<name:[ann]>"]),
      ("g.V(4).elementMap()", ["<T.id:4L,T.label:work,name:map,kind:art>"]),
      (
        "g.E().hasLabel('made').limit(1).elementMap('weight')",
        ["<T.id:3L,T.label:made,T.IN:<T.id:4L,T.label:work>,T.OUT:<T.id:0L,T.label:person>,weight:0.2>"]
      ),
      ("g.V().order().by('age', desc).values('name')", ["cid", "ann", "bob", "dan"]),
      ("g.V().groupCount().by('age')", ["<30:1L,25:2L,41:1L>"]),
      ("g.V().group().by(label).by('age')", ["<person:[30,25,41,25],work:[]>"]),
      ("g.V().fold().count(local)", ["6L"]), ("g.V().values('age').fold().max(Scope.local)", ["41"]),
      ("g.V().values('age').fold(0, Operator.sum)", ["121"]), ("g.V().values('none').sum()", []),
      ("g.V().values('none').count()", ["0L"]),
      ("g.inject([1,2,3]).limit(local, 1)", ["1"]), ("g.inject([a:1,b:2]).limit(local, 1)", ["<a:1>"]),
      ("g.V(2).project('n', 'k').by('name').by('kind')", ["<n:cid,k:null>"].map { $0.replacing(",k:null", with: "") }),
      (
        "g.V(0).as('a').has('name', 'ann').as('b').as('c').select('a', 'b', 'c').by().by('name').by('age')",
        ["<a:v0,b:ann,c:30>"]
      ),
      ("g.V(4).as('a').in('made').as('a').select(Pop.all, 'a').count(local)", ["2L", "2L", "2L"]),
      ("g.V(0).as('a').math('_ * 2 + a').by('age')", ["90.0"]), ("g.V().values('age').mean()", ["30.25"]),
      ("g.V(0).out('knows').path().by('name').by(T.label)", ["(ann-person)", "(ann-person)"]),
      ("g.inject('a-b').split('-').conjoin('+')", ["a+b"]), ("g.inject('Hello').substring(1, -1).toUpper()", ["ELL"]),
      ("g.inject([3,1,2]).order(local).by(desc)", ["[3,2,1]"]),
      ("g.V().group().by('age').by(count()).unfold().select(keys)", ["30", "25", "41"]),
      ("g.inject('2024-02-28T23:00:00Z').asDate().dateAdd(DT.hour, 2)", ["2024-02-29T01:00Z"]),
      ("g.V().out().tree().count(local)", ["3L"]), ("g.V(0).index()", ["[[v0,0]]"]),
    ] as [(String, [String])])
  func maps(text: String, expected: [String]) throws {
    #expect(try run(text) == expected)
  }

  @Test(
    "Branches, loops and side effects",
    arguments: [
      ("g.V(0).repeat(out()).times(2).values('name')", ["dan", "map", "song"]),
      ("g.V(0).repeat(out('knows')).emit().values('name')", ["bob", "cid", "dan"]),
      ("g.V(0).emit().repeat(out('knows')).times(1).values('name')", ["ann", "bob", "cid"]),
      ("g.V(0).repeat(out()).until(hasLabel('work')).values('name')", ["map", "map", "song", "map"]),
      ("g.V().repeat(both()).times(9).count()", nil), ("g.V(0).until(loops().is(2)).repeat(out()).count()", ["3L"]),
      ("g.V(0).union(out('knows'), out('made')).values('name')", ["bob", "cid", "map"]),
      ("g.V().choose(hasLabel('person'), out('made'), identity()).count()", ["6L"]),
      ("g.V().coalesce(values('age'), values('kind')).fold()", ["[30,25,41,25,art,art]"]),
      ("g.V().choose(values('age')).option(25, constant('young')).option(none, constant('old')).fold()", nil),
      ("g.V(1).optional(out()).values('name')", ["bob"]), ("g.V().local(out().limit(1)).count()", ["3L"]),
      ("g.V().store('x').limit(2).cap('x')", ["[v0,v1]"]),
      ("g.V().aggregate('x').limit(2).cap('x').count(local)", ["6L"]),
      ("g.withSack(1).V(0).repeat(outE().sack(mult).by('weight').inV()).times(2).sack()", ["0.25", "0.2", "0.2"]),
      (
        "g.V().match(__.as('a').out('knows').as('b'), __.as('b').out('made').as('c')).select('a', 'c').by('name')",
        ["<a:ann,c:map>", "<a:ann,c:song>", "<a:cid,c:map>"]
      ),
      (
        "g.V().match(__.as('a').out('made').as('w'), __.as('w').in('made').as('b'), where('a', lt('b')).by('age')).count()",
        ["3L"]
      ),
      ("g.union(V().count(), E().count())", ["6L", "7L"]), ("g.V().hasLabel('none').union(count())", []),
      ("g.V().groupCount('x').by(label).cap('x')", ["<person:4L,work:2L>"]),
      ("g.V(0).out('1..3', 'knows').endV().values('name')", ["bob", "cid", "dan"]),
      ("g.V(0).out('1..2', 'knows').with('RESULT_OPT', 'ALL_V')", ["(v0-v1)", "(v0-v2)"]),
      ("g.V().hasNext()", ["true"]), ("g.V().values('age').toSet()", ["30", "25", "41"]), ("g.V().iterate()", []),
      ("g.withStrategies(new SubgraphStrategy(vertices: hasLabel('person'))).V().out().count()", ["3L"]),
      (
        "g.withStrategies(new SubgraphStrategy(edges: has('weight', gt(0.4)))).V().out().path().count(local)",
        ["2L", "2L"]
      ),
    ] as [(String, [String]?)])
  func branches(text: String, expected: [String]?) throws {
    let results = try run(text)
    if let expected { #expect(results == expected) } else { #expect(!results.isEmpty) }
  }

  @Test("A limit ends a loop that has no end")
  func lazy() throws {
    #expect(try run("g.V(0).repeat(both()).emit().limit(5).count()") == ["5L"])
  }

  @Test("Equal traversers in loops are counted, not walked")
  func bulk() throws {
    #expect(try run("g.V().repeat(both()).times(20).count()").first?.count ?? 0 > 8)
  }

  @Test("More results than 64 bits can count are an error")
  func overflow() throws {
    let error = try #require(throws: QueryError.self) { _ = try run("g.V().repeat(both()).times(200).count()") }
    #expect(error.kind == .arithmetic || error.kind == .memory)
  }

  @Test("An endless loop is cancelled")
  func cancelled() throws {
    let error = try #require(throws: QueryError.self) {
      _ = try run("g.V().repeat(both().as('a')).until(has('none')).count()", isCancelled: Countdown(20).reachesZero)
    }
    #expect(error.kind == .cancelled)
  }

  @Test("Time is limited by the traversal itself")
  func timeout() throws {
    let error = try #require(throws: QueryError.self) {
      _ = try run("g.with('evaluationTimeout', 1).V().repeat(both().as('a')).until(has('none')).count()")
    }
    #expect(error.kind == .timeout)
  }

  @Test(
    "Barriers hold a bounded number of objects",
    arguments: [
      "g.V().repeat(both().as('a')).until(has('none'))", "g.V().as('a').repeat(both().as('b')).times(30).fold()",
      "g.inject(1).repeat(union(identity(), identity()).aggregate('x')).times(60)",
    ])
  func memory(text: String) throws {
    let error = try #require(throws: QueryError.self) { _ = try run(text, limits: TraversalLimits(held: 10_000)) }
    #expect(error.kind == .memory)
  }

  @Test("Collections that a loop nests without end are refused")
  func nesting() throws {
    let error = try #require(throws: QueryError.self) { _ = try run("g.inject(1).repeat(fold()).times(1000000)") }
    #expect(error.kind == .memory)
  }

  @Test(
    "Errors name what failed",
    arguments: [
      "g.V().fail('stop')", "g.V().values('name').out()", "g.V().cap('x')", "g.V().values('name').sum()",
      "g.inject(1).has('a')",
    ])
  func errors(text: String) throws {
    #expect(throws: QueryError.self) { try run(text) }
  }
}

/// Answers true from a number of questions on.
private final class Countdown: @unchecked Sendable {
  private var left: Int

  init(_ count: Int) { left = count }

  var reachesZero: @Sendable () -> Bool {
    {
      self.left -= 1
      return self.left < 0
    }
  }
}
