import QueryAlgebra
import QueryValues
import Testing

@testable import QueryEndpoint

@Suite("Bolt sessions")
struct BoltSessionTests {
  private static let identity = BoltSession.Identity(address: nil, agent: "test", database: "g", connection: "c")
  private static let now = ContinuousClock.now

  /// Plays events, and returns what each made the session do.
  private static func play(_ events: [BoltSession.Event], minor: UInt8 = 8, after seconds: Int = 0) -> [String] {
    var session = BoltSession(
      version: BoltVersion(major: 5, minor: minor), identity: identity, limits: QueryEndpointLimits())
    return events.map { event in
      session.handle(event, now: now + .seconds(seconds)).map(\.summary).joined(separator: ", ")
    }
  }

  private static let empty = ValueMap()
  private static let ready: [BoltSession.Event] = [
    .received(.hello(empty)), .received(.logon(empty)), .authenticated(true),
  ]
  private static let run = BoltSession.Event.received(.run(query: "q", parameters: empty, extra: empty))
  private static let begin = BoltSession.Event.received(.begin(empty))
  private static let pull = BoltSession.Event.received(.pull(count: -1, result: -1))
  private static let discard = BoltSession.Event.received(.discard(count: -1, result: -1))
  private static let rows = [[Value.integer(1)]]

  /// The ways into each state.
  private static let ways: [(state: BoltSession.State, events: [BoltSession.Event])] = [
    (.connected, []), (.unauthenticated, [.received(.hello(empty))]), (.ready, ready),
    (.streaming, ready + [run, .opened(0, columns: [])]), (.transaction, ready + [begin]),
    (.failed, ready + [run, .failed(0, QueryError(.syntax, "x"))]),
  ]

  private static let requests: [(name: String, request: BoltRequest)] = [
    ("HELLO", .hello(empty)), ("LOGON", .logon(empty)), ("LOGOFF", .logoff), ("ROUTE", .route(address: "a:1")),
    ("TELEMETRY", .telemetry), ("BEGIN", .begin(empty)),
    ("RUN", .run(query: "q", parameters: empty, extra: empty)), ("PULL", .pull(count: 1, result: -1)),
    ("DISCARD", .discard(count: -1, result: -1)), ("COMMIT", .commit), ("ROLLBACK", .rollback), ("RESET", .reset),
    ("GOODBYE", .goodbye),
  ]

  @Test("Every request in every state is answered as the table says")
  func table() {
    let expected: [String: [String]] = [
      // HELLO, LOGON, LOGOFF, ROUTE, TELEMETRY, BEGIN, RUN, PULL, DISCARD, COMMIT, ROLLBACK, RESET, GOODBYE
      "connected": ["success"] + Array(repeating: "failure, close", count: 11) + ["close"],
      "unauthenticated": ["failure, close", "authenticate"] + Array(repeating: "failure, close", count: 10) + ["close"],
      "ready": [
        "failure, close", "failure, close", "success", "success", "success", "success", "open 0", "failure, close",
        "failure, close", "failure, close", "failure, close", "success", "close",
      ],
      "streaming": Array(repeating: "cancel 0, failure, close", count: 7) + [
        "fetch 0 1", "cancel 0, success", "cancel 0, failure, close", "cancel 0, failure, close", "cancel 0, success",
        "cancel 0, close",
      ],
      "transaction": [
        "failure, close", "failure, close", "failure, close", "failure, close", "success", "failure, close", "open 0",
        "failure", "failure", "success", "success", "success", "close",
      ],
      "failed": Array(repeating: "ignored", count: 11) + ["success", "close"],
    ]
    for (state, way) in Self.ways {
      for ((name, request), answer) in zip(Self.requests, expected["\(state)"] ?? []) {
        #expect(Self.play(way + [.received(request)]).last == answer, "\(name) in \(state)")
      }
    }
  }

  @Test("Credentials that are not accepted end the connection")
  func unauthorized() {
    #expect(
      Self.play([.received(.hello(Self.empty)), .authenticated(false)], minor: 0) == ["authenticate", "failure, close"])
  }

  @Test("Requests that come together are answered in order")
  func pipelining() {
    let answers = Self.play(
      Self.ready + [
        Self.begin, Self.run, Self.pull, .received(.commit), .opened(0, columns: ["n"]), .rows(0, Self.rows, plan: nil),
        .rows(0, [], plan: nil),
      ])
    #expect(
      answers.dropFirst(3) == [
        "success", "open 0", "", "", "success, fetch 0 256", "1 rows of 0, fetch 0 256",
        "cancel 0, success, success",
      ])
  }

  @Test("PULL of one row says that there are more until there are none")
  func singleRows() {
    let one = BoltSession.Event.received(.pull(count: 1, result: -1))
    let answers = Self.play(
      Self.ready + [
        Self.run, .opened(0, columns: []), one, .rows(0, Self.rows, plan: nil), one, .rows(0, [], plan: nil), one,
      ])
    #expect(
      answers.dropFirst(5) == [
        "fetch 0 1", "1 rows of 0, success more", "fetch 0 1", "cancel 0, success", "failure, close",
      ])
  }

  @Test("Several results of a transaction are read in any order, and end with it")
  func severalResults() {
    func pull(_ number: Int64) -> BoltSession.Event { .received(.pull(count: 1, result: number)) }
    let answers = Self.play(
      Self.ready + [
        Self.begin, Self.run, .opened(0, columns: []), Self.run, .opened(1, columns: []), pull(0),
        .rows(0, Self.rows, plan: nil), pull(1), .rows(1, Self.rows, plan: nil), pull(7),
      ])
    #expect(
      answers.dropFirst(4) == [
        "open 0", "success", "open 1", "success", "fetch 0 1", "1 rows of 0, success more", "fetch 1 1",
        "1 rows of 1, success more", "cancel 0, cancel 1, failure",
      ])
  }

  @Test("RESET ends what runs, and what waits is ignored")
  func reset() {
    let answers = Self.play(
      Self.ready + [Self.run, Self.pull, Self.pull, .received(.reset), .opened(0, columns: []), Self.run])
    #expect(
      answers.dropFirst(3) == ["open 0", "", "", "cancel 0, ignored, ignored, ignored, success", "cancel 0", "open 1"])
  }

  @Test("Rows wait until the socket takes them")
  func backPressure() {
    let answers = Self.play(
      Self.ready + [
        Self.run, .opened(0, columns: []), Self.pull, .writable(false), .rows(0, Self.rows, plan: nil), .writable(true),
      ])
    #expect(answers.dropFirst(5) == ["fetch 0 256", "", "1 rows of 0", "fetch 0 256"])
  }

  @Test("A transaction that takes too long fails, whether it runs or waits")
  func timeout() {
    let slow = BoltSession.Event.received(.begin(ValueMap([("tx_timeout", .integer(100))])))
    let running = Self.play(
      Self.ready + [
        slow, Self.run, .expired, .failed(0, QueryError(.cancelled, "x")), Self.run, .received(.reset), Self.run,
      ])
    #expect(
      running.dropFirst(3) == [
        "deadline, success", "open 0", "cancel 0", "cancel 0, no deadline, timed out", "ignored", "success", "open 1",
      ])
    let waiting = Self.play(Self.ready + [slow, .expired, .received(.commit)])
    #expect(waiting.last == "no deadline, timed out")
  }

  @Test(
    "A client that leaves takes its queries along", arguments: [BoltSession.Event.disconnected, .received(.goodbye)])
  func disconnection(_ event: BoltSession.Event) {
    let answers = Self.play(Self.ready + [Self.begin, Self.run, .opened(0, columns: []), Self.run, event])
    #expect(answers.last == "cancel 0, cancel 1, close")
  }

  @Test("A server that stops lets a transaction end")
  func draining() {
    #expect(Self.play(Self.ready + [.draining]).last == "close")
    #expect(Self.play(Self.ready + [Self.begin, .draining, .received(.commit)]).suffix(2) == ["", "success, close"])
    #expect(Self.play([.draining]).last == "close")
  }

  @Test("Databases and users that there are not are refused by name")
  func settings() {
    for key in ["db", "imp_user", "tx_timeout"] {
      #expect(Self.play(Self.ready + [.received(.begin(ValueMap([(key, .string("other"))])))]).last == "failure")
    }
    #expect(Self.play(Self.ready + [.received(.begin(ValueMap([("db", .string("neo4j"))])))]).last == "success")
  }
}

extension BoltSession.Action {
  /// The action in a few words.
  fileprivate var summary: String {
    switch self {
    case .send(.success(let metadata)):
      metadata.contains { $0.0 == "has_more" } ? "success more" : "success"
    case .send(.failure(let metadata)):
      metadata.contains { if case .string(let text) = $0.1 { text.hasSuffix("TimedOut") } else { false } }
        ? "timed out" : "failure"
    case .send(.ignored): "ignored"
    case .sendRows(let id, let rows): "\(rows.count) rows of \(id)"
    case .authenticate: "authenticate"
    case .open(let id, _): "open \(id)"
    case .fetch(let id, let count): "fetch \(id) \(count)"
    case .cancel(let id): "cancel \(id)"
    case .setDeadline(let instant): instant == nil ? "no deadline" : "deadline"
    case .useUTC: "utc"
    case .close: "close"
    }
  }
}
