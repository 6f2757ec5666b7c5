import QueryAlgebra
import QueryValues

extension BoltSession {
  /// Answers a request, or begins the work that will answer it.
  mutating func answer(_ request: BoltRequest, _ now: ContinuousClock.Instant) -> [Action] {
    if state == .failed { return [.send(.ignored)] }
    switch (state, request) {
    case (.connected, .hello(let extra)): return hello(extra)
    case (.unauthenticated, .logon(let extra)): return authenticate(extra)
    case (.ready, .logoff) where version.hasLogon:
      state = .unauthenticated
      return [.send(.success([]))]
    case (.ready, .route(let address)) where version.hasRoute: return [.send(.success(route(address)))]
    case (.ready, .telemetry) where version.hasTelemetry, (.transaction, .telemetry) where version.hasTelemetry:
      return [.send(.success([]))]
    case (.ready, .begin(let extra)): return begin(extra, now)
    case (.ready, .run(let query, let parameters, let extra)):
      if let problem = begin(extra: extra, now) { return endResults() + [fail(problem)] }
      state = .streaming
      return deadlineActions + run(query, parameters, now)
    case (.transaction, .run(let query, let parameters, _)): return run(query, parameters, now)
    case (.streaming, .pull(let count, let number)), (.transaction, .pull(let count, let number)):
      return read(count, number, isDiscarding: false)
    case (.streaming, .discard(let count, let number)), (.transaction, .discard(let count, let number)):
      return read(count, number, isDiscarding: true)
    case (.transaction, .commit):
      if isExpired { return endResults() + [fail(.timedOut)] }
      state = .ready
      return endResults() + [.send(.success([bookmark]))]
    case (.transaction, .rollback):
      state = .ready
      return endResults() + [.send(.success([]))]
    case (.ready, .rejected(let error)), (.streaming, .rejected(let error)), (.transaction, .rejected(let error)):
      return endResults() + [fail(BoltFailure(error))]
    default:
      let actions = endResults() + [fail(.invalid("The message is not expected in the state '\(state)'"))]
      state = .closed
      queue.removeAll()
      return actions + [.close]
    }
  }

  // MARK: Greeting

  private mutating func hello(_ extra: ValueMap) -> [Action] {
    var answer: [(String, Value)] = [
      ("server", .string(identity.agent)), ("connection_id", .string(identity.connection)), ("hints", .map(ValueMap())),
    ]
    var actions: [Action] = []
    if version.hasPatches, case .list(let patches)? = extra["patch_bolt"], patches.contains(where: \.isUTC) {
      answer.append(("patch_bolt", .list([.string("utc")])))
      actions.append(.useUTC)
    }
    guard version.hasLogon else {
      greeting = answer
      return actions + authenticate(extra)
    }
    state = .unauthenticated
    return actions + [.send(.success(answer))]
  }

  private mutating func authenticate(_ extra: ValueMap) -> [Action] {
    work = .authenticating
    return [
      .authenticate(
        QueryCredentials(
          scheme: extra.text("scheme") ?? "none", principal: extra.text("principal") ?? "",
          credentials: extra.text("credentials") ?? ""))
    ]
  }

  /// The routing table: this server alone, in all roles.
  private func route(_ address: String?) -> [(String, Value)] {
    let address = Value.list([.string(identity.address ?? address ?? "localhost:7687")])
    let servers = ["READ", "WRITE", "ROUTE"].map { role in
      Value.map(ValueMap([("addresses", address), ("role", .string(role))]))
    }
    let table = ValueMap([
      ("ttl", .integer(300)), ("db", .string(identity.database)), ("servers", .list(servers)),
    ])
    return [("rt", .map(table))]
  }

  // MARK: Transactions

  private var bookmark: (String, Value) { ("bookmark", .string("\(identity.database):read")) }

  private var deadlineActions: [Action] { deadline.map { [.setDeadline($0)] } ?? [] }

  private mutating func begin(_ extra: ValueMap, _ now: ContinuousClock.Instant) -> [Action] {
    if let problem = begin(extra: extra, now) { return [fail(problem)] }
    state = .transaction
    return deadlineActions + [.send(.success([]))]
  }

  /// Takes the settings of a transaction; returns why they are not accepted.
  private mutating func begin(extra: ValueMap, _ now: ContinuousClock.Instant) -> BoltFailure? {
    if let name = extra.text("db"), !["", identity.database, "neo4j", "system"].contains(name) {
      return BoltFailure(
        code: "Neo.ClientError.Database.DatabaseNotFound",
        message: "There is no database '\(name)': this endpoint serves '\(identity.database)' alone",
        standardCode: "22000")
    }
    if extra.text("imp_user") != nil {
      return BoltFailure(
        code: "Neo.ClientError.Security.Forbidden", message: "Impersonation is not supported: connect as that user",
        standardCode: "42NFF")
    }
    switch extra["tx_timeout"] {
    case nil, .null?: deadline = nil
    case .integer(let milliseconds)? where milliseconds >= 0:
      // A century stands for all longer times.
      deadline = milliseconds == 0 ? nil : now + .milliseconds(min(milliseconds, 3_155_760_000_000))
    default: return .invalid("The timeout of a transaction, tx_timeout, is a number of milliseconds, at least 0")
    }
    return nil
  }

  // MARK: Results

  private mutating func run(_ query: String, _ parameters: ValueMap, _ now: ContinuousClock.Instant) -> [Action] {
    if isExpired || deadline.map({ $0 <= now }) == true { return endResults() + [fail(.timedOut)] }
    guard results.count < limits.maximumOpenResults else {
      let many = QueryError(
        .memory, "A transaction has at most \(limits.maximumOpenResults) open results; read or discard some")
      return endResults() + [fail(BoltFailure(many))]
    }
    let result = OpenResult(id: nextResult, number: nextNumber, began: now)
    nextResult += 1
    nextNumber += 1
    results[result.id] = result
    newest = result.id
    work = .opening(result.id)
    var values: [String: Value] = [:]
    for (key, value) in parameters.entries { if case .string(let name) = key { values[name] = value } }
    return [
      .open(result.id, Statement(.cypher(query), parameters: values, timeout: deadline.map { now.duration(to: $0) }))
    ]
  }

  mutating func opened(_ id: ResultID, _ columns: [String], _ now: ContinuousClock.Instant) -> [Action] {
    guard work == .opening(id), let result = results[id] else { return [.cancel(id)] }
    work = nil
    var answer: [(String, Value)] = [
      ("fields", .list(columns.map { .string($0) })), ("t_first", .integer(result.began.milliseconds(to: now))),
    ]
    if state == .transaction { answer.append(("qid", .integer(result.number))) }
    return [.send(.success(answer))] + advance(now)
  }

  private mutating func read(_ count: Int64, _ number: Int64, isDiscarding: Bool) -> [Action] {
    guard let id = number == -1 ? newest : results.values.first(where: { $0.number == number })?.id,
      var result = results[id]
    else { return endResults() + [fail(.invalid("There is no open result with the number \(number)"))] }
    if isDiscarding, count == -1 {
      results[id] = nil
      return [.cancel(id), .send(.success(end(result, nil, result.began)))]
    }
    result.wanted = count == -1 ? nil : Int(count)
    result.isDiscarding = isDiscarding
    results[id] = result
    work = .reading(id)
    return fetchMore()
  }

  /// Asks for the rows that the current request wants, once there is room for them in the socket.
  mutating func fetchMore() -> [Action] {
    guard case .reading(let id)? = work, isWritable, let result = results[id], !result.isFetching else { return [] }
    results[id]?.isFetching = true
    return [.fetch(id, count: min(result.wanted ?? limits.batchRows, limits.batchRows))]
  }

  mutating func received(_ rows: [[Value]], of id: ResultID, _ plan: PlanDescription?, _ now: ContinuousClock.Instant)
    -> [Action]
  {
    guard work == .reading(id), var result = results[id] else { return [] }
    if rows.isEmpty {
      results[id] = nil
      work = nil
      return [.cancel(id), .send(.success(end(result, plan, now)))] + advance(now)
    }
    let actions: [Action] = result.isDiscarding ? [] : [.sendRows(id, rows)]
    result.isFetching = false
    result.wanted = result.wanted.map { $0 - rows.count }
    results[id] = result
    guard result.wanted == 0 else { return actions + fetchMore() }
    work = nil
    return actions + [.send(.success([("has_more", .boolean(true))]))] + advance(now)
  }

  mutating func failed(_ id: ResultID, _ error: QueryError, _ now: ContinuousClock.Instant) -> [Action] {
    guard results[id] != nil, work == .opening(id) || work == .reading(id) else { return [] }
    let failure = isExpired && error.kind == .cancelled ? BoltFailure.timedOut : BoltFailure(error)
    work = nil
    return endResults() + [fail(failure)] + advance(now)
  }

  /// The summary of a result that has ended.
  private mutating func end(_ result: OpenResult, _ plan: PlanDescription?, _ now: ContinuousClock.Instant)
    -> [(String, Value)]
  {
    var answer: [(String, Value)] = [
      ("type", .string("r")), ("t_last", .integer(result.began.milliseconds(to: now))),
      ("db", .string(identity.database)),
    ]
    if let plan { answer.append((plan.isProfile ? "profile" : "plan", .map(plan.boltMetadata))) }
    if state == .streaming {
      state = .ready
      _ = endResults()
      answer.append(bookmark)
    }
    return answer
  }
}

extension Value {
  fileprivate var isUTC: Bool { if case .string("utc") = self { true } else { false } }
}

extension ValueMap {
  fileprivate func text(_ key: String) -> String? {
    if case .string(let text)? = self[key] { text } else { nil }
  }
}

extension ContinuousClock.Instant {
  fileprivate func milliseconds(to other: Self) -> Int64 {
    let (seconds, attoseconds) = duration(to: other).components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
