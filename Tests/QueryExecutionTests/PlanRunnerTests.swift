import QueryAlgebra
import QueryExecution
import QueryValues
import Testing
import Workers

@Suite struct PlanRunnerTests {
  private func rows(
    _ plan: Plan, slots: Int, columns: [Int], on graph: MemoryGraph = modernGraph(),
    limits: ExecutionLimits = ExecutionLimits(), cancellation: Cancellation = Cancellation()
  ) throws -> [[Value]] {
    var rows: [[Value]] = []
    let query = Query(plan: plan, slots: slots, columns: columns.map { ("c\($0)", $0) })
    try query.run(on: graph, functions: functionContext(graph), limits: limits, cancellation: cancellation) { row in
      rows.append(row)
      return true
    }
    return rows
  }

  private func count(
    _ plan: Plan, slots: Int, on graph: MemoryGraph = modernGraph()
  ) throws -> Int { try rows(plan, slots: slots, columns: [0], on: graph).count }

  private func both(_ input: Plan, _ from: Int, _ edge: Int, _ to: Int, distinctFrom: [Int] = []) -> Plan {
    .expand(input, Expansion(from: from, edge: edge, to: to, direction: .both, labels: nil, distinctFrom: distinctFrom))
  }

  @Test func aPatternOfOneClauseFollowsNoEdgeTwice() throws {
    let vertices = Plan.scanVertices(.argument, slot: 0, labels: nil)
    let step = both(vertices, 0, 1, 2)
    #expect(try count(both(step, 2, 3, 4, distinctFrom: [1]), slots: 5) == 18)
    #expect(try count(both(step, 2, 3, 4), slots: 5) == 30)
  }

  @Test func aLoopIsOneUndirectedStep() throws {
    var graph = MemoryGraph()
    let vertex = graph.addVertex(labels: [])
    _ = graph.addEdge(from: vertex, to: vertex, label: "LOOP")
    #expect(try count(both(.scanVertices(.argument, slot: 0, labels: nil), 0, 1, 2), slots: 3, on: graph) == 1)
  }

  @Test(arguments: [
    (EdgeDirection.both, 1, nil as Int?, 13), (.out, 1, nil, 5), (.both, 1, 2, 7), (.out, 0, nil, 6), (.out, 3, nil, 0),
    (.out, 0, 0, 1),
  ])
  func trailsRespectBoundsAndRepeatNoEdge(
    direction: EdgeDirection, minimum: Int, maximum: Int?, expected: Int
  ) throws {
    let start = Plan.vertexByID(.argument, slot: 0, .literal(.integer(0)))
    let expansion = Expansion(from: 0, edge: 1, to: 2, direction: direction, labels: nil)
    let plan = Plan.expandVariable(start, expansion, VariableLength(minimum: minimum, maximum: maximum))
    #expect(try count(plan, slots: 3) == expected)
  }

  @Test func aTrailCanBeAsLongAsTheGraph() throws {
    let start = Plan.vertexByID(.argument, slot: 0, .literal(.integer(0)))
    let expansion = Expansion(from: 0, edge: 1, to: 2, direction: .out, labels: nil)
    let plan = Plan.expandVariable(start, expansion, VariableLength(minimum: 3_000, maximum: nil))
    #expect(try count(plan, slots: 3, on: circle(of: 3_000)) == 1)
  }

  @Test(arguments: [(true, 2), (false, 1)]) func shortestPathsAreFoundInBothDirections(all: Bool, expected: Int) throws
  {
    let ends = Plan.vertexByID(
      .vertexByID(.argument, slot: 0, .literal(.integer(0))), slot: 2, .literal(.integer(5)))
    let expansion = Expansion(from: 0, edge: 1, to: 2, direction: .both, labels: nil, intoBound: true)
    let search = ShortestPaths(
      expansion: expansion, length: VariableLength(minimum: 1, maximum: nil), all: all)
    let found = try rows(.shortestPaths(ends, search), slots: 3, columns: [1], on: circle(of: 10))
    #expect(found.count == expected)
    for row in found {
      guard case .list(let edges) = row[0] else { Issue.record("no list"); continue }
      #expect(edges.count == 5)
    }
  }

  @Test func optionalRowsStayWithNulls() throws {
    let persons = Plan.scanVertices(.argument, slot: 0, labels: .label("person"))
    let created = Plan.expand(
      .argument, Expansion(from: 0, edge: nil, to: 1, direction: .out, labels: ["created"]))
    let found = try rows(.optional(persons, created, nulls: [1]), slots: 2, columns: [1])
    #expect(found.count == 5)
    #expect(found.count { $0[0].isNull } == 1)
  }

  @Test func groupingOfNothingIsOneRowWithoutKeysAndNoneWithKeys() throws {
    let nothing = Plan.scanVertices(.argument, slot: 0, labels: .label("nothing"))
    let count = Aggregation(slot: 1, function: .countAll, distinct: false, arguments: [])
    #expect(try self.count(.aggregate(nothing, keys: [], [count]), slots: 2) == 1)
    #expect(try self.count(.aggregate(nothing, keys: [(slot: 0, value: .slot(0))], [count]), slots: 2) == 0)
  }

  @Test func aGroupingInsideAQueryKeepsTheOuterRow() throws {
    let persons = Plan.scanVertices(.argument, slot: 0, labels: .label("person"))
    let out = Plan.expand(.argument, Expansion(from: 0, edge: nil, to: 1, direction: .out, labels: nil))
    let degree = Plan.aggregate(
      out, keys: [], [Aggregation(slot: 2, function: .countAll, distinct: false, arguments: [])])
    let found = try rows(.apply(persons, degree), slots: 3, columns: [0, 2])
    #expect(found.map { $0[1].number?.double } == [3, 0, 2, 1])
    #expect(found.allSatisfy { !$0[0].isNull })
  }

  @Test func aLimitEndsTheScanBelowIt() throws {
    let cancellation = Cancellation()
    let vertices = Plan.scanVertices(.argument, slot: 0, labels: nil)
    let plan = Plan.limit(.scanVertices(vertices, slot: 1, labels: nil), .literal(.integer(3)))
    #expect(try rows(plan, slots: 2, columns: [0], on: circle(of: 5_000), cancellation: cancellation).count == 3)
  }

  @Test func aCancelledQueryEnds() {
    let cancellation = Cancellation()
    cancellation.cancel()
    let vertices = Plan.scanVertices(.argument, slot: 0, labels: nil)
    let error = #expect(throws: QueryError.self) {
      try rows(vertices, slots: 1, columns: [0], on: circle(of: 1_000), cancellation: cancellation)
    }
    #expect(error?.kind == .cancelled)
  }

  @Test func aQueryEndsAtItsDeadline() {
    let vertices = Plan.scanVertices(.argument, slot: 0, labels: nil)
    let error = #expect(throws: QueryError.self) {
      try rows(
        vertices, slots: 1, columns: [0], on: circle(of: 1_000),
        limits: ExecutionLimits(deadline: .now - .seconds(1)))
    }
    #expect(error?.kind == .timeout)
  }

  @Test func sortedRowsAreLimitedInMemory() {
    let vertices = Plan.scanVertices(.argument, slot: 0, labels: nil)
    let plan = Plan.sort(vertices, [SortKey(.slot(0), descending: true)])
    let error = #expect(throws: QueryError.self) {
      try rows(plan, slots: 1, columns: [0], on: circle(of: 1_000), limits: ExecutionLimits(memory: 10_000))
    }
    #expect(error?.kind == .memory)
  }

  @Test func theFirstOfSortedRowsNeedLittleMemory() throws {
    let vertices = Plan.scanVertices(.argument, slot: 0, labels: nil)
    let number = Expression.property(.slot(0), key: "n")
    let plan = Plan.limit(.sort(vertices, [SortKey(number, descending: true)]), .literal(.integer(2)))
    let found = try rows(
      .assign(plan, [(slot: 1, value: number)]), slots: 2, columns: [1], on: circle(of: 20_000),
      limits: ExecutionLimits(memory: 400_000))
    #expect(found.map { $0[0].number?.double } == [19_999, 19_998])
  }
}
