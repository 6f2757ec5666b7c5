import QueryAlgebra
import QueryValues
import Testing

@testable import QueryEndpoint

@Suite("Gremlin sessions")
struct GremlinSessionTests {
  private static func play(_ events: [GremlinSession.Event], limits: QueryEndpointLimits = QueryEndpointLimits())
    -> [String]
  {
    var session = GremlinSession(limits: limits)
    return events.map { session.handle($0).map(\.summary).joined(separator: ", ") }
  }

  private static func query(batchSize: Int? = nil, hasTraversers: Bool = false) -> GremlinSession.Event {
    let settings = GremlinRequest.Settings(batchSize: batchSize, hasTraversers: hasTraversers)
    return .received(
      GremlinRequest(id: GraphBinaryTests.id, operation: .query(Statement(.gremlin("g.V()")), settings)), .graphBinary)
  }

  private static let credentials = GremlinSession.Event.received(
    GremlinRequest(
      id: GraphBinaryTests.id,
      operation: .authentication(QueryCredentials(scheme: "basic", principal: "a", credentials: "b"))), .graphBinary)

  private static func rows(_ count: Int) -> GremlinSession.Event {
    .rows(0, (0..<count).map { [.integer(Int64($0))] })
  }

  @Test("A small result comes in one response")
  func small() {
    let answers = Self.play([
      Self.query(), .authenticated(true), .opened(0, hasBulk: false), Self.rows(3), Self.rows(0),
    ])
    #expect(answers == ["authenticate none", "open 0", "fetch 0 256", "fetch 0 256", "cancel 0, 200 with 3"])
  }

  @Test("No result is no content")
  func nothing() {
    let answers = Self.play([Self.query(), .authenticated(true), .opened(0, hasBulk: false), Self.rows(0)])
    #expect(answers.last == "cancel 0, 204 with 0")
  }

  @Test("A large result comes in several responses, as the socket takes them")
  func large() {
    let answers = Self.play([
      Self.query(batchSize: 2), .authenticated(true), .opened(0, hasBulk: false), Self.rows(2), .writable(false),
      .resumed(0), .writable(true), Self.rows(1), Self.rows(0),
    ])
    #expect(
      answers.dropFirst(2) == [
        "fetch 0 2", "206 with 2, resume 0", "", "", "fetch 0 2", "fetch 0 1", "cancel 0, 200 with 1",
      ])
  }

  @Test("A script repeats what comes often, bytecode counts it")
  func bulk() {
    let bulk = GremlinSession.Event.rows(0, [[.string("a"), .integer(5)]])
    let start: [GremlinSession.Event] = [.authenticated(true), .opened(0, hasBulk: true), bulk]
    let script = Self.play([Self.query(batchSize: 2)] + start + [.resumed(0), .resumed(0), .rows(0, [])])
    #expect(
      script.dropFirst(3) == ["206 with 2, resume 0", "206 with 2, resume 0", "fetch 0 1", "cancel 0, 200 with 1"])
    let traversal = Self.play([Self.query(batchSize: 2, hasTraversers: true)] + start + [.rows(0, [])])
    #expect(traversal.dropFirst(3) == ["fetch 0 1", "cancel 0, 200 with 1"])
    let endless = GremlinSession.Event.rows(0, [[.string("a"), .integer(.max)], [.string("a"), .integer(.max)]])
    #expect(
      Self.play([Self.query(), .authenticated(true), .opened(0, hasBulk: true), endless]).last
        == "206 with 1000, resume 0")
  }

  @Test("A client is challenged when nobody may come without credentials")
  func challenge() {
    let answers = Self.play([
      Self.query(), Self.query(), .authenticated(false), Self.credentials, .authenticated(true), Self.query(),
    ])
    #expect(answers == ["authenticate none", "", "407, 407", "authenticate basic", "open 0, open 1", "open 2"])
  }

  @Test("Credentials that are not accepted drop what waits, and the third ones end the connection")
  func unauthorized() {
    let one: [GremlinSession.Event] = [Self.query(), Self.credentials, .authenticated(false)]
    let answers = Self.play([Self.query(), .authenticated(false), Self.credentials, .authenticated(false)] + one + one)
    #expect(
      answers == [
        "authenticate none", "407", "authenticate basic", "401", "407", "authenticate basic", "401", "407",
        "authenticate basic", "401, close",
      ])
    #expect(Self.play([Self.credentials]) == ["499"])
  }

  @Test("Few requests run at a time, and others follow")
  func limit() {
    var limits = QueryEndpointLimits()
    limits.maximumRunning = 1
    let answers = Self.play(
      [Self.query(), .authenticated(true), Self.query(), .failed(0, QueryError(.timeout, "late"))], limits: limits)
    #expect(answers == ["authenticate none", "open 0", "", "cancel 0, 598, open 1"])
  }

  @Test("Failures have the status of their kind")
  func failures() {
    let codes: [(QueryError.Kind, Int32)] = [
      (.syntax, 597), (.type, 597), (.unsupported, 597), (.timeout, 598), (.memory, 500), (.cancelled, 500),
      (.internal, 500),
    ]
    for (kind, code) in codes { #expect(GremlinStatus(QueryError(kind, "x")).code.rawValue == code) }
  }

  @Test("A client that leaves takes its queries along, and a server that stops waits for them")
  func ends() {
    #expect(
      Self.play([Self.query(), .authenticated(true), Self.query(), .disconnected]).last == "cancel 0, cancel 1, close")
    #expect(Self.play([.draining]) == ["close"])
    let answers = Self.play([
      Self.query(), .authenticated(true), .draining, .opened(0, hasBulk: false), Self.rows(0),
    ])
    #expect(answers.dropFirst(2) == ["", "fetch 0 256", "cancel 0, 204 with 0, close"])
  }
}

extension GremlinSession.Action {
  /// The action in a few words.
  fileprivate var summary: String {
    switch self {
    case .send(_, let status): "\(status.code.rawValue)"
    case .sendResults(_, _, let results, let code): "\(code.rawValue) with \(results.count)"
    case .authenticate(let credentials): "authenticate \(credentials.scheme)"
    case .open(let number, _): "open \(number)"
    case .fetch(let number, let count): "fetch \(number) \(count)"
    case .cancel(let number): "cancel \(number)"
    case .resume(let number): "resume \(number)"
    case .close: "close"
    }
  }
}
