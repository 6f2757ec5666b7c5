import NIOCore
import QueryAlgebra
import QueryValues

/// The conversation of one Bolt connection after the handshake, as a value: events go in, actions come out.
///
/// Requests are answered in the order of their arrival, one at a time; RESET and GOODBYE alone overtake others. A request that
/// waits for something (credentials, a compiled query, rows, room in the socket) is *work*, and later ones wait behind it.
///
/// | state | request | next state | answer |
/// |---|---|---|---|
/// | `connected` | HELLO before 5.1 | `ready` when authenticated, else `closed` | SUCCESS or FAILURE |
/// | `connected` | HELLO from 5.1 on | `unauthenticated` | SUCCESS |
/// | `unauthenticated` | LOGON | `ready` when authenticated, else `closed` | SUCCESS or FAILURE |
/// | `ready` | LOGOFF | `unauthenticated` | SUCCESS |
/// | `ready` | ROUTE, TELEMETRY | `ready` | SUCCESS |
/// | `ready` | BEGIN | `transaction` | SUCCESS |
/// | `ready` | RUN | `streaming` | SUCCESS with the columns |
/// | `streaming` | PULL, DISCARD | `streaming`, or `ready` at the end of the result | RECORD…, SUCCESS |
/// | `transaction` | RUN, PULL, DISCARD, TELEMETRY | `transaction` | as above; each result has a number |
/// | `transaction` | COMMIT, ROLLBACK | `ready`; open results end | SUCCESS |
/// | any of `ready` to `transaction` | one that fails | `failed`; open results end | FAILURE |
/// | `failed` | any but RESET and GOODBYE | `failed` | IGNORED |
/// | `ready` to `failed` | RESET | `ready`; open results end | IGNORED for what waits, SUCCESS |
/// | any | GOODBYE, or one that the table does not have | `closed` | none, or FAILURE |
struct BoltSession {
  enum State: Equatable { case connected, unauthenticated, ready, streaming, transaction, failed, closed }

  /// What a server tells its clients about itself.
  struct Identity: Sendable {
    /// The address in routing tables; nil for the one by which the client reached the server.
    var address: String?
    var agent: String
    var database: String
    var connection: String
  }

  /// A result, by a number that is unique in the connection.
  typealias ResultID = Int

  enum Event {
    case received(BoltRequest)
    /// Bytes that are no request.
    case violated(PackStreamError)
    case authenticated(Bool)
    case opened(ResultID, columns: [String])
    /// Rows; none at the end of the result, then with the plan if there is one.
    case rows(ResultID, [[Value]], plan: PlanDescription?)
    case failed(ResultID, QueryError)
    case writable(Bool)
    /// The time that was set with `setDeadline` has come.
    case expired
    /// The server stops: the connection ends when it is idle.
    case draining
    case disconnected
  }

  enum Action {
    case send(BoltResponse)
    case sendRows(ResultID, [[Value]])
    case authenticate(QueryCredentials)
    case open(ResultID, Statement)
    case fetch(ResultID, count: Int)
    case cancel(ResultID)
    case setDeadline(ContinuousClock.Instant?)
    /// From now on, instants are counted in UTC.
    case useUTC
    case close
  }

  enum Work: Equatable {
    case authenticating
    case opening(ResultID)
    case reading(ResultID)
  }

  struct OpenResult {
    let id: ResultID
    /// The number by which the client calls it.
    let number: Int64
    let began: ContinuousClock.Instant
    /// The number of rows that the current request still wants; nil for all.
    var wanted: Int?
    var isDiscarding = false
    /// Whether rows were asked for and have not come.
    var isFetching = false
  }

  let version: BoltVersion
  let identity: Identity
  let limits: QueryEndpointLimits
  var state = State.connected
  var work: Work?
  var queue = CircularBuffer<BoltRequest>()
  var results: [ResultID: OpenResult] = [:]
  /// The result that number -1 names.
  var newest: ResultID?
  var nextResult: ResultID = 0
  var nextNumber: Int64 = 0
  var deadline: ContinuousClock.Instant?
  var isExpired = false
  var isWritable = true
  var isDraining = false
  /// The answer to HELLO, kept until the credentials are accepted.
  var greeting: [(String, Value)] = []

  init(version: BoltVersion, identity: Identity, limits: QueryEndpointLimits) {
    self.version = version
    self.identity = identity
    self.limits = limits
  }

  /// Whether more requests may be read.
  var acceptsRequests: Bool { queue.count < limits.maximumRequests }

  /// Whether something of the server is awaited, rather than the client.
  var isBusy: Bool {
    switch work {
    case nil: false
    case .authenticating, .opening: true
    case .reading(let id): results[id]?.isFetching == true
    }
  }

  /// Whether the client has yet to say who it is.
  var isUnauthenticated: Bool { state == .connected || state == .unauthenticated }

  /// Takes an event and returns what is to be done, in order.
  mutating func handle(_ event: Event, now: ContinuousClock.Instant) -> [Action] {
    guard state != .closed else { return [] }
    switch event {
    case .received(.reset) where !isUnauthenticated: return reset(now)
    case .received(.goodbye), .disconnected: return close()
    case .received(let request):
      queue.append(request)
      return advance(now)
    case .violated(let error): return [fail(.invalid("The message cannot be read: \(error.reason)"))] + close()
    case .authenticated(let isAllowed):
      guard work == .authenticating else { return [] }
      work = nil
      guard isAllowed else { return [fail(.unauthorized)] + close() }
      state = .ready
      defer { greeting = [] }
      return [.send(.success(greeting))] + advance(now)
    case .opened(let id, let columns): return opened(id, columns, now)
    case .rows(let id, let rows, let plan): return received(rows, of: id, plan, now)
    case .failed(let id, let error): return failed(id, error, now)
    case .writable(let isWritable):
      self.isWritable = isWritable
      return isWritable ? fetchMore() : []
    case .expired:
      guard deadline != nil else { return [] }
      isExpired = true
      return results.keys.sorted().map { .cancel($0) }
    case .draining:
      isDraining = true
      return closeIfDrained()
    }
  }

  /// Answers waiting requests until one has to wait.
  mutating func advance(_ now: ContinuousClock.Instant) -> [Action] {
    var actions: [Action] = []
    while work == nil, state != .closed, let request = queue.popFirst() { actions += answer(request, now) }
    return actions + closeIfDrained()
  }

  private mutating func closeIfDrained() -> [Action] {
    guard isDraining, work == nil, queue.isEmpty, isUnauthenticated || state == .ready else { return [] }
    return close()
  }

  private mutating func reset(_ now: ContinuousClock.Instant) -> [Action] {
    guard work != .authenticating else {
      return [fail(.invalid("RESET came before the connection was ready"))] + close()
    }
    let ignored = queue.count + (work == nil ? 0 : 1)
    queue.removeAll()
    work = nil
    let actions = endResults() + Array(repeating: .send(.ignored), count: ignored)
    state = .ready
    return actions + [.send(.success([]))] + closeIfDrained()
  }

  private mutating func close() -> [Action] {
    let actions = endResults()
    state = .closed
    work = nil
    queue.removeAll()
    return actions + [.close]
  }

  /// Ends all results and the transaction.
  mutating func endResults() -> [Action] {
    var actions: [Action] = results.keys.sorted().map { .cancel($0) }
    results = [:]
    newest = nil
    nextNumber = 0
    isExpired = false
    if deadline != nil { actions.append(.setDeadline(nil)) }
    deadline = nil
    return actions
  }

  mutating func fail(_ failure: BoltFailure) -> Action {
    state = .failed
    return .send(.failure(failure.metadata(version)))
  }
}
