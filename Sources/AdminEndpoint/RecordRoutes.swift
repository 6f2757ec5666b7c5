import Access
import Coordinator
import HTTPServing
import HTTPTypes
import Hummingbird
import JSON
import LogStore
import Objects
import StateStore
import Wire

extension Routes {
  /// Adds `/control/v1/events` (what happened to objects), `/control/v1/audit` (what principals did) and `/control/v1/logs`
  /// (the log of the coordinator, a session or a child process). With `follow=true` the answer is a stream of lines.
  func addRecordRoutes(_ environment: AdminEnvironment) {
    let routes = RecordRoutes(environment: environment)
    let common = ["object", "since", "level", "limit", "follow"]
    on(
      "control/v1/events",
      [
        .get: Route(.viewer) { request, context in
          let query = try RequestQuery(request, common, limits: environment.limits)
          return try await routes.answer(query, .events, request, context)
        }
      ])
    on(
      "control/v1/audit",
      [
        .get: Route(.viewer) { request, context in
          let query = try RequestQuery(request, common, limits: environment.limits)
          return try await routes.answer(query, .audit, request, context)
        }
      ])
    on(
      "control/v1/logs",
      [
        .get: Route(roleOf: Self.roleOfLogs) { request, context in
          let query = try RequestQuery(
            request, ["session", "child", "step", "grep", "since", "level", "limit", "follow"],
            limits: environment.limits)
          return try await routes.answer(query, try Self.stream(query), request, context)
        }
      ])
  }

  /// The logs of the coordinator and its child processes concern all tenants; the log of a session only its own.
  private static func roleOfLogs(_ request: Request) -> Role? {
    let parameters = request.uri.queryParameters
    return parameters["session"] != nil && parameters["child"] == nil ? .viewer : .operator
  }

  private static func stream(_ query: RequestQuery) throws(RequestError) -> LogStream {
    switch (query.text("session"), query.text("child")) {
    case (nil, nil): return .coordinator
    case (let session?, nil): return .session(session)
    case (nil, let child?): return .child(child)
    case (_?, _?):
      throw RequestError(.invalidArgument, "session cannot be combined with child", hint: "Leave out one of them")
    }
  }
}

/// Handles requests for log records.
struct RecordRoutes: Sendable {
  let environment: AdminEnvironment

  /// Returns the records of a query: a list, or a stream when it follows.
  func answer(
    _ query: RequestQuery, _ stream: LogStream, _ request: Request, _ context: RouteContext
  ) async throws -> Response {
    var wanted = try recordQuery(query, stream)
    wanted.tenant = context.view.tenant
    let plane = environment.plane
    guard wanted.follows else { return Response(json: try await list(plane.records(wanted))) }
    return try environment.streams.response(to: request, context) { [wanted] lines in
      do {
        for try await record in try await plane.records(wanted) { try await lines.write(record.json) }
      } catch let error as CancellationError {
        throw error
      } catch {
        try await lines.write(.object([("type", .string("error"))] + (RequestError(telling: error).json.members ?? [])))
      }
    }
  }

  private func recordQuery(_ query: RequestQuery, _ stream: LogStream) throws(RequestError) -> RecordQuery {
    let limit = try query.integer("limit", in: 1...Int64(environment.limits.items))
    var wanted = RecordQuery(
      stream: stream, limit: limit.map { Int($0) } ?? environment.limits.items / 2, follows: try query.flag("follow"))
    wanted.object = try query.text("object").map { text throws(RequestError) in
      try ObjectReference(parsing: text).description
    }
    wanted.sinceMilliseconds = try query.integer("since", in: 0...Int64.max)
    wanted.step = query.text("step")
    wanted.text = query.text("grep")
    if let text = query.text("level") {
      guard let level = LogRecord.Level(rawValue: text) else {
        throw RequestError(
          .invalidArgument,
          "level is '\(text.prefix(64))', but must be one of "
            + LogRecord.Level.allCases.map(\.rawValue).joined(separator: ", "))
      }
      wanted.level = level
    }
    return wanted
  }

  /// Returns the newest records that fit into an answer.
  private func list(_ records: AsyncThrowingStream<LogRecord, any Error>) async throws -> JSONValue {
    var items: [JSONValue] = []
    var bytes = 0
    for try await record in records {
      items.append(record.json)
      bytes += record.message.utf8.count
      guard bytes <= environment.limits.pageBytes else {
        throw RequestError(
          .invalidArgument, "the records have more than \(environment.limits.pageBytes) bytes together",
          hint: "Request fewer with limit=", commandHint: "Request fewer with --limit")
      }
    }
    return .object([("items", .array(items))])
  }
}

extension LogRecord {
  /// The record as JSON, without the members that are nil.
  var json: JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("timeMilliseconds", .integer(timeMilliseconds)), ("level", .string(level.rawValue)),
    ]
    let texts: [(String, String?)] = [
      ("object", object), ("reason", reason), ("author", author), ("session", session), ("step", step),
      ("child", child),
    ]
    for (key, text) in texts {
      if let text { members.append((key, .string(text))) }
    }
    if let revision { members.append(("revision", .integer(revision))) }
    return .object(members + [("message", .string(message))])
  }
}
