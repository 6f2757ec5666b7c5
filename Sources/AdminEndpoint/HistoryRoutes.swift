import Access
import HTTPServing
import Hummingbird
import JSON
import StateStore
import Wire

extension Routes {
  /// Adds `/control/v1/history` (the transactions in order) and `/control/v1/diff` (the differences between two revisions, and
  /// the transactions that made them).
  func addHistoryRoutes(_ environment: AdminEnvironment) {
    let routes = HistoryRoutes(environment: environment)
    on(
      "control/v1/history",
      [.get: Route(.viewer) { request, context in try await routes.history(request, context.view) }])
    on("control/v1/diff", [.get: Route(.viewer) { request, context in try await routes.diff(request, context.view) }])
  }
}

/// Handles requests about the past.
struct HistoryRoutes: Sendable {
  let environment: AdminEnvironment

  private var store: any StateStore { environment.plane.store }
  private var limits: HTTPLimits { environment.limits }

  /// Returns the current revision. No object's key begins with a control character, so no entries are read.
  private func currentRevision() async throws -> Revision {
    try await store.entries(prefix: "\u{1}", at: nil).revision
  }

  /// Returns the transactions after a revision, or the last ones, without the values that they set.
  func history(_ request: Request, _ view: TenantView) async throws -> Response {
    let query = try RequestQuery(request, ["after", "limit"], limits: limits)
    let limit = Int(try query.integer("limit", in: 1...Int64(limits.items)) ?? 100)
    let current = try await currentRevision()
    let after = try query.integer("after", in: 0...Int64.max) ?? max(0, current - Int64(limit))
    let records = fitting(await view.filtered(try await store.history(after: after, limit: limit), store))
    return Response(
      json: .object([("revision", .integer(current)), ("items", .array(records.map(Self.json)))]))
  }

  /// Returns the first records that fit into an answer, at least one.
  private func fitting(_ records: [StateRecord]) -> [StateRecord] {
    var bytes = 0
    let count = records.prefix { record in
      let isFirst = bytes == 0
      bytes += record.changes.reduce(200 + record.summary.utf8.count) { $0 + $1.key.utf8.count + 30 }
      return isFirst || bytes <= limits.pageBytes
    }.count
    return Array(records.prefix(count))
  }

  private static func json(_ record: StateRecord) -> JSONValue {
    .object([
      ("revision", .integer(record.revision)), ("timeMilliseconds", .integer(record.timeMilliseconds)),
      ("author", .string(record.author)), ("summary", .string(record.summary)), ("id", .string(record.id)),
      ("changes", .array(record.changes.map(json))),
    ])
  }

  private static func json(_ change: StateChange) -> JSONValue {
    var type = "put"
    if case .delete = change { type = "delete" }
    return .object([("type", .string(type)), ("key", .string(change.key))])
  }

  /// Returns the keys that differ between two revisions, their differences, and the transactions in between.
  func diff(_ request: Request, _ view: TenantView) async throws -> Response {
    let query = try RequestQuery(request, ["from", "to", "prefix"], limits: limits)
    guard let from = try query.integer("from", in: 0...Int64.max) else {
      throw RequestError(.invalidArgument, "the parameter from is missing", hint: "Pass the earlier revision as from=N")
    }
    var bounds = StateDiff.Bounds()
    (bounds.keys, bounds.records) = (limits.items, limits.items)
    let difference = try await StateDiff(
      store, prefix: query.text("prefix") ?? "", from: from, to: try query.integer("to", in: 0...Int64.max),
      bounds: bounds)
    let shown = await view.filtered(difference.records, store)
    let records = fitting(shown)
    let isCut = difference.isCut || records.count < shown.count
    let keys = try await self.keys(of: difference, view)
    return Response(
      json: .object([
        ("from", .integer(difference.from)), ("to", .integer(difference.to)),
        ("items", .array(keys.map(Self.json))), ("transactions", .array(records.map(Self.json))),
        ("isCut", .bool(isCut)),
      ]))
  }

  /// Returns the keys that the caller may see.
  private func keys(of difference: StateDiff, _ view: TenantView) async throws -> [StateDiff.Key] {
    guard view.tenant != nil else { return difference.keys }
    var keys: [StateDiff.Key] = []
    for key in difference.keys {
      let isShown =
        switch key.change {
        case .added(let value), .removed(let value): view.shows(key.key, value)
        case .changed: try await store.entry(key.key, at: difference.to).map { view.shows(key.key, $0.value) } ?? false
        }
      if isShown { keys.append(key) }
    }
    return keys
  }

  private static func json(_ key: StateDiff.Key) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    switch key.change {
    case .added: members = [("type", .string("added")), ("key", .string(key.key))]
    case .removed: members = [("type", .string("removed")), ("key", .string(key.key))]
    case .changed(let differences, let isCut):
      members = [
        ("type", .string("changed")), ("key", .string(key.key)), ("differences", .array(differences.map(json))),
        ("isCut", .bool(isCut)),
      ]
    }
    if let revision = key.revision { members.append(("revision", .integer(revision))) }
    return .object(members)
  }

  /// Encodes a difference. Its values are JSON as text, truncated when they are long.
  private static func json(_ difference: StateDiff.Difference) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [("path", .string(difference.path))]
    if let old = difference.old { members.append(("old", .string(old))) }
    if let new = difference.new { members.append(("new", .string(new))) }
    return .object(members)
  }
}
