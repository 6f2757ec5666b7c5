import FoundationEssentials
import NIOCore
import QueryAlgebra
import QueryValues

/// The conversation of one Gremlin connection, as a value: events go in, actions come out.
///
/// Before anything is run, the client has to be admitted:
///
/// | admission | event | next | actions |
/// |---|---|---|---|
/// | `unknown` | request | `checking` | ask whether clients without credentials are admitted; the request waits |
/// | `checking` | request | `checking` | the request waits |
/// | `checking` | admitted | `admitted` | what waits is begun |
/// | `checking` | not admitted, no credentials sent | `challenged` | 407 to each request that waits |
/// | `challenged` | request | `challenged` | 407; the request waits |
/// | `challenged` | credentials | `checking` | ask |
/// | `checking` | not admitted, credentials sent | `challenged`, or the end after three tries | 401; what waits is dropped |
/// | `admitted` | request | `admitted` | it is begun, or waits for one that runs to end |
///
/// A request that runs:
///
/// | state | event | actions |
/// |---|---|---|
/// | opening | opened | fetch |
/// | fetching | rows that do not fill a response | fetch |
/// | any | rows that fill a response, once the socket takes more | 206, fetch |
/// | fetching | no rows | 200 with the rest, or 204 if there was no result at all |
/// | any | failed | its status |
/// | any | disconnected | cancel |
struct GremlinSession {
  /// A number for each request, unique in the connection; the client's own number may repeat.
  typealias Number = Int

  enum Event {
    case received(GremlinRequest, GremlinFormat)
    case authenticated(Bool)
    case opened(Number, hasBulk: Bool)
    /// Rows; none at the end.
    case rows(Number, [[Value]])
    case failed(Number, QueryError)
    case writable(Bool)
    /// What `resume` asked for.
    case resumed(Number)
    /// The server stops: the connection ends when nothing runs.
    case draining
    case disconnected
  }

  enum Action {
    case send(Client, GremlinStatus)
    case sendResults(Number, Client, [GremlinResult], last: GremlinStatus.Code)
    case authenticate(QueryCredentials)
    case open(Number, Statement)
    case fetch(Number, count: Int)
    case cancel(Number)
    /// Report `resumed` once what was sent has been handed to the socket.
    case resume(Number)
    case close
  }

  /// To whom a response belongs, and how it is written.
  struct Client: Equatable {
    let id: UUID
    let format: GremlinFormat
    var settings = GremlinRequest.Settings()
  }

  private enum Admission: Equatable {
    case unknown
    case checking(Client?)
    case challenged
    case admitted
  }

  private struct Waiting {
    let client: Client
    let statement: Statement
  }

  private struct Running {
    let client: Client
    var hasBulk = false
    var isFetching = false
    var isAtEnd = false
    var hasSentResults = false
    var results = CircularBuffer<GremlinResult>()
    /// The number of results with their bulks, or of traversers.
    var count: Int64 = 0

    /// Takes results for one response. A script's results are repeated as often as they come.
    mutating func take(_ size: Int64) -> [GremlinResult] {
      var taken: [GremlinResult] = []
      while Int64(taken.count) < size, let result = results.popFirst() {
        if client.settings.hasTraversers {
          taken.append(result)
        } else {
          let bulk = min(result.bulk, size - Int64(taken.count))
          taken += Array(repeating: GremlinResult(value: result.value, bulk: 1), count: Int(bulk))
          if bulk < result.bulk { results.prepend(GremlinResult(value: result.value, bulk: result.bulk - bulk)) }
        }
      }
      count -= Int64(taken.count)
      return taken
    }
  }

  private static let maximumTries = 3

  private let limits: QueryEndpointLimits
  private var admission = Admission.unknown
  private var tries = 0
  private var waiting = CircularBuffer<Waiting>()
  private var running: [Number: Running] = [:]
  private var next: Number = 0
  private var isWritable = true
  private var isDraining = false
  private var isClosed = false

  init(limits: QueryEndpointLimits) { self.limits = limits }

  /// Whether more requests may be read.
  var acceptsRequests: Bool { waiting.count + running.count < limits.maximumRequests }

  var isAdmitted: Bool { admission == .admitted }

  /// Whether something of the server is awaited, rather than the client.
  var isBusy: Bool { running.values.contains { $0.isFetching } }

  func isRunning(_ number: Number) -> Bool { running[number] != nil }

  /// Takes an event and returns what is to be done, in order.
  mutating func handle(_ event: Event) -> [Action] {
    guard !isClosed else { return [] }
    switch event {
    case .received(let request, let format): return received(request, format)
    case .authenticated(let isAllowed): return authenticated(isAllowed)
    case .opened(let number, let hasBulk):
      running[number]?.hasBulk = hasBulk
      running[number]?.isFetching = false
      return pump(number)
    case .rows(let number, let rows): return received(rows, of: number)
    case .failed(let number, let error):
      guard let request = running.removeValue(forKey: number) else { return [] }
      return [.cancel(number), .send(request.client, GremlinStatus(error))] + startWaiting()
    case .resumed(let number): return pump(number)
    case .writable(let isWritable):
      self.isWritable = isWritable
      return isWritable ? running.keys.sorted().flatMap { pump($0) } : []
    case .draining:
      isDraining = true
      return closeIfDrained()
    case .disconnected: return close()
    }
  }

  private mutating func close() -> [Action] {
    let actions: [Action] = running.keys.sorted().map { .cancel($0) }
    running = [:]
    waiting.removeAll()
    isClosed = true
    return actions + [.close]
  }

  private mutating func closeIfDrained() -> [Action] {
    isDraining && running.isEmpty && waiting.isEmpty ? close() : []
  }

  // MARK: Requests

  private mutating func received(_ request: GremlinRequest, _ format: GremlinFormat) -> [Action] {
    var client = Client(id: request.id, format: format)
    switch request.operation {
    case .rejected(let code, let why):
      return [.send(client, GremlinStatus(code, why, exceptions: [Self.argumentError]))]
    case .authentication(let credentials):
      guard admission == .challenged else {
        return [
          .send(
            client, GremlinStatus(.invalidArguments, "No credentials were asked for", exceptions: [Self.argumentError]))
        ]
      }
      admission = .checking(client)
      return [.authenticate(credentials)]
    case .closeSession: return [.send(client, GremlinStatus(.noContent))]
    case .query(let statement, let settings):
      client.settings = settings
      waiting.append(Waiting(client: client, statement: statement))
      return admit(client)
    }
  }

  private static let argumentError = QueryError.Kind.argument.rawValue

  // MARK: Admission

  private mutating func admit(_ client: Client) -> [Action] {
    switch admission {
    case .unknown:
      admission = .checking(nil)
      return [.authenticate(QueryCredentials(scheme: "none", principal: "", credentials: ""))]
    case .checking: return []
    case .challenged: return [.send(client, GremlinStatus(.authenticate))]
    case .admitted: return startWaiting()
    }
  }

  private mutating func authenticated(_ isAllowed: Bool) -> [Action] {
    guard case .checking(let asked) = admission else { return [] }
    if isAllowed {
      admission = .admitted
      return startWaiting()
    }
    admission = .challenged
    guard let asked else { return waiting.map { .send($0.client, GremlinStatus(.authenticate)) } }
    tries += 1
    let refusal = GremlinStatus(
      .unauthorized, "The credentials were not accepted; check the name and the password", exceptions: ["Unauthorized"])
    let clients = [asked] + waiting.map(\.client).filter { $0.id != asked.id }
    waiting.removeAll()
    return clients.map { .send($0, refusal) } + (tries < Self.maximumTries ? [] : close())
  }

  /// Begins requests that wait, as many as may run.
  private mutating func startWaiting() -> [Action] {
    var actions: [Action] = []
    while admission == .admitted, running.count < limits.maximumRunning, let request = waiting.popFirst() {
      running[next] = Running(client: request.client, isFetching: true)
      actions.append(.open(next, request.statement))
      next += 1
    }
    return actions + closeIfDrained()
  }

  // MARK: Results

  private mutating func received(_ rows: [[Value]], of number: Number) -> [Action] {
    guard var request = running[number] else { return [] }
    request.isFetching = false
    request.isAtEnd = rows.isEmpty
    for row in rows {
      var bulk: Int64 = 1
      if request.hasBulk, case .integer(let count)? = row.last { bulk = count }
      guard bulk > 0, let value = row.first else { continue }
      request.results.append(GremlinResult(value: value, bulk: bulk))
      let (total, overflow) = request.count.addingReportingOverflow(request.client.settings.hasTraversers ? 1 : bulk)
      request.count = overflow ? .max : total
    }
    running[number] = request
    return pump(number)
  }

  /// Sends a response that is full, or the last one, if the socket takes it; else asks for more rows.
  private mutating func pump(_ number: Number) -> [Action] {
    guard isWritable, var request = running[number], !request.isFetching else { return [] }
    let size = Int64(request.client.settings.batchSize ?? limits.responseResults)
    guard request.count >= size || request.isAtEnd else {
      running[number]?.isFetching = true
      return [.fetch(number, count: min(Int(size - request.count), limits.batchRows))]
    }
    let results = request.take(size)
    if request.isAtEnd, request.results.isEmpty {
      running[number] = nil
      let code: GremlinStatus.Code = results.isEmpty && !request.hasSentResults ? .noContent : .success
      return [.cancel(number), .sendResults(number, request.client, results, last: code)] + startWaiting()
    }
    request.hasSentResults = true
    running[number] = request
    return [.sendResults(number, request.client, results, last: .partialContent), .resume(number)]
  }
}
