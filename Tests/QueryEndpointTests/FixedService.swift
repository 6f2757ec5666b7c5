import QueryAlgebra
import QueryValues
import Synchronization

/// Answers queries by their first word, without compiling anything.
///
/// | query | answer |
/// |---|---|
/// | `rows N` | N rows with the numbers from 0 |
/// | `text N` | one row with a text of N bytes |
/// | `texts N M` | N rows with texts of M bytes |
/// | `values` | one row with values of all kinds that both languages have |
/// | `elements` | a vertex, an edge, and a path that walks edges in both directions |
/// | `gremlinValues`, `gremlinElements` | the same for Gremlin, one in a row |
/// | `bulk N` | a value that comes N times, and one that comes once |
/// | `parameters` | one row with the parameters |
/// | `steps` | one row for each step of a bytecode, with its text |
/// | `nested N` | a list, nested N deep |
/// | `wait` | nothing until it is cancelled |
/// | `plan` | one row and a plan |
/// | `fail KIND` | an error of that kind |
final class FixedService: QueryService {
  let graph: any QueryGraph = FixedGraph()
  private struct Cursors {
    var open = 0
    var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    mutating func change(by difference: Int) -> [CheckedContinuation<Void, Never>] {
      open += difference
      defer { waiters.removeAll { $0.count == open } }
      return waiters.filter { $0.count == open }.map(\.continuation)
    }
  }

  private let cursors = Mutex(Cursors())

  /// Suspends until as many cursors are open: neither read to their ends nor cancelled.
  func waitForCursors(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isSo = cursors.withLock { cursors in
        if cursors.open != count { cursors.waiters.append((count, continuation)) }
        return cursors.open == count
      }
      if isSo { continuation.resume() }
    }
  }

  private func count(_ difference: Int) {
    for waiter in cursors.withLock({ $0.change(by: difference) }) { waiter.resume() }
  }

  func open(_ statement: Statement) async throws(QueryError) -> any QueryCursor {
    let words: [Substring]
    switch statement.body {
    case .cypher(let text), .gremlin(let text): words = text.split(separator: " ")
    case .bytecode(let bytecode): return cursor(["value"], bytecode.steps.map { [.string("\($0)")] })
    }
    let number = words.dropFirst().first.flatMap { Int($0) } ?? 0
    switch words.first {
    case "rows": return cursor(["n"], number) { [.integer(Int64($0))] }
    case "text": return cursor(["text"], [[.string(String(repeating: "x", count: number))]])
    case "texts":
      let text = String(repeating: "x", count: words.last.flatMap { Int($0) } ?? 0)
      return cursor(["text"], number) { _ in [.string(text)] }
    case "values": return cursor(Self.values.map(\.name), [Self.values.map(\.value)])
    case "gremlinValues": return cursor(["value"], Self.gremlinValues.map { [$0] })
    case "gremlinElements": return cursor(["value"], Self.gremlinElements.map { [$0] })
    case "bulk":
      return cursor(["value", "bulk"], [[.string("a"), .integer(Int64(number))], [.string("b"), .integer(1)]])
    case "elements": return cursor(Self.elements.map(\.name), [Self.elements.map(\.value)])
    case "parameters":
      return cursor(
        ["parameters"], [[.map(ValueMap(statement.parameters.sorted { $0.key < $1.key }.map { ($0, $1) }))]])
    case "nested": return cursor(["nested"], [[(0..<number).reduce(.null) { value, _ in .list([value]) }]])
    case "wait": return cursor(["never"], Int.max) { _ in nil }
    case "plan":
      return cursor(
        ["n"], [[.integer(1)]],
        plan: PlanDescription(name: "Scan", identifiers: ["n"], rows: words.count > 1 ? 1 : nil, hits: 1))
    case "fail": throw QueryError(words.last.flatMap { QueryError.Kind(rawValue: String($0)) } ?? .internal, "as asked")
    default: throw QueryError(.syntax, "The fixed service does not know this query")
    }
  }

  private func cursor(_ columns: [String], _ rows: [[Value]], plan: PlanDescription? = nil) -> FixedCursor {
    cursor(columns, rows.count, plan: plan) { rows[$0] }
  }

  private func cursor(
    _ columns: [String], _ count: Int, plan: PlanDescription? = nil, _ row: @escaping @Sendable (Int) -> [Value]?
  ) -> FixedCursor {
    self.count(1)
    return FixedCursor(columns: columns, count: count, plan: plan, row: row) { [self] in self.count(-1) }
  }

  static let values: [(name: String, value: Value)] = [
    ("null", .null), ("truth", .boolean(true)), ("small", .integer(-1)), ("large", .integer(1 << 40)),
    ("float", .float(1.5)), ("text", .string("grün")), ("list", .list([.integer(1), .null, .list([])])),
    ("map", .map(ValueMap([("a", .integer(1)), ("b", .list([.string("x")]))]))),
    ("date", .temporal(.date(days: 20_000))), ("localTime", .temporal(.localTime(nanoseconds: 3_600_000_000_001))),
    ("time", .temporal(.time(nanoseconds: 3_600_000_000_000, offset: 3_600))),
    ("localDateTime", .temporal(.localDateTime(seconds: 1_000_000_000, nanoseconds: 5))),
    (
      "dateTime", .temporal(.dateTime(ZonedDateTime(seconds: 1_000_000_000, nanoseconds: 5, offset: 7_200, zone: nil)))
    ),
    (
      "zoned",
      .temporal(
        .dateTime(ZonedDateTime(seconds: 1_000_000_000, nanoseconds: 5, offset: 7_200, zone: "Europe/Stockholm")))
    ),
    ("duration", .temporal(.duration(DurationValue(months: 14, days: 3, seconds: -2, nanoseconds: 500_000_000)))),
  ]

  static let gremlinValues: [Value] = [
    .null, .boolean(true), .integer(1 << 40), .integer32(-1), .float(1.5), .float32(0.5), .string("grün"),
    .list([.integer(1), .null]), .set([.string("a"), .string("b")]),
    .map(ValueMap([("a", .integer(1))])), .token(.label), .token(.out),
    .temporal(.date(days: 20_000)), .temporal(.localTime(nanoseconds: 3_600_000_000_001)),
    .temporal(.dateTime(ZonedDateTime(seconds: 1_000_000_000, nanoseconds: 5_000_000, offset: 7_200, zone: nil))),
    .temporal(.duration(DurationValue(months: 0, days: 1, seconds: 2, nanoseconds: 500_000_000))),
    .temporal(.duration(DurationValue(months: 2, days: 1, seconds: -1, nanoseconds: 500_000_000))),
    .property(Property(owner: .vertex(Vertex(id: 1)), key: "name", value: .string("marko"))),
    .property(
      Property(
        owner: .edge(Edge(id: 9, source: Vertex(id: 1), target: Vertex(id: 3))), key: "weight", value: .float(0.4))),
  ]

  static let gremlinElements: [Value] = {
    let edge = Edge(id: 9, source: Vertex(id: 1), target: Vertex(id: 3))
    let walk = Path(
      objects: [.vertex(edge.source), .edge(edge), .vertex(edge.target)], labels: [["a"], [], ["b", "c"]])
    return [.vertex(edge.source), .edge(edge), .path(walk)]
  }()

  static let elements: [(name: String, value: Value)] = {
    let (marko, lop, josh) = (Vertex(id: 1), Vertex(id: 3), Vertex(id: 4))
    let edge = Edge(id: 9, source: marko, target: lop)
    let walk: [Value] = [
      .vertex(marko), .edge(edge), .vertex(lop), .edge(Edge(id: 11, source: josh, target: lop)), .vertex(josh),
    ]
    return [("node", .vertex(marko)), ("relationship", .edge(edge)), ("path", .path(Path(objects: walk)))]
  }()
}

/// Rows that are computed by their number. A row that is nil never comes.
final class FixedCursor: QueryCursor {
  let columns: [String]
  let plan: PlanDescription?
  private let count: Int
  private let row: @Sendable (Int) -> [Value]?
  private let ended: @Sendable () -> Void

  private struct State {
    var position = 0
    var isOpen = true
    var isCancelled = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  init(
    columns: [String], count: Int, plan: PlanDescription?, row: @escaping @Sendable (Int) -> [Value]?,
    ended: @escaping @Sendable () -> Void
  ) {
    self.columns = columns
    self.count = count
    self.plan = plan
    self.row = row
    self.ended = ended
  }

  func next(_ wanted: Int) async throws(QueryError) -> [[Value]] {
    let start = state.withLock { $0.position }
    var rows: [[Value]] = []
    while rows.count < wanted, start + rows.count < count {
      guard let next = row(start + rows.count) else {
        await waitForCancellation()
        break
      }
      rows.append(next)
    }
    if state.withLock({ $0.isCancelled }) { throw QueryError(.cancelled, "The query was cancelled") }
    state.withLock { $0.position += rows.count }
    if rows.isEmpty { end() }
    return rows
  }

  private func waitForCancellation() async {
    await withCheckedContinuation { continuation in
      let isCancelled = state.withLock { state in
        if !state.isCancelled { state.waiter = continuation }
        return state.isCancelled
      }
      if isCancelled { continuation.resume() }
    }
  }

  func cancel() {
    let waiter = state.withLock { state in
      state.isCancelled = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
    end()
  }

  private func end() {
    let wasOpen = state.withLock { state in
      defer { state.isOpen = false }
      return state.isOpen
    }
    if wasOpen { ended() }
  }
}
